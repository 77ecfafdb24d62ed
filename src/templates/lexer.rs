//! Splits a template into text and tags, and each tag into tokens with their positions.

use super::error::TemplateError;
use super::inner_braces::{advice, has_inner_braces};
use super::source_position::SourcePosition;

/// A piece of the source, without comments and without the whitespace that `{{-` and `-}}` remove.
#[derive(Debug, PartialEq)]
pub(super) enum Piece {
    /// Literal text.
    Text(String),
    /// `{{ … }}`
    Print(Tag),
    /// `{% … %}`
    Statement(Tag),
}

/// The inside of a tag.
#[derive(Debug, PartialEq)]
pub(super) struct Tag {
    pub(super) position: SourcePosition,
    pub(super) tokens: Vec<(Lexeme, SourcePosition)>,
    /// Position of the closing `}}` or `%}`.
    pub(super) end: SourcePosition,
}

/// A token of the expression language.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Lexeme {
    Name(String),
    Text(String),
    Integer(i64),
    /// A number with a decimal point, as written.
    Decimal(String),
    Symbol(&'static str),
}

impl std::fmt::Display for Lexeme {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => write!(f, "“{name}”"),
            Self::Text(_) => f.write_str("a text in quotes"),
            Self::Integer(number) => write!(f, "“{number}”"),
            Self::Decimal(number) => write!(f, "“{number}”"),
            Self::Symbol(symbol) => write!(f, "“{symbol}”"),
        }
    }
}

/// Symbols, longer ones first so that `==` is not read as two `=`.
///
/// `&&`, `!`, `?` and `:` are recognized only to explain the alternative; `$` begins a path of
/// another tool.
const SYMBOLS: [&str; 27] = [
    "//", "==", "!=", ">=", "<=", "?.", "**", "&&", "+", "-", "*", "/", "%", ".", ",", "~", "|",
    "=", ">", "<", "(", ")", "[", "!", "?", ":", "$",
];

/// Splits the source; the error says what is unclosed or unknown, and where.
pub(super) fn pieces(source: &str) -> Result<Vec<Piece>, TemplateError> {
    let mut cursor = Cursor { rest: source, line: 1, column: 1 };
    let mut pieces = Vec::new();
    let mut trim_next = false;
    while !cursor.rest.is_empty() {
        let start = ["{{", "{%", "{#"].iter().filter_map(|marker| cursor.rest.find(marker)).min();
        let text = cursor.take(start.unwrap_or(cursor.rest.len()));
        let opening = cursor.position();
        let marker = if start.is_some() { cursor.take(2) } else { "" };
        let trim_this = !marker.is_empty() && cursor.accept("-");
        push_text(&mut pieces, text, trim_next, trim_this);
        trim_next = match marker {
            "{{" => {
                let (tag, trim) = tag(&mut cursor, opening, "{{", "}}")?;
                pieces.push(Piece::Print(tag));
                trim
            }
            "{%" => {
                let (tag, trim) = tag(&mut cursor, opening, "{%", "%}")?;
                pieces.push(Piece::Statement(tag));
                trim
            }
            "{#" => {
                let end = cursor
                    .rest
                    .find("#}")
                    .ok_or_else(|| opening.error("Close the comment “{#” with “#}”."))?;
                let trim = cursor.take(end).ends_with('-');
                cursor.take(2);
                trim
            }
            _ => false,
        };
    }
    Ok(pieces)
}

fn push_text(pieces: &mut Vec<Piece>, mut text: &str, trim_start: bool, trim_end: bool) {
    if trim_start {
        text = text.trim_start();
    }
    if trim_end {
        text = text.trim_end();
    }
    match pieces.last_mut() {
        _ if text.is_empty() => {}
        Some(Piece::Text(before)) => before.push_str(text),
        _ => pieces.push(Piece::Text(text.to_owned())),
    }
}

/// Reads a tag including its closing marker; also returns whether the whitespace after it is
/// removed.
fn tag(
    cursor: &mut Cursor<'_>,
    opening: SourcePosition,
    open: &str,
    close: &str,
) -> Result<(Tag, bool), TemplateError> {
    let mut tokens = Vec::new();
    loop {
        cursor.skip_whitespace();
        let position = cursor.position();
        if cursor.rest.is_empty() {
            return Err(opening.error(format!("Close this “{open}” with “{close}”.")));
        }
        let trim = cursor.rest.strip_prefix('-').is_some_and(|rest| rest.starts_with(close));
        if trim || cursor.rest.starts_with(close) {
            cursor.take(close.len() + usize::from(trim));
            return Ok((Tag { position: opening, tokens, end: position }, trim));
        }
        tokens.push((token(cursor)?, position));
    }
}

fn token(cursor: &mut Cursor<'_>) -> Result<Lexeme, TemplateError> {
    let position = cursor.position();
    let first = cursor.rest.chars().next().unwrap_or_default();
    match first {
        '"' | '\'' | '`' => text(cursor, first),
        '0'..='9' => number(cursor),
        'a'..='z' | 'A'..='Z' | '_' => {
            let length = cursor
                .rest
                .find(|c: char| !c.is_ascii_alphanumeric() && c != '_')
                .unwrap_or(cursor.rest.len());
            Ok(Lexeme::Name(cursor.take(length).to_owned()))
        }
        '“' | '”' | '„' | '‘' | '’' | '‚' | '«' | '»' => Err(position.error(
            format!("“{first}” is a typographic quotation mark. Write \" or ' around a text."),
        )),
        '{' | '$' if has_inner_braces(cursor.rest) => Err(position.error(advice(cursor.rest))),
        ']' => {
            cursor.take(1);
            Ok(Lexeme::Symbol("]"))
        }
        _ => match SYMBOLS.iter().find(|symbol| cursor.rest.starts_with(**symbol)) {
            Some(symbol) => {
                cursor.take(symbol.len());
                Ok(Lexeme::Symbol(symbol))
            }
            None => Err(position
                .error(format!("“{first}” has no meaning inside “{{{{ }}}}” and “{{% %}}”."))),
        },
    }
}

fn text(cursor: &mut Cursor<'_>, quote: char) -> Result<Lexeme, TemplateError> {
    let opening = cursor.position();
    cursor.take(1);
    let mut text = String::new();
    loop {
        let position = cursor.position();
        match cursor.next() {
            None => return Err(opening.error(format!("Close this text with {quote}"))),
            Some(c) if c == quote => return Ok(Lexeme::Text(text)),
            Some('\\') => match cursor.next() {
                Some(c @ ('"' | '\'' | '`' | '/' | '\\')) => text.push(c),
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('r') => text.push('\r'),
                _ => {
                    return Err(position
                        .error("Only n, t, r, a quotation mark or another “\\” may follow “\\”."));
                }
            },
            Some(c) => text.push(c),
        }
    }
}

fn number(cursor: &mut Cursor<'_>) -> Result<Lexeme, TemplateError> {
    let position = cursor.position();
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(cursor.rest);
    let fraction =
        cursor.rest.get(whole..).and_then(|rest| rest.strip_prefix('.')).map_or(0, digits);
    if fraction > 0 {
        let written = cursor.take(whole + 1 + fraction);
        let is_finite = written.parse::<f64>().is_ok_and(f64::is_finite);
        return if is_finite {
            Ok(Lexeme::Decimal(written.to_owned()))
        } else {
            Err(position.error("This number is too large."))
        };
    }
    cursor
        .take(whole)
        .parse()
        .map(Lexeme::Integer)
        .map_err(|_| position.error("This number is too large."))
}

struct Cursor<'a> {
    rest: &'a str,
    line: u32,
    column: u32,
}

impl<'a> Cursor<'a> {
    fn position(&self) -> SourcePosition {
        SourcePosition { line: self.line, column: self.column }
    }

    /// Consumes and returns the next `bytes`, which must end at a character boundary.
    fn take(&mut self, bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(bytes);
        for c in taken.chars() {
            if c == '\n' {
                self.line += 1;
                self.column = 1;
            } else {
                self.column += 1;
            }
        }
        self.rest = rest;
        taken
    }

    fn next(&mut self) -> Option<char> {
        let next = self.rest.chars().next()?;
        self.take(next.len_utf8());
        Some(next)
    }

    fn accept(&mut self, text: &str) -> bool {
        let found = self.rest.starts_with(text);
        if found {
            self.take(text.len());
        }
        found
    }

    fn skip_whitespace(&mut self) {
        let length = self.rest.find(|c: char| !c.is_whitespace()).unwrap_or(self.rest.len());
        self.take(length);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<String> {
        pieces(source)
            .unwrap()
            .into_iter()
            .map(|piece| match piece {
                Piece::Text(text) => text,
                Piece::Print(tag) => format!("print {}", tag.tokens.len()),
                Piece::Statement(tag) => format!("statement {}", tag.tokens.len()),
            })
            .collect()
    }

    #[test]
    fn text_comments_and_tags_are_distinguished() {
        assert_eq!(
            texts("Hi {{ a.b }}{# secret #}, {% if x %}y"),
            ["Hi ", "print 3", ", ", "statement 2", "y"]
        );
        assert_eq!(texts("a } }} %} #} { b"), ["a } }} %} #} { b"]);
    }

    #[test]
    fn a_minus_removes_the_whitespace_beside_a_tag() {
        assert_eq!(texts("a  {{- x -}} \n b"), ["a", "print 1", "b"]);
        assert_eq!(texts("a {#- note -#} b"), ["ab"]);
    }

    #[test]
    fn quotes_hide_what_looks_like_the_end_of_a_tag() {
        assert_eq!(texts(r#"{{ "}}" }}!"#), ["print 1", "!"]);
    }

    #[test]
    fn what_is_not_closed_is_reported_with_its_position() {
        let error = pieces("Hello\n  {{ contact.first_name").unwrap_err();
        assert_eq!((error.line, error.column), (2, 3));
        assert_eq!(error.message, "Close this “{{” with “}}”.");
        assert_eq!(pieces("{{ 'abc }}").unwrap_err().column, 4);
        assert!(pieces("{# abc").is_err());
    }

    #[test]
    fn a_typographic_quote_is_explained() {
        let error = pieces("{{ x | default(value=“there”) }}").unwrap_err();
        assert!(error.message.contains("typographic"), "{error}");
        assert_eq!(error.column, 22);
    }
}
