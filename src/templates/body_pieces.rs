//! Splits the text of a template into words and variables, for pages that show variables as chips.

use serde::Serialize;

use super::foreign_variables::native_path;
use super::lexer::{self, Lexeme, Piece, Tag};
use super::variable_path::{Key, inner_property};

/// A part of a template's text.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum BodyPiece {
    /// Words as written.
    Text {
        /// The words.
        text: String,
    },
    /// A value of the contact, the event or the organization.
    Variable {
        /// Its name for people: “first name”, “order_id”.
        label: String,
        /// The text in its place if it has no value.
        fallback: Option<String>,
    },
    /// The start, turn or end of a condition.
    Condition {
        /// In words: “if vip == true”, “else”, “end if”.
        words: String,
    },
}

/// Splits a text as typed. A text that cannot be read is returned whole.
pub fn body_pieces(body: &str) -> Vec<BodyPiece> {
    let Ok(pieces) = lexer::pieces(body) else {
        return vec![BodyPiece::Text { text: body.to_owned() }];
    };
    let piece = |piece| match piece {
        Piece::Text(text) => BodyPiece::Text { text },
        Piece::Print(tag) => variable(&tag),
        Piece::Statement(tag) => BodyPiece::Condition { words: words(&tag) },
    };
    pieces.into_iter().map(piece).collect()
}

/// A printed value; its label is the first variable in it, else the expression itself.
fn variable(tag: &Tag) -> BodyPiece {
    let lexemes: Vec<&Lexeme> = tag.tokens.iter().map(|(lexeme, _)| lexeme).collect();
    let label = (0..lexemes.len())
        .find_map(|start| variable_at(&lexemes, start))
        .map_or_else(|| words(tag), |(label, _)| label);
    let is_default = |lexeme: &&Lexeme| matches!(lexeme, Lexeme::Name(name) if name == "default");
    let fallback = lexemes
        .iter()
        .position(is_default)
        .and_then(|at| {
            let arguments = lexemes[at..].iter();
            arguments
                .take_while(|lexeme| ***lexeme != Lexeme::Symbol(")"))
                .find_map(|lexeme| literal(lexeme))
        })
        .filter(|text| !text.is_empty());
    BodyPiece::Variable { label, fallback }
}

/// The label of the variable that begins at `start`, and the index after it.
fn variable_at(lexemes: &[&Lexeme], start: usize) -> Option<(String, usize)> {
    let root = match lexemes.get(start)? {
        Lexeme::Name(name) => name.as_str(),
        Lexeme::Symbol("$") => "$",
        _ => return None,
    };
    let mut path = vec![Key::Name(root.to_owned())];
    let mut end = start + 1;
    loop {
        let (key, length) = match lexemes.get(end..).unwrap_or_default() {
            [Lexeme::Symbol("." | "?."), Lexeme::Name(name), ..] => (Key::Name(name.clone()), 2),
            [Lexeme::Symbol("["), Lexeme::Text(name), Lexeme::Symbol("]"), ..] => {
                (Key::Name(name.clone()), 3)
            }
            [Lexeme::Symbol("["), Lexeme::Integer(index), Lexeme::Symbol("]"), ..] => {
                (Key::Index(usize::try_from(*index).ok()?), 3)
            }
            _ => break,
        };
        path.push(key);
        end += length;
    }
    match native_path(&path) {
        Some(native) => Some((label(&native.unwrap_or(path)), end)),
        None if matches!(root, "contact" | "event" | "organization") => Some((label(&path), end)),
        None => None,
    }
}

/// The name of a variable for people.
fn label(path: &[Key]) -> String {
    let Some((root, keys)) = path.split_first() else { return String::new() };
    let root = root.name().unwrap_or_default();
    let keys = if root == "event" { inner_property(keys).unwrap_or(keys) } else { keys };
    let words: Vec<String> = keys
        .iter()
        .map(|key| match key {
            Key::Name(name) => name.clone(),
            Key::Index(index) => index.saturating_add(1).to_string(),
        })
        .collect();
    match (root, words.as_slice()) {
        (root, []) => root.to_owned(),
        ("contact", [first, rest @ ..]) if first == "attributes" && !rest.is_empty() => {
            rest.join(" ")
        }
        ("contact", words) => words.join(" ").replace('_', " "),
        ("organization", _) => "organization".to_owned(),
        (_, words) => words.join(" "),
    }
}

/// The value of a text or number.
fn literal(lexeme: &Lexeme) -> Option<String> {
    match lexeme {
        Lexeme::Text(text) => Some(text.clone()),
        Lexeme::Integer(number) => Some(number.to_string()),
        Lexeme::Decimal(number) => Some(number.clone()),
        Lexeme::Name(_) | Lexeme::Symbol(_) => None,
    }
}

/// A tag in words, with the labels of its variables.
fn words(tag: &Tag) -> String {
    let lexemes: Vec<&Lexeme> = tag.tokens.iter().map(|(lexeme, _)| lexeme).collect();
    let mut words = Vec::new();
    let mut index = 0;
    while let Some(lexeme) = lexemes.get(index) {
        if let Some((label, end)) = variable_at(&lexemes, index) {
            words.push(label);
            index = end;
            continue;
        }
        words.push(match lexeme {
            Lexeme::Name(name) => match name.as_str() {
                "elif" => "else if".to_owned(),
                "endif" => "end if".to_owned(),
                other => other.to_owned(),
            },
            Lexeme::Symbol(symbol) => (*symbol).to_owned(),
            Lexeme::Text(text) => format!("“{text}”"),
            Lexeme::Integer(number) => number.to_string(),
            Lexeme::Decimal(number) => number.clone(),
        });
        index += 1;
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(body: &str) -> String {
        let piece = |piece| match piece {
            BodyPiece::Text { text } => text,
            BodyPiece::Variable { label, fallback: None } => format!("[{label}]"),
            BodyPiece::Variable { label, fallback: Some(other) } => format!("[{label}|{other}]"),
            BodyPiece::Condition { words } => format!("<{words}>"),
        };
        body_pieces(body).into_iter().map(piece).collect()
    }

    #[test]
    fn variables_are_named_for_people_with_their_fallback() {
        assert_eq!(
            shown("Hi {{ contact.first_name | default(value=\"there\") }}, {{ event.order_id }}!"),
            "Hi [first name|there], [order_id]!"
        );
        assert_eq!(
            shown("{{ contact.attributes.city }} {{ event.items[0].sku }} {{ organization.name }}"),
            "[city] [items 1 sku] [organization]"
        );
        assert_eq!(shown("{{ event.total | round(precision=2) }}"), "[total]");
        assert_eq!(shown("{{ 1 + 2 }}"), "[1 + 2]");
    }

    #[test]
    fn variables_of_other_tools_are_named_like_ours() {
        assert_eq!(
            shown("Hi {{$.traits.firstName|default(value=\"there\")}}, {{$.properties.order_id}}!"),
            "Hi [first name|there], [order_id]!"
        );
        assert_eq!(
            shown("{{ customer.city }} {{ event.properties.total }} {{ properties.items[0].sku }}"),
            "[city] [total] [items 1 sku]"
        );
        assert_eq!(
            shown("{{ $['properties']['ship to'] }} {{ user.name }} {{ $.event }} {{ person }}"),
            "[ship to] [name] [event] [person]"
        );
        assert_eq!(
            shown("{% if $.properties.total > 10 %}A{% endif %}"),
            "<if total > 10>A<end if>"
        );
        assert_eq!(shown("{{ contact.attributes[\"home town\"] }}"), "[home town]");
    }

    #[test]
    fn conditions_are_said_in_words() {
        assert_eq!(
            shown("{% if event.total > 10 %}A{% else %}B{% endif %}"),
            "<if total > 10>A<else>B<end if>"
        );
    }

    #[test]
    fn a_text_that_cannot_be_read_is_shown_as_it_is() {
        assert_eq!(shown("Hi {{ contact"), "Hi {{ contact");
    }
}
