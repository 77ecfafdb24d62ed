//! A template's text, parsed: known to be allowed, ready to render.

use std::{
    collections::BTreeSet,
    io::{self, Write},
    ops::Range,
};

use tera::{Context, ErrorKind, Tera};

use super::{
    filters::SANDBOX,
    grammar::{Checked, NAMES, check},
    lexer::Place,
    variables::{Variable, Variables, sample_event},
};

/// The most that a text may have, in UTF-16 units as Twilio counts them; also the most that a body may have as typed.
pub const MAX_CHARACTERS: usize = 1_600;
/// A UTF-16 unit is at most 3 bytes of UTF-8.
const MAX_BYTES: usize = MAX_CHARACTERS * 3;
const NAME: &str = "sms";

/// A text with variables that is allowed, checked once and rendered as often as wanted.
pub struct TemplateBody {
    text: String,
    checked: Checked,
    tera: Tera,
}

/// Why a text cannot be a template, and where: line and column from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Line {line}, column {column}: {message}")]
pub struct TemplateError {
    /// What is wrong and what to do, in a sentence.
    pub message: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
}

/// Why a template gives no text for this contact and event; the sentence is shown as the message's reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A variable has no value, and the template no default for it.
    #[error("{sentence}")]
    NotSet {
        /// As the template names it: `contact.attributes.city`.
        variable: String,
        /// The same in a sentence.
        sentence: String,
    },
    /// Above [`MAX_CHARACTERS`].
    #[error("the text came out longer than 1,600 characters")]
    TooLong,
    /// Nothing but whitespace.
    #[error("the text came out empty")]
    Empty,
    /// A filter or comparison cannot work with the value that it got.
    #[error("{message} (template line {line}, column {column})")]
    Failed {
        /// What could not be done.
        message: String,
        /// From 1.
        line: u32,
        /// From 1, in characters.
        column: u32,
    },
    /// The stored text is not allowed (any more).
    #[error("the template cannot be read: {0}")]
    Unreadable(TemplateError),
}

/// A variable that a template uses and that has no value.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Unset {
    /// As the template names it.
    pub variable: String,
    /// Whether the template gives a default wherever it uses the variable.
    pub has_default: bool,
}

impl TemplateBody {
    /// Checks a text as typed: at most 1,600 characters, and only what the sandbox allows.
    ///
    /// Line ends become `\n`, whitespace at the end goes.
    pub fn parse(typed: &str) -> Result<Self, TemplateError> {
        let text = typed.replace("\r\n", "\n").replace('\r', "\n").trim_end().to_owned();
        let start = Place { line: 1, column: 1 };
        if text.is_empty() {
            return Err(start.error("The text is empty."));
        }
        let length = text.chars().count();
        if length > MAX_CHARACTERS {
            return Err(start.error(format!("The text has {length} characters; 1,600 is the most.")));
        }
        if let Some(byte) = text.find(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(place_of(&text, byte).error("There is an invisible control character here; remove it."));
        }
        let checked = check(&text)?;
        let mut tera = SANDBOX.clone();
        tera.add_raw_template(NAME, &checked.source).map_err(|error| refused_by_tera(&checked, &error))?;
        Ok(Self { text, checked, tera })
    }

    /// The text as it is saved.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the variables that the text uses.
    pub fn variables(&self) -> BTreeSet<String> {
        self.checked.variables.iter().map(ToString::to_string).collect()
    }

    /// The variables that the text uses, in its order.
    pub(super) fn parsed_variables(&self) -> &[Variable] {
        &self.checked.variables
    }

    /// The variables that have no value for this contact and event, in the order of the text.
    pub fn unset(&self, variables: &Variables<'_>) -> Vec<Unset> {
        let unset = |(index, variable): (usize, &Variable)| {
            variables.get(variable).is_none().then(|| Unset {
                variable: variable.to_string(),
                has_default: self.checked.uses.iter().filter(|used| used.variable == index).all(|used| used.has_default),
            })
        };
        self.checked.variables.iter().enumerate().filter_map(unset).collect()
    }

    /// The text outside all variables and ifs: what each message has at least, unless an if leaves some of it out.
    pub fn fixed_text(&self) -> &str {
        &self.checked.fixed
    }

    /// Properties of an event that would fill in every `event.…` of the text, to try it with.
    pub fn sample_event(&self) -> serde_json::Value {
        sample_event(&self.checked.variables)
    }

    /// The text for one contact and event: at most 1,600 characters (UTF-16 units), never empty.
    pub fn render(&self, variables: &Variables<'_>) -> Result<String, RenderError> {
        let mut context = Context::new();
        for (name, variable) in NAMES.iter().zip(&self.checked.variables) {
            if let Some(value) = variables.get(variable) {
                context.insert_value(*name, value);
            }
        }
        let mut written = Capped(Vec::with_capacity(320));
        self.tera.render_to(NAME, &context, &mut written).map_err(|error| self.failed(&context, &error))?;
        // Tera writes whole strings, so that nothing is lost here; a lossy reading is cheaper to trust than to prove.
        let mut text = match String::from_utf8(written.0) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        };
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            text.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
        }
        if text.len() > MAX_CHARACTERS && text.encode_utf16().count() > MAX_CHARACTERS {
            return Err(RenderError::TooLong);
        }
        if text.trim().is_empty() { Err(RenderError::Empty) } else { Ok(text) }
    }

    /// Puts Tera's error into terms of the text as typed.
    fn failed(&self, context: &Context, error: &tera::Error) -> RenderError {
        let (message, range) = match error.kind() {
            ErrorKind::Io(_) => return RenderError::TooLong,
            ErrorKind::RenderingError(report) => (report.message().to_owned(), report.span().range.clone()),
            other => (other.to_string(), 0..0),
        };
        if let Some(index) = self.culprit(context, &range)
            && let Some(variable) = self.checked.variables.get(index)
        {
            return RenderError::NotSet { variable: variable.to_string(), sentence: variable.not_set() };
        }
        let Place { line, column } = self.checked.place(range.start);
        RenderError::Failed { message: message.trim_end_matches('.').to_owned(), line, column }
    }

    /// The variable without value and default that the error is about: within its range, else in the same tag.
    fn culprit(&self, context: &Context, range: &Range<usize>) -> Option<usize> {
        let tag = self.checked.tags.iter().rfind(|tag| tag.range.start <= range.start).map(|tag| &tag.range);
        let missing = |within: &Range<usize>| {
            let mut uses = self.checked.uses.iter().filter(|used| !used.has_default);
            uses.find(|used| {
                used.range.start < within.end
                    && within.start < used.range.end
                    && NAMES.get(used.variable).is_some_and(|name| !context.contains_key(name))
            })
        };
        missing(range).or_else(|| missing(tag?)).map(|used| used.variable)
    }
}

impl std::fmt::Debug for TemplateBody {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("TemplateBody").field(&self.text).finish()
    }
}

impl PartialEq for TemplateBody {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// Fails once more is written than can be sent, so that no template fills the memory.
struct Capped(Vec<u8>);

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.0.len() + bytes.len() > MAX_BYTES {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.0.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What passes our check and not Tera's: a combination of operators that it does not take.
fn refused_by_tera(checked: &Checked, error: &tera::Error) -> TemplateError {
    match error.kind() {
        ErrorKind::SyntaxError(report) => checked.place(report.span().range.start).error(report.message()),
        other => Place { line: 1, column: 1 }.error(other.to_string()),
    }
}

fn place_of(text: &str, byte: usize) -> Place {
    let before = &text[..byte];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let count = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    Place {
        line: u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX),
        column: count(&before[line_start..]).saturating_add(1),
    }
}
