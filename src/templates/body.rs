//! A template's text, parsed: known to be allowed, ready to render.

use std::collections::BTreeSet;

use super::check::expected;
use super::checked::Reach;
use super::error::{RenderError, TemplateError};
use super::foreign;
use super::grammar::{Printing, check};
use super::media::MediaUrl;
use super::place::Place;
use super::program::Program;
use super::variables::{self, Expected, Unset, Variable, Variables};

/// The most that a text may have, in UTF-16 units as Twilio counts them; also the most that a body
/// may have as typed.
pub const MAX_CHARACTERS: usize = 1_600;
/// A UTF-16 unit is at most 3 bytes of UTF-8.
const MAX_BYTES: usize = MAX_CHARACTERS * 3;

/// A text with variables that is allowed, checked once and rendered as often as wanted.
pub struct TemplateBody {
    text: String,
    program: Program,
}

impl TemplateBody {
    /// Checks a text as typed: at most 1,600 characters, only what the sandbox allows, and nothing
    /// that fails for every message.
    ///
    /// Line ends become `\n`, whitespace at the end goes.
    pub fn parse(typed: &str) -> Result<Self, TemplateError> {
        let body = Self::saved(typed)?;
        body.program.check()?;
        Ok(body)
    }

    /// Reads a text that was saved, by this or an older release: what fails in it may stand where
    /// no message comes by.
    pub(super) fn saved(typed: &str) -> Result<Self, TemplateError> {
        let text = typed.replace("\r\n", "\n").replace('\r', "\n").trim_end().to_owned();
        let start = Place { line: 1, column: 1 };
        if text.is_empty() {
            return Err(start.error("The text is empty."));
        }
        let length = text.chars().count();
        if length > MAX_CHARACTERS {
            return Err(
                start.error(format!("The text has {length} characters; 1,600 is the most."))
            );
        }
        if let Some(byte) = text.find(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(place_of(&text, byte)
                .error("There is an invisible control character here; remove it."));
        }
        let program = Program::new(check(&text, Printing::Text)?)?;
        Ok(Self { text, program })
    }

    /// The text as it is saved.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the variables that the text uses.
    pub fn variables(&self) -> BTreeSet<String> {
        self.program.checked.variables.iter().map(ToString::to_string).collect()
    }

    /// The variables that the text uses, in its order.
    pub(super) fn parsed_variables(&self) -> &[Variable] {
        &self.program.checked.variables
    }

    /// Of which kind the value of each of these variables has to be, where that can be told from
    /// what is done with it.
    pub(super) fn expected_kinds(&self) -> Vec<Option<Expected>> {
        expected(&self.program.checked)
    }

    /// The variables that have no value for this contact and event, in the order of the text.
    pub fn unset(&self, variables: &Variables<'_>) -> Vec<Unset> {
        self.program.unset(variables)
    }

    /// What is probably not meant as it stands, in sentences: merge tags of other tools.
    pub fn warnings(&self) -> Vec<String> {
        foreign::warnings(&self.text)
    }

    /// What fails with values of the kinds that these have; an error says whether it fails for
    /// every message.
    pub fn check_with(&self, samples: &[Variables<'_>]) -> Result<(), (TemplateError, Reach)> {
        self.program.check_with(samples)
    }

    /// The text outside all variables and ifs: what each message has at least, unless an if leaves
    /// some of it out.
    pub fn fixed_text(&self) -> &str {
        &self.program.checked.fixed
    }

    /// The text for one contact and event: at most 1,600 characters (UTF-16 units), never empty.
    pub fn render(&self, variables: &Variables<'_>) -> Result<String, RenderError> {
        let mut text = self.program.render(variables, MAX_BYTES)?;
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            text.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
        }
        if text.len() > MAX_CHARACTERS && text.encode_utf16().count() > MAX_CHARACTERS {
            return Err(RenderError::TooLong);
        }
        if text.trim().is_empty() { Err(RenderError::Empty) } else { Ok(text) }
    }
}

/// Properties of an event that would fill in every `event.…` of a text and its media, to try them
/// with.
pub fn sample_event(body: Option<&TemplateBody>, media: &[MediaUrl]) -> serde_json::Value {
    let programs = body
        .map(|body| &body.program)
        .into_iter()
        .chain(media.iter().filter_map(MediaUrl::program));
    let (mut variables, mut kinds) = (Vec::new(), Vec::new());
    for program in programs {
        variables.extend(program.checked.variables.iter().cloned());
        kinds.extend(expected(&program.checked));
    }
    variables::sample_event(&variables, &kinds)
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

fn place_of(text: &str, byte: usize) -> Place {
    let before = &text[..byte];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let count = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    Place {
        line: u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX),
        column: count(&before[line_start..]).saturating_add(1),
    }
}
