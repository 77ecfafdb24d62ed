//! Recognizes the next binary operator in an expression.

use super::ast::Operator;
use super::error::TemplateError;
use super::lexer::Lexeme;
use super::source_position::SourcePosition;

/// The next operator and its number of tokens.
pub(super) fn operator(
    tokens: &[(Lexeme, SourcePosition)],
) -> Result<Option<(Operator, usize)>, TemplateError> {
    let found = |operator: Operator| Ok(Some((operator, 1)));
    match tokens {
        [(Lexeme::Name(first), _), (Lexeme::Name(second), _), ..]
            if first == "not" && second == "in" =>
        {
            Ok(Some((Operator::NotIn, 2)))
        }
        [(Lexeme::Name(name), _), ..] if name == "in" => found(Operator::In),
        [(Lexeme::Symbol("**"), position), ..] => Err(position.error("Templates have no “**”.")),
        [(Lexeme::Symbol("="), position), ..] => {
            Err(position.error("Write “==” to compare. “=” alone has no meaning here."))
        }
        [(Lexeme::Symbol("&&"), position), ..] => {
            Err(position.error("Write “and” instead of “&&”."))
        }
        [(Lexeme::Symbol("?"), position), ..] => Err(position.error(
            "Write “b if a else c” instead of “a ? b : c”. For a missing value, add | \
             default(value=\"…\").",
        )),
        [(Lexeme::Symbol(symbol), _), ..] => {
            match Operator::ALL.into_iter().find(|operator| operator.symbol() == *symbol) {
                Some(operator) => found(operator),
                None => Ok(None),
            }
        }
        _ => Ok(None),
    }
}
