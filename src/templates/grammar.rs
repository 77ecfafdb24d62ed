//! What a template may contain, and nothing else: checks a source and writes it anew for Tera.
//!
//! Tera never sees what a person typed. It gets a source written here, token by token from an allow-list, in which each
//! variable is a flat name (`v0`, `v1` …) and every statement is one of if, elif, else, endif. What is not in this file
//! (loops, includes, functions, macros, assignments) therefore cannot reach it, however the two would differ in reading.

use std::ops::Range;

use super::{
    TemplateError,
    expression::Expression,
    lexer::{Piece, Place, Tag, Token, pieces},
    variables::Variable,
};

/// As many different variables as a text of 1,600 characters can sensibly have.
pub(super) const NAMES: [&str; 32] = [
    "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14", "v15", "v16", "v17", "v18", "v19",
    "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27", "v28", "v29", "v30", "v31",
];

/// Ifs inside ifs.
const MAX_NESTING: usize = 8;

/// A source that holds only what is allowed, with what is known about it.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// For Tera.
    pub(super) source: String,
    /// In the order of [`NAMES`].
    pub(super) variables: Vec<Variable>,
    /// In the order of the source.
    pub(super) uses: Vec<Use>,
    /// In the order of the source.
    pub(super) tags: Vec<WrittenTag>,
}

/// One place where a variable is named.
#[derive(Debug)]
pub(super) struct Use {
    /// Index into `variables`.
    pub(super) variable: usize,
    /// Bytes of the written source.
    pub(super) range: Range<usize>,
    /// Whether `| default(…)` follows.
    pub(super) has_default: bool,
}

/// A tag of the written source, and where the person wrote it.
#[derive(Debug)]
pub(super) struct WrittenTag {
    pub(super) range: Range<usize>,
    pub(super) place: Place,
}

/// Checks a template's source; the first thing that is not allowed is the error.
pub(super) fn check(source: &str) -> Result<Checked, TemplateError> {
    let mut checked = Checked::default();
    let mut open: Vec<OpenIf> = Vec::new();
    for piece in pieces(source)? {
        let start = checked.source.len();
        let place = match piece {
            Piece::Text(text) => {
                // A brace that stays behind when a comment or whitespace goes could open a tag with what follows it.
                checked.source.push_str(&text.replace('{', "{{ \"{\" }}"));
                continue;
            }
            Piece::Print(tag) => {
                checked.source.push_str("{{ ");
                Expression::check(&mut checked, &tag.tokens, tag.end)?;
                checked.source.push_str(" }}");
                tag.place
            }
            Piece::Statement(tag) => {
                statement(&mut checked, &mut open, &tag)?;
                tag.place
            }
        };
        checked.tags.push(WrittenTag { range: start..checked.source.len(), place });
    }
    match open.pop() {
        Some(open) => Err(open.place.error("This “{% if %}” has no “{% endif %}”.")),
        None => Ok(checked),
    }
}

impl Checked {
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
        let tag = self.tags.iter().rfind(|tag| tag.range.start <= byte);
        tag.map_or(Place { line: 1, column: 1 }, |tag| tag.place)
    }
}

/// An if that waits for its endif.
struct OpenIf {
    place: Place,
    has_else: bool,
}

fn statement(checked: &mut Checked, open: &mut Vec<OpenIf>, tag: &Tag) -> Result<(), TemplateError> {
    let Some(((Token::Name(word), _), rest)) = tag.tokens.split_first() else {
        return Err(tag.place.error("Between “{%” and “%}” one of if, elif, else or endif must stand first."));
    };
    match word.as_str() {
        "if" | "elif" => {
            if word == "if" {
                open.push(OpenIf { place: tag.place, has_else: false });
            }
            if open.len() > MAX_NESTING {
                return Err(tag.place.error(format!("More than {MAX_NESTING} ifs inside one another cannot be read; make it simpler.")));
            }
            check_inside(open.last(), tag, word)?;
            checked.source.push_str("{% ");
            checked.source.push_str(word);
            checked.source.push(' ');
            Expression::check(checked, rest, tag.end)?;
            checked.source.push_str(" %}");
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
            let message = format!("“{{% {word} %}}” cannot be used in a template; only if, elif, else and endif can.");
            return Err(tag.place.error(message));
        }
    }
    match rest.first() {
        Some((token, place)) => Err(place.error(format!("After “{word}” nothing may follow, but there is {token}."))),
        None => Ok(()),
    }
}

/// Elif and else need an if that has no else yet.
fn check_inside(open: Option<&OpenIf>, tag: &Tag, word: &str) -> Result<(), TemplateError> {
    match open {
        None => Err(tag.place.error(format!("This “{{% {word} %}}” belongs to no “{{% if %}}”."))),
        Some(open) if open.has_else && word != "if" => {
            Err(tag.place.error(format!("This “{{% {word} %}}” comes after the “{{% else %}}” of the same if.")))
        }
        Some(_) => Ok(()),
    }
}
