//! A checked source compiled by Tera, with errors translated to positions in the template.

use std::io::{self, Write};

use tera::{Context, ErrorKind, Tera};

use super::checked_source::{CheckedSource, Evaluated, NAMES, describe_fault};
use super::error::{RenderError, TemplateError};
use super::fault::{Fault, FaultAt};
use super::sandbox::SANDBOX;
use super::source_position::SourcePosition;
use super::static_check;
use super::value_kinds::Kinds;
use super::variables::{Unset, Variable, Variables};

const NAME: &str = "sms";

/// A compiled template source.
pub(super) struct CompiledSource {
    pub(super) checked: CheckedSource,
    tera: Tera,
}

impl CompiledSource {
    /// Compiles the source with Tera, which rejects only combinations that pass Carillon's checks
    /// but not its own.
    pub(super) fn new(checked: CheckedSource) -> Result<Self, TemplateError> {
        let mut tera = SANDBOX.clone();
        tera.add_raw_template(NAME, &checked.source).map_err(|error| match error.kind() {
            ErrorKind::SyntaxError(report) => {
                checked.position(report.span().range.start).error(report.message())
            }
            other => SourcePosition { line: 1, column: 1 }.error(other.to_string()),
        })?;
        Ok(Self { checked, tera })
    }

    /// Checks for expressions that would fail for every contact.
    pub(super) fn check(&self) -> Result<(), TemplateError> {
        let kinds: Vec<Kinds> = self.checked.variables.iter().map(Variable::kinds).collect();
        static_check::check(&self.checked, &kinds)?;
        static_check::try_constants(&self.checked)
    }

    /// Checks the expressions in all branches against the kinds of the samples' values.
    ///
    /// The error says whether the expression is outside all ifs, so that every message fails.
    pub(super) fn check_with(
        &self,
        samples: &[Variables<'_>],
    ) -> Result<(), (TemplateError, Evaluated)> {
        let kinds = self.checked.variables.iter().map(|variable| {
            let found = samples
                .iter()
                .filter_map(|sample| sample.get(variable))
                .fold(Kinds::NONE, |all, value| all.or(Kinds::of(&value)));
            if found == Kinds::NONE { variable.kinds() } else { found }
        });
        static_check::check_each(&self.checked, &kinds.collect::<Vec<_>>())
    }

    /// Renders the source; fails above `max_bytes`.
    pub(super) fn render(
        &self,
        variables: &Variables<'_>,
        max_bytes: usize,
    ) -> Result<String, RenderError> {
        let mut context = Context::new();
        for (name, variable) in NAMES.iter().zip(&self.checked.variables) {
            if let Some(value) = variables.get(variable) {
                context.insert_value(*name, value);
            }
        }
        let mut written = CappedWriter { bytes: Vec::with_capacity(320), max_bytes };
        self.tera
            .render_to(NAME, &context, &mut written)
            .map_err(|error| self.render_error(&context, &error))?;
        // Tera writes whole strings, so the lossy conversion never applies.
        Ok(match String::from_utf8(written.bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// The variables without a value, in the order of the text.
    pub(super) fn unset(&self, variables: &Variables<'_>) -> Vec<Unset> {
        let unset = |(index, variable): (usize, &Variable)| {
            variables.get(variable).is_none().then(|| Unset {
                variable: variable.to_string(),
                has_default: self
                    .checked
                    .uses
                    .iter()
                    .filter(|used| used.variable == index)
                    .all(|used| used.is_guarded),
            })
        };
        self.checked.variables.iter().enumerate().filter_map(unset).collect()
    }

    /// Translates Tera's error to the template as typed.
    fn render_error(&self, context: &Context, error: &tera::Error) -> RenderError {
        let (message, start) = match error.kind() {
            ErrorKind::Io(_) => return RenderError::TooLong,
            ErrorKind::RenderingError(report) => {
                (report.message().to_owned(), report.span().range.start)
            }
            other => (other.to_string(), 0),
        };
        let Some(FaultAt { site, fault }) = FaultAt::read(&message) else {
            let SourcePosition { line, column } = self.checked.position(start);
            return RenderError::Failed {
                message: message.trim_end_matches('.').to_owned(),
                line,
                column,
            };
        };
        let required_variables = self
            .checked
            .sites
            .get(site)
            .map(|site| site.required_variables.as_slice())
            .unwrap_or_default();
        let missing = required_variables
            .iter()
            .find(|index| NAMES.get(**index).is_some_and(|name| !context.contains_key(name)));
        if let (Fault::Missing, Some(variable)) =
            (&fault, missing.and_then(|index| self.checked.variables.get(*index)))
        {
            return RenderError::NotSet {
                variable: variable.to_string(),
                sentence: variable.not_set(),
            };
        }
        let (SourcePosition { line, column }, message) =
            describe_fault(&self.checked, site, &fault);
        RenderError::Failed { message, line, column }
    }
}

/// A writer that fails above a size limit, so that no template exhausts the memory.
struct CappedWriter {
    bytes: Vec<u8>,
    max_bytes: usize,
}

impl Write for CappedWriter {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.max_bytes {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
