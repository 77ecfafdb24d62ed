//! The pieces of a template: its texts, where markup separates them, and its statements.

use super::choices::SEAM;
use super::expressions;
use super::words::VALUE;

/// A piece of a template, in the order of the source.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece {
    Text(String),
    /// Separates one text from the next.
    Break,
    /// A text of its own, such as the label of a component.
    Aside(String),
    /// The value of an attribute that people read, as written.
    Attribute(String),
    /// A statement of Tera, without its marks.
    Statement(String),
}

/// Elements within a sentence. All others separate texts.
const INLINE: &[&str] =
    &["a", "b", "bdi", "code", "del", "em", "i", "ins", "mark", "small", "span", "strong", "time"];

/// Components that show no text.
const SILENT: &[&str] = &["ui.icon", "form.csrf", "form.described"];

/// Attributes that people read or hear. Of `content`, only that of a description.
const READ_ATTRIBUTES: &[&str] =
    &["alt", "aria-label", "content", "data-confirm", "data-label", "placeholder", "title"];

/// The pieces of a template.
pub(super) fn pieces(source: &str) -> Vec<Piece> {
    let (mut reader, mut rest) = (Reader::default(), source);
    while !rest.is_empty() {
        rest = &rest[reader.read(rest)..];
    }
    reader.pieces
}

#[derive(Default)]
struct Reader {
    pieces: Vec<Piece>,
    /// For each open link, whether it stands by itself, as a button does.
    links: Vec<bool>,
    /// Whether a link has just ended: one that follows it at once is another text.
    follows_link: bool,
}

impl Reader {
    /// Reads what the source begins with, and returns its length.
    fn read(&mut self, source: &str) -> usize {
        if let Some(length) = tera_length(source) {
            self.read_tera(&source[..length]);
            length
        } else if source.starts_with("<!--") {
            source.find("-->").unwrap() + 3
        } else if is_tag(source) {
            let length = tag_length(source);
            self.read_tag(&source[..length], &source[length..]);
            length + hidden_length(&source[..length], &source[length..])
        } else {
            let first = source.chars().next().map_or(0, char::len_utf8);
            let end = source[first..].find(['<', '{']);
            let length = end.map_or(source.len(), |end| first + end);
            self.read_text(&source[..length]);
            length
        }
    }

    fn read_text(&mut self, text: &str) {
        self.follows_link &= text.trim().is_empty();
        let text = text.replace("&amp;", "&").replace("&quot;", "\"").replace("&nbsp;", " ");
        self.pieces.push(Piece::Text(text));
    }

    /// Reads an expression, a statement or a comment.
    fn read_tera(&mut self, tera: &str) {
        let inner = tera[2..tera.len() - 2].trim_matches('-').trim();
        let call = inner.strip_prefix('<');
        match (&tera[..2], call) {
            ("{{", Some(call)) => self.read_call(call),
            ("{{", None) => {
                self.follows_link = false;
                self.pieces.push(Piece::Text(expressions::text(inner)));
            }
            ("{%", Some(call)) => {
                self.pieces.extend(asides(call));
                self.pieces.push(Piece::Break);
            }
            ("{%", None) => {
                // Not after the link of another branch.
                self.follows_link &= !inner.starts_with("el");
                self.pieces.push(Piece::Statement(inner.to_owned()));
            }
            _ => {}
        }
    }

    /// Reads a call of a component without a body, such as `ui.badge label="New" /`.
    fn read_call(&mut self, call: &str) {
        let end = call.find(|character: char| character.is_whitespace() || character == '/');
        let name = &call[..end.unwrap_or(call.len())];
        self.follows_link &= name == "ui.icon";
        let asides = asides(call);
        if SILENT.contains(&name) {
            self.pieces.extend(asides);
        } else if asides.is_empty() {
            self.pieces.push(Piece::Text(VALUE.to_owned()));
        } else {
            self.pieces.push(Piece::Break);
            self.pieces.extend(asides);
            self.pieces.push(Piece::Break);
        }
    }

    fn read_tag(&mut self, tag: &str, after: &str) {
        if hidden_length(tag, after) > 0 {
            return;
        }
        let is_end = tag.starts_with("</");
        let attributes = attributes(tag);
        for (attribute, value) in &attributes {
            let is_read = *attribute != "content" || tag.contains("name=\"description\"");
            if is_read && READ_ATTRIBUTES.contains(attribute) {
                self.pieces.push(Piece::Attribute((*value).to_owned()));
            }
        }
        let class = attributes.iter().find(|(name, _)| *name == "class").map(|(_, value)| *value);
        let separates = match element(tag) {
            "a" if is_end => {
                self.follows_link = true;
                self.links.pop().unwrap_or_default()
            }
            "a" => {
                let stands_alone = class.is_some() || self.follows_link;
                self.links.push(stands_alone);
                stands_alone
            }
            "span" => class.is_some_and(|class| class.split(' ').any(|name| name == "under")),
            name => {
                let is_inline = INLINE.contains(&name);
                self.follows_link &= is_inline;
                !is_inline
            }
        };
        if separates {
            self.pieces.push(Piece::Break);
        } else if element(tag) == "span" {
            self.pieces.push(Piece::Text(SEAM.to_string()));
        }
    }
}

/// The texts among the arguments of a call.
fn asides(call: &str) -> Vec<Piece> {
    expressions::texts_of_call(call).into_iter().map(Piece::Aside).collect()
}

/// The name of the element of a tag.
fn element(tag: &str) -> &str {
    let name = tag.trim_start_matches(['<', '/', '!']);
    let end = name.find(|character: char| !character.is_ascii_alphanumeric() && character != '-');
    &name[..end.unwrap_or(name.len())]
}

fn is_tag(source: &str) -> bool {
    let after = source.strip_prefix('<').unwrap_or_default();
    after.starts_with(|character: char| character.is_ascii_alphabetic() || "/!".contains(character))
}

/// The length of a script or a style sheet after its tag.
fn hidden_length(tag: &str, after: &str) -> usize {
    let name = element(tag);
    if tag.starts_with("</") || !["script", "style"].contains(&name) {
        return 0;
    }
    after.find(&format!("</{name}")).unwrap()
}

/// The length of an expression, a statement or a comment that a source begins with.
fn tera_length(source: &str) -> Option<usize> {
    let end = match source.get(..2)? {
        "{#" => return source.find("#}").map(|end| end + 2),
        "{{" => "}}",
        "{%" => "%}",
        _ => return None,
    };
    let mut quote = None;
    for (at, character) in source.char_indices().skip(2) {
        match (quote, character) {
            (Some(open), _) => quote = Some(open).filter(|open| *open != character),
            (None, '"' | '\'' | '`') => quote = Some(character),
            (None, _) if source[at..].starts_with(end) => return Some(at + 2),
            (None, _) => {}
        }
    }
    panic!("not closed: {source:.80}")
}

/// The length of the character, or of the expression or statement, that a source begins with.
fn step(source: &str) -> usize {
    let character = || source.chars().next().map_or(1, char::len_utf8);
    tera_length(source).unwrap_or_else(character)
}

/// The length of the tag that a source begins with.
fn tag_length(source: &str) -> usize {
    let (mut at, mut quote) = (0, None);
    loop {
        let length = step(&source[at..]);
        // An expression is longer than a character, and none of these.
        let mark = Some(&source[at..at + length]).filter(|mark| ["\"", "'", ">"].contains(mark));
        at += length;
        match (quote, mark) {
            (None, Some(">")) => return at,
            (None, Some(mark)) => quote = Some(mark),
            (Some(open), Some(mark)) if open == mark => quote = None,
            _ => {}
        }
    }
}

/// The attributes of a tag that have a value, as written.
fn attributes(tag: &str) -> Vec<(&str, &str)> {
    let (mut found, mut at) = (Vec::new(), 0);
    while at < tag.len() {
        if !tag[at..].starts_with("=\"") {
            at += step(&tag[at..]);
            continue;
        }
        let is_name = |character: char| character.is_ascii_lowercase() || character == '-';
        let name = tag[..at].trim_end_matches(is_name).len();
        let start = at + 2;
        let mut end = start;
        while !tag[end..].starts_with('"') {
            end += step(&tag[end..]);
        }
        found.push((&tag[name..at], &tag[start..end]));
        at = end + 1;
    }
    found
}

#[test]
fn pieces_are_told_apart() {
    let found = pieces(
        "<p class=\"{{ \"x\" if y }}\" title=\"About {{ a }}\">Hi <b>{{ name }}</b>{# no #}\
         {{ <ui.badge label=\"New\" /> }}<a class=\"btn\">Go</a></p>{% if z %}",
    );
    let text = |text: &str| Piece::Text(text.to_owned());
    assert_eq!(
        found,
        [
            Piece::Attribute("About {{ a }}".to_owned()),
            Piece::Break,
            text("Hi "),
            text("{name}"),
            Piece::Break,
            Piece::Aside("New".to_owned()),
            Piece::Break,
            Piece::Break,
            text("Go"),
            Piece::Break,
            Piece::Break,
            Piece::Statement("if z".to_owned()),
        ]
    );
}
