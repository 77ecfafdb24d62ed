//! The operator of two operands that comes next in an expression.

use super::ast::Operator;
use super::error::TemplateError;
use super::lexer::Lexeme;
use super::place::Place;

/// The operator that comes next, and of how many tokens it is.
pub(super) fn operator(
    tokens: &[(Lexeme, Place)],
) -> Result<Option<(Operator, usize)>, TemplateError> {
    let found = |operator: Operator| Ok(Some((operator, 1)));
    match tokens {
        [(Lexeme::Name(first), _), (Lexeme::Name(second), _), ..]
            if first == "not" && second == "in" =>
        {
            Ok(Some((Operator::NotIn, 2)))
        }
        [(Lexeme::Name(name), _), ..] if name == "in" => found(Operator::In),
        [(Lexeme::Symbol("**"), place), ..] => {
            Err(place.error("“**” cannot be used in a template."))
        }
        [(Lexeme::Symbol("="), place), ..] => {
            Err(place.error("To compare, write “==”; “=” alone has no meaning here."))
        }
        [(Lexeme::Symbol("&&"), place), ..] => Err(place.error("“&&” is written “and” here.")),
        [(Lexeme::Symbol("?"), place), ..] => Err(place.error(
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
