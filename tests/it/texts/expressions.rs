//! Expressions of Tera as a reader sees them: texts as they are, and values as `{name}`.

use super::choices::choice;
use super::words::{VALUE, are_words, has_words};

/// Arguments of components and keys of maps that are texts.
const TEXT_ARGUMENTS: &[&str] = &[
    "about",
    "after",
    "all",
    "answer",
    "caption",
    "confirm",
    "does",
    "empty",
    "help",
    "hint",
    "label",
    "lead",
    "placeholder",
    "problem",
    "question",
    "said",
    "text",
    "title",
    "word",
    "yes",
];

#[derive(Debug, PartialEq, Eq)]
enum Token<'s> {
    Text(&'s str),
    /// A name, with its fields, or a number.
    Word(&'s str),
    Mark(char),
}

/// The rest of an expression.
struct Rest<'t, 's> {
    tokens: &'t [Token<'s>],
}

/// The text of an expression.
pub(super) fn text(expression: &str) -> String {
    Rest { tokens: &tokens(expression) }.choice()
}

/// The texts among the arguments of a call of a component, such as `ui.post label="Save" /`.
pub(super) fn texts_of_call(call: &str) -> Vec<String> {
    let mut texts = Vec::new();
    for (name, value) in arguments(call) {
        if TEXT_ARGUMENTS.contains(&name) {
            texts.push(text(value));
        } else {
            texts.extend(texts_of_maps(value));
        }
    }
    texts.retain(|text| has_words(text));
    texts
}

/// The texts of a statement that sets a variable.
pub(super) fn texts_of_set(statement: &str) -> Vec<String> {
    let (_, value) = statement.split_once('=').unwrap_or_default();
    let texts = texts_of_maps(value);
    if texts.is_empty() {
        return Some(text(value)).filter(|text| are_words(text)).into_iter().collect();
    }
    texts
}

/// The length of a text that begins with a brace, up to the one that closes it.
pub(super) fn braced_length(text: &str) -> usize {
    let (mut depth, mut quote) = (0_usize, None);
    for (at, character) in text.char_indices() {
        match (quote, character) {
            (Some(open), _) => quote = Some(open).filter(|open| *open != character),
            (None, '"' | '\'' | '`') => quote = Some(character),
            (None, '{') => depth += 1,
            (None, '}') if depth == 1 => return at + 1,
            (None, '}') => depth -= 1,
            (None, _) => {}
        }
    }
    panic!("not closed: {text:.80}")
}

/// The values of the keys of maps that are texts.
fn texts_of_maps(expression: &str) -> Vec<String> {
    let tokens = tokens(expression);
    let mut texts = Vec::new();
    for (at, pair) in tokens.windows(2).enumerate() {
        if let [Token::Text(key), Token::Mark(':')] = pair
            && TEXT_ARGUMENTS.contains(key)
        {
            texts.push(Rest { tokens: &tokens[at + 2..] }.choice());
        }
    }
    texts
}

/// The arguments of a call, as written: `name="text"` or `name={expression}`.
fn arguments(call: &str) -> Vec<(&str, &str)> {
    let (mut found, mut rest) = (Vec::new(), call);
    while let Some((before, after)) = rest.split_once('=') {
        let start = before.rfind(|character| !is_name(character)).map_or(0, |at| at + 1);
        let (value, length) = match after.chars().next() {
            Some(quote @ ('"' | '\'' | '`')) => {
                let length = after[1..].find(quote).unwrap() + 2;
                (&after[..length], length)
            }
            Some('{') => {
                let length = braced_length(after);
                (&after[1..length - 1], length)
            }
            _ => ("", 0),
        };
        found.push((&before[start..], value));
        rest = &after[length..];
    }
    found
}

fn is_name(character: char) -> bool {
    character.is_alphanumeric() || character == '_' || character == '@'
}

fn tokens(expression: &str) -> Vec<Token<'_>> {
    let (mut found, mut rest) = (Vec::new(), expression);
    while let Some(first) = rest.chars().next() {
        let length = match first {
            '"' | '\'' | '`' => {
                let length = rest[1..].find(first).unwrap() + 2;
                found.push(Token::Text(&rest[1..length - 1]));
                length
            }
            _ if is_name(first) => {
                let end = rest.find(|character| !is_name(character) && character != '.');
                let length = end.unwrap_or(rest.len());
                found.push(Token::Word(&rest[..length]));
                length
            }
            _ => {
                if !first.is_whitespace() {
                    found.push(Token::Mark(first));
                }
                first.len_utf8()
            }
        };
        rest = &rest[length..];
    }
    found
}

impl Rest<'_, '_> {
    fn skip(&mut self) {
        self.tokens = self.tokens.get(1..).unwrap_or_default();
    }

    /// `text if condition else text`, or one text.
    fn choice(&mut self) -> String {
        let first = self.joined();
        if self.tokens.first() != Some(&Token::Word("if")) || !self.skip_condition() {
            return first;
        }
        choice(&[first, self.choice()])
    }

    /// `text ~ text`, or one text.
    fn joined(&mut self) -> String {
        let mut text = self.operand();
        while self.tokens.first() == Some(&Token::Mark('~')) {
            self.skip();
            text.push_str(&self.operand());
        }
        text
    }

    fn operand(&mut self) -> String {
        let text = match self.tokens.first() {
            None => return String::new(),
            Some(Token::Mark('(')) => {
                self.skip();
                let text = self.choice();
                if self.tokens.first() == Some(&Token::Mark(')')) {
                    self.skip();
                }
                text
            }
            Some(Token::Text(text)) => {
                let text = (*text).to_owned();
                self.skip();
                // A text that something is compared with is a value.
                let is_compared = matches!(self.tokens.first(), Some(Token::Mark('=' | '!')));
                if is_compared { VALUE.to_owned() } else { text }
            }
            Some(Token::Word(path)) => {
                let name = path.rsplit('.').next().unwrap_or_default().to_owned();
                self.skip();
                let has_filters = self.tokens.first() == Some(&Token::Mark('|'));
                let is_named = has_filters || self.has_ended();
                if is_named { format!("{{{name}}}") } else { VALUE.to_owned() }
            }
            Some(Token::Mark(_)) => VALUE.to_owned(),
        };
        if self.skip_operand() { "[s]".to_owned() } else { text }
    }

    /// Whether an operand ends here.
    fn has_ended(&self) -> bool {
        matches!(
            self.tokens.first(),
            None | Some(Token::Mark('~' | ',' | ')' | ']' | '}') | Token::Word("if" | "else"))
        )
    }

    /// Skips the rest of an operand, and returns whether it is the ending of a plural.
    fn skip_operand(&mut self) -> bool {
        let (mut depth, mut is_plural) = (0_usize, false);
        while let Some(token) = self.tokens.first() {
            if depth == 0 && self.has_ended() {
                break;
            }
            match token {
                Token::Mark('(' | '[' | '{') => depth += 1,
                Token::Mark(')' | ']' | '}') => depth -= 1,
                _ => is_plural |= *token == Token::Word("pluralize"),
            }
            self.skip();
        }
        is_plural
    }

    /// Skips the condition and the `else` after it; returns whether there is one.
    fn skip_condition(&mut self) -> bool {
        let mut depth = 0_usize;
        while let Some(token) = self.tokens.first() {
            match token {
                Token::Mark('(' | '[' | '{') => depth += 1,
                Token::Mark(')' | ']' | '}') if depth == 0 => return false,
                Token::Mark(')' | ']' | '}') => depth -= 1,
                _ => {}
            }
            let is_else = depth == 0 && *token == Token::Word("else");
            self.skip();
            if is_else {
                return true;
            }
        }
        false
    }
}

#[test]
fn expressions_are_texts_with_names_of_values() {
    for (expression, expected) in [
        ("count | number", "{count}"),
        ("\"Step \" ~ loop.index", "Step {index}"),
        ("\"Edit\" if id else \"New\"", "[Edit | New]"),
        ("(\"A\" if b == \"c\" else \"D\") ~ \" e\"", "[A | D] e"),
        ("count | pluralize", "[s]"),
        ("a + 1", "{…}"),
    ] {
        assert_eq!(text(expression), expected, "{expression}");
    }
    let call =
        "ui.head title={\"Edit \" ~ name} crumbs={[{\"path\": \"/a\", \"label\": \"All\"}]} /";
    assert_eq!(texts_of_call(call), ["Edit {name}", "All"]);
    assert_eq!(texts_of_set("set words = \"no words yet\""), ["no words yet"]);
    assert_eq!(texts_of_set("set path = \"/contacts/\" ~ id"), [""; 0]);
}
