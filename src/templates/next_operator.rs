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
        [(Lexeme::Symbol("**"), position), ..] => {
            Err(position.error("“**” cannot be used in a template."))
        }
        [(Lexeme::Symbol("="), position), ..] => {
            Err(position.error("To compare, write “==”; “=” alone has no meaning here."))
        }
        [(Lexeme::Symbol("&&"), position), ..] => {
            Err(position.error("“&&” is written “and” here."))
        }
        [(Lexeme::Symbol("?"), position), ..] => Err(position.error(
            "“a ? b : c” is written “b if a else c” here; for a missing value, add | \
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
