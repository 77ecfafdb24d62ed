//! The parsed text of a template, checked and ready to render.

use std::collections::BTreeSet;

use super::allowed_syntax::{Printing, check};
use super::checked_source::Evaluated;
use super::compiled_source::CompiledSource;
use super::error::{RenderError, TemplateError};
use super::expected_kinds::{Expected, infer_expected_kinds};
use super::media_url::MediaUrl;
use super::source_position::SourcePosition;
use super::variables::{Unset, Variable, Variables};
use super::{merge_tags, sample_values};

/// Maximum length of a rendered text in UTF-16 units, as Twilio counts them; also of the body as
/// typed.
pub const MAX_CHARACTERS: usize = 1_600;
/// Upper bound in bytes: a UTF-16 unit takes at most 3 bytes of UTF-8.
const MAX_BYTES: usize = MAX_CHARACTERS * 3;

/// A template text that passed the checks and can be rendered repeatedly.
pub struct TemplateBody {
    text: String,
    compiled: CompiledSource,
}

impl TemplateBody {
    /// Parses a text as typed: at most 1,600 characters, only what the sandbox allows, and nothing
    /// that fails for every message.
    ///
    /// Line ends become `\n`; trailing whitespace is removed.
    pub fn parse(typed: &str) -> Result<Self, TemplateError> {
        let body = Self::parse_saved(typed)?;
        body.compiled.check()?;
        Ok(body)
    }

    /// Parses a text saved by this or an older release, without checking for failures, which may be
    /// in a branch that no message takes.
    pub(super) fn parse_saved(typed: &str) -> Result<Self, TemplateError> {
        let text = typed.replace("\r\n", "\n").replace('\r', "\n").trim_end().to_owned();
        let start = SourcePosition { line: 1, column: 1 };
        if text.is_empty() {
            return Err(start.error("Write a text."));
        }
        let length = text.chars().count();
        if length > MAX_CHARACTERS {
            return Err(start.error(format!(
                "The text has {length} characters. Shorten it to at most \
                                     1,600."
            )));
        }
        if let Some(byte) = text.find(|c: char| c.is_control() && !matches!(c, '\n' | '\t')) {
            return Err(
                position_of(&text, byte).error("Remove the invisible control character here.")
            );
        }
        let compiled = CompiledSource::new(check(&text, Printing::Text)?)?;
        Ok(Self { text, compiled })
    }

    /// The text in its saved form.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The names of the variables in the text.
    pub fn variables(&self) -> BTreeSet<String> {
        self.compiled.checked.variables.iter().map(ToString::to_string).collect()
    }

    /// The variables in the order of the text.
    pub(super) fn parsed_variables(&self) -> &[Variable] {
        &self.compiled.checked.variables
    }

    /// The expected kind of each variable's value, as far as its use reveals it.
    pub(super) fn expected_kinds(&self) -> Vec<Option<Expected>> {
        infer_expected_kinds(&self.compiled.checked)
    }

    /// The variables without a value for this contact and event, in the order of the text.
    pub fn unset(&self, variables: &Variables<'_>) -> Vec<Unset> {
        self.compiled.unset(variables)
    }

    /// Warnings about likely mistakes, in sentences: merge tags of other tools.
    pub fn warnings(&self) -> Vec<String> {
        merge_tags::warnings(&self.text)
    }

    /// Checks the text against the kinds of the samples' values; the error says whether every
    /// message fails.
    pub fn check_with(&self, samples: &[Variables<'_>]) -> Result<(), (TemplateError, Evaluated)> {
        self.compiled.check_with(samples)
    }

    /// The text outside all tags, which every message contains unless an `if` omits some of it.
    pub fn fixed_text(&self) -> &str {
        &self.compiled.checked.fixed
    }

    /// Renders the text for one contact and event: at most 1,600 characters (UTF-16 units), never
    /// empty.
    pub fn render(&self, variables: &Variables<'_>) -> Result<String, RenderError> {
        let mut text = self.compiled.render(variables, MAX_BYTES)?;
        if text.bytes().any(|byte| byte < b' ' || byte == 0x7f) {
            text.retain(|c| !c.is_control() || matches!(c, '\n' | '\t'));
        }
        if text.len() > MAX_CHARACTERS && text.encode_utf16().count() > MAX_CHARACTERS {
            return Err(RenderError::TooLong);
        }
        if text.trim().is_empty() { Err(RenderError::Empty) } else { Ok(text) }
    }
}

/// A sample event with a property for every `event.…` in a text and its media URLs.
pub fn sample_event(body: Option<&TemplateBody>, media: &[MediaUrl]) -> serde_json::Value {
    let compiled_sources = body
        .map(|body| &body.compiled)
        .into_iter()
        .chain(media.iter().filter_map(MediaUrl::compiled));
    let (mut variables, mut kinds) = (Vec::new(), Vec::new());
    for compiled in compiled_sources {
        variables.extend(compiled.checked.variables.iter().cloned());
        kinds.extend(infer_expected_kinds(&compiled.checked));
    }
    sample_values::sample_event(&variables, &kinds)
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

fn position_of(text: &str, byte: usize) -> SourcePosition {
    let before = &text[..byte];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let count = |text: &str| u32::try_from(text.chars().count()).unwrap_or(u32::MAX);
    SourcePosition {
        line: u32::try_from(before.matches('\n').count() + 1).unwrap_or(u32::MAX),
        column: count(&before[line_start..]).saturating_add(1),
    }
}
