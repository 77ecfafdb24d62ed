//! Checks a template against an allow-list and generates the source for Tera.
//!
//! Tera never sees user input. It gets a source that this file and `tera_source` generate from the
//! syntax tree of `expression_parser`: each variable is a flat name (`v0`, `v1` …), each operator
//! one of Carillon's filters, and each statement an if, elif, else or endif. Loops, includes,
//! functions, macros and assignments therefore cannot reach Tera, even if the two parsers disagree.

use super::checked_source::{CheckedSource, Evaluated, ExprUse, WrittenTag};
use super::error::TemplateError;
use super::expression_parser::Parser;
use super::lexer::{Lexeme, Piece, Tag, pieces};
use super::source_position::SourcePosition;
use super::tera_source;

/// Maximum nesting of ifs.
const MAX_NESTING: usize = 8;

/// How printed values are used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Printing {
    /// As part of a text.
    Text,
    /// As part of a URL: values are percent-encoded, unless the first expression is the beginning
    /// of the URL itself.
    Url,
}

/// Checks a template's source; the error is the first construct that is not allowed.
pub(super) fn check(source: &str, printing: Printing) -> Result<CheckedSource, TemplateError> {
    let mut checked = CheckedSource::default();
    let mut open: Vec<OpenIf> = Vec::new();
    for piece in pieces(source)? {
        let start = checked.source.len();
        let position = match piece {
            Piece::Text(text) => {
                checked.fixed.push_str(&text);
                // A brace that remains after a comment or whitespace is removed could open a tag
                // with the text that follows.
                checked.source.push_str(&text.replace('{', "{{ \"{\" }}"));
                continue;
            }
            Piece::Print(tag) => {
                let expr = Parser::parse(&mut checked, &tag.tokens, tag.end)?;
                let is_first = checked.fixed.is_empty() && checked.expressions.is_empty();
                checked.source.push_str("{{ ");
                match printing {
                    Printing::Url if !is_first => tera_source::print_encoded(&mut checked, &expr),
                    Printing::Url | Printing::Text => tera_source::print(&mut checked, &expr),
                }
                checked.source.push_str(" }}");
                let evaluated =
                    if open.is_empty() { Evaluated::Always } else { Evaluated::Sometimes };
                checked.expressions.push(ExprUse { expr, is_printed: true, evaluated });
                tag.position
            }
            Piece::Statement(tag) => {
                statement(&mut checked, &mut open, &tag)?;
                tag.position
            }
        };
        checked.tags.push(WrittenTag { start, position });
    }
    match open.pop() {
        Some(open) => Err(open.position.error("This “{% if %}” has no “{% endif %}”.")),
        None => Ok(checked),
    }
}

/// An `if` without its `endif` yet.
struct OpenIf {
    position: SourcePosition,
    has_else: bool,
}

fn statement(
    checked: &mut CheckedSource,
    open: &mut Vec<OpenIf>,
    tag: &Tag,
) -> Result<(), TemplateError> {
    let Some(((Lexeme::Name(word), _), rest)) = tag.tokens.split_first() else {
        return Err(tag.position.error("Begin “{% … %}” with if, elif, else or endif."));
    };
    match word.as_str() {
        "if" | "elif" => {
            if word == "if" {
                open.push(OpenIf { position: tag.position, has_else: false });
            }
            if open.len() > MAX_NESTING {
                return Err(tag
                    .position
                    .error(format!("Nest at most {MAX_NESTING} ifs in one another.")));
            }
            check_inside(open.last(), tag, word)?;
            let expr = Parser::parse(checked, rest, tag.end)?;
            checked.write(format_args!("{{% {word} "));
            tera_source::condition(checked, &expr);
            checked.source.push_str(" %}");
            // Only the condition of an outermost `if` is evaluated for every message.
            let evaluated = if word == "if" && open.len() == 1 {
                Evaluated::Always
            } else {
                Evaluated::Sometimes
            };
            checked.expressions.push(ExprUse { expr, is_printed: false, evaluated });
            return Ok(());
        }
        "else" => {
            check_inside(open.last(), tag, word)?;
            if let Some(open) = open.last_mut() {
                open.has_else = true;
            }
            checked.source.push_str("{% else %}");
        }
        "endif" => {
            if open.pop().is_none() {
                return Err(tag.position.error("This “{% endif %}” closes no “{% if %}”."));
            }
            checked.source.push_str("{% endif %}");
        }
        _ => {
            let message =
                format!("Templates have no “{{% {word} %}}”, only if, elif, else and endif.");
            return Err(tag.position.error(message));
        }
    }
    match rest.first() {
        Some((token, position)) => {
            Err(position.error(format!("Remove {token}: nothing follows “{word}”.")))
        }
        None => Ok(()),
    }
}

/// Checks that elif and else belong to an `if` without an else.
fn check_inside(open: Option<&OpenIf>, tag: &Tag, word: &str) -> Result<(), TemplateError> {
    match open {
        None => {
            Err(tag.position.error(format!("This “{{% {word} %}}” belongs to no “{{% if %}}”.")))
        }
        Some(open) if open.has_else && word != "if" => Err(tag.position.error(format!(
            "This “{{% {word} %}}” comes after the “{{% else %}}” of the same if."
        ))),
        Some(_) => Ok(()),
    }
}
