//! What a template may contain, and nothing else: checks a source and writes it anew for Tera.
//!
//! Tera never sees what a person typed. It gets a source written here and in `write`, from the tree
//! that `expression` reads with an allow-list, in which each variable is a flat name (`v0`, `v1`
//! …), each operator a filter of ours, and every statement one of if, elif, else, endif. What is
//! not in these files (loops, includes, functions, macros, assignments) therefore cannot reach it,
//! however the two would differ in reading.

use super::checked::{Checked, Found, Reach, WrittenTag};
use super::error::TemplateError;
use super::expression::Parser;
use super::lexer::{Lexeme, Piece, Tag, pieces};
use super::place::Place;
use super::write;

/// Ifs inside ifs.
const MAX_NESTING: usize = 8;

/// What is made of the values that are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Printing {
    /// They are part of a text.
    Text,
    /// They are part of an address, in which they must not mean anything: only one that everything
    /// begins with is an address itself.
    Address,
}

/// Checks a template's source; the first thing that is not allowed is the error.
pub(super) fn check(source: &str, printing: Printing) -> Result<Checked, TemplateError> {
    let mut checked = Checked::default();
    let mut open: Vec<OpenIf> = Vec::new();
    for piece in pieces(source)? {
        let start = checked.source.len();
        let place = match piece {
            Piece::Text(text) => {
                checked.fixed.push_str(&text);
                // A brace that stays behind when a comment or whitespace goes could open a tag with
                // what follows it.
                checked.source.push_str(&text.replace('{', "{{ \"{\" }}"));
                continue;
            }
            Piece::Print(tag) => {
                let expr = Parser::parse(&mut checked, &tag.tokens, tag.end)?;
                let is_first = checked.fixed.is_empty() && checked.expressions.is_empty();
                checked.source.push_str("{{ ");
                match printing {
                    Printing::Address if !is_first => write::print_encoded(&mut checked, &expr),
                    Printing::Address | Printing::Text => write::print(&mut checked, &expr),
                }
                checked.source.push_str(" }}");
                let reach = if open.is_empty() { Reach::Always } else { Reach::Sometimes };
                checked.expressions.push(Found { expr, is_printed: true, reach });
                tag.place
            }
            Piece::Statement(tag) => {
                statement(&mut checked, &mut open, &tag)?;
                tag.place
            }
        };
        checked.tags.push(WrittenTag { start, place });
    }
    match open.pop() {
        Some(open) => Err(open.place.error("This “{% if %}” has no “{% endif %}”.")),
        None => Ok(checked),
    }
}

/// An if that waits for its endif.
struct OpenIf {
    place: Place,
    has_else: bool,
}

fn statement(
    checked: &mut Checked,
    open: &mut Vec<OpenIf>,
    tag: &Tag,
) -> Result<(), TemplateError> {
    let Some(((Lexeme::Name(word), _), rest)) = tag.tokens.split_first() else {
        return Err(tag
            .place
            .error("Between “{%” and “%}” one of if, elif, else or endif must stand first."));
    };
    match word.as_str() {
        "if" | "elif" => {
            if word == "if" {
                open.push(OpenIf { place: tag.place, has_else: false });
            }
            if open.len() > MAX_NESTING {
                return Err(tag.place.error(format!(
                    "More than {MAX_NESTING} ifs inside one another cannot be read; make \
                             it simpler."
                )));
            }
            check_inside(open.last(), tag, word)?;
            let expr = Parser::parse(checked, rest, tag.end)?;
            checked.write(format_args!("{{% {word} "));
            write::condition(checked, &expr);
            checked.source.push_str(" %}");
            // Every message comes by the condition of an if outside all others, and by no other.
            let reach =
                if word == "if" && open.len() == 1 { Reach::Always } else { Reach::Sometimes };
            checked.expressions.push(Found { expr, is_printed: false, reach });
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
                return Err(tag.place.error("This “{% endif %}” closes no “{% if %}”."));
            }
            checked.source.push_str("{% endif %}");
        }
        _ => {
            let message = format!(
                "“{{% {word} %}}” cannot be used in a template; only if, elif, else and endif can."
            );
            return Err(tag.place.error(message));
        }
    }
    match rest.first() {
        Some((token, place)) => {
            Err(place.error(format!("After “{word}” nothing may follow, but there is {token}.")))
        }
        None => Ok(()),
    }
}

/// Elif and else need an if that has no else yet.
fn check_inside(open: Option<&OpenIf>, tag: &Tag, word: &str) -> Result<(), TemplateError> {
    match open {
        None => Err(tag.place.error(format!("This “{{% {word} %}}” belongs to no “{{% if %}}”."))),
        Some(open) if open.has_else && word != "if" => Err(tag.place.error(format!(
            "This “{{% {word} %}}” comes after the “{{% else %}}” of the same if."
        ))),
        Some(_) => Ok(()),
    }
}
