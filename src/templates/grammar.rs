//! What a template may contain, and nothing else: checks a source and writes it anew for Tera.
//!
//! Tera never sees what a person typed. It gets a source written here and in `write`, from the tree
//! that `expression` reads with an allow-list, in which each variable is a flat name (`v0`, `v1`
//! …), each operator a filter of ours, and every statement one of if, elif, else, endif. What is
//! not in these files (loops, includes, functions, macros, assignments) therefore cannot reach it,
//! however the two would differ in reading.

use std::fmt::{Arguments, Write as _};

use super::TemplateError;
use super::ast::Expr;
use super::expression::Parser;
use super::lexer::{Piece, Place, Tag, Token, pieces};
use super::program::Reach;
use super::variables::Variable;
use super::write::{self, Site};

/// As many different variables as a text of 1,600 characters can sensibly have.
pub(super) const NAMES: [&str; 32] = [
    "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
    "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27",
    "v28", "v29", "v30", "v31",
];

/// Ifs inside ifs.
const MAX_NESTING: usize = 8;

/// A source that holds only what is allowed, with what is known about it.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// For Tera.
    pub(super) source: String,
    /// The text outside all tags.
    pub(super) fixed: String,
    /// In the order of [`NAMES`].
    pub(super) variables: Vec<Variable>,
    /// In the order of the source.
    pub(super) uses: Vec<Use>,
    /// In the order of the source.
    pub(super) tags: Vec<WrittenTag>,
    /// What can fail, by the number that it has in the source.
    pub(super) sites: Vec<Site>,
    /// In the order of the source.
    pub(super) expressions: Vec<Found>,
}

/// An expression of the template.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) expr: Expr,
    /// Printed, or else a condition.
    pub(super) is_printed: bool,
    pub(super) reach: Reach,
}

/// What is made of the values that are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Printing {
    /// They are part of a text.
    Text,
    /// They are part of an address, in which they must not mean anything: only one that everything
    /// begins with is an address itself.
    Address,
}

/// One place where a variable is named.
#[derive(Debug)]
pub(super) struct Use {
    /// Index into `variables`.
    pub(super) variable: usize,
    /// Whether `| default(…)` follows, or its presence is what is asked for.
    pub(super) is_guarded: bool,
}

/// A tag of the written source, and where the person wrote it.
#[derive(Debug)]
pub(super) struct WrittenTag {
    /// Where it begins, in bytes of the written source.
    pub(super) start: usize,
    pub(super) place: Place,
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

impl Checked {
    /// Appends to the source.
    pub(super) fn write(&mut self, written: Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.source.write_fmt(written);
    }

    /// The variable's index, the same each time that it is named; `None` when there are too many.
    pub(super) fn index_of(&mut self, variable: Variable) -> Option<usize> {
        let known = self.variables.iter().position(|known| *known == variable);
        if known.is_none() && self.variables.len() < NAMES.len() {
            self.variables.push(variable);
            return Some(self.variables.len() - 1);
        }
        known
    }

    /// Where the person wrote what stands at this byte of the written source.
    pub(super) fn place(&self, byte: usize) -> Place {
        let tag = self.tags.iter().rfind(|tag| tag.start <= byte);
        tag.map_or(Place { line: 1, column: 1 }, |tag| tag.place)
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
    let Some(((Token::Name(word), _), rest)) = tag.tokens.split_first() else {
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
