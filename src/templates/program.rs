//! A checked source, ready for Tera: rendered as often as wanted, its errors in terms of what was
//! typed.

use std::io::{self, Write};

use tera::{Context, ErrorKind, Tera};

use super::check;
use super::checked::{Checked, NAMES, Reach, sentence};
use super::error::{RenderError, TemplateError};
use super::fault::{Fault, FaultAt};
use super::kinds::Kinds;
use super::place::Place;
use super::sandbox::SANDBOX;
use super::variables::{Unset, Variable, Variables};

const NAME: &str = "sms";

/// A source that holds only what is allowed.
pub(super) struct Program {
    pub(super) checked: Checked,
    tera: Tera,
}

impl Program {
    /// Hands the source to Tera, which refuses only combinations that pass our check and not its
    /// own.
    pub(super) fn new(checked: Checked) -> Result<Self, TemplateError> {
        let mut tera = SANDBOX.clone();
        tera.add_raw_template(NAME, &checked.source).map_err(|error| match error.kind() {
            ErrorKind::SyntaxError(report) => {
                checked.place(report.span().range.start).error(report.message())
            }
            other => Place { line: 1, column: 1 }.error(other.to_string()),
        })?;
        Ok(Self { checked, tera })
    }

    /// Whatever can only fail when it is rendered, whoever it is for.
    pub(super) fn check(&self) -> Result<(), TemplateError> {
        let kinds: Vec<Kinds> = self.checked.variables.iter().map(Variable::kinds).collect();
        check::check(&self.checked, &kinds)?;
        check::try_constants(&self.checked)
    }

    /// What fails with each of these: by the kinds of their values, whichever way an if goes.
    ///
    /// Also tells whether it stands outside all ifs, so that every message fails.
    pub(super) fn check_with(
        &self,
        samples: &[Variables<'_>],
    ) -> Result<(), (TemplateError, Reach)> {
        let kinds = self.checked.variables.iter().map(|variable| {
            let found = samples
                .iter()
                .filter_map(|sample| sample.get(variable))
                .fold(Kinds::NONE, |all, value| all.or(Kinds::of(&value)));
            if found == Kinds::NONE { variable.kinds() } else { found }
        });
        check::check_each(&self.checked, &kinds.collect::<Vec<_>>())
    }

    /// What is printed, at most `most` bytes.
    pub(super) fn render(
        &self,
        variables: &Variables<'_>,
        most: usize,
    ) -> Result<String, RenderError> {
        let mut context = Context::new();
        for (name, variable) in NAMES.iter().zip(&self.checked.variables) {
            if let Some(value) = variables.get(variable) {
                context.insert_value(*name, value);
            }
        }
        let mut written = Capped { bytes: Vec::with_capacity(320), most };
        self.tera
            .render_to(NAME, &context, &mut written)
            .map_err(|error| self.failed(&context, &error))?;
        // Tera writes whole strings, so that nothing is lost here; a lossy reading is cheaper to
        // trust than to prove.
        Ok(match String::from_utf8(written.bytes) {
            Ok(text) => text,
            Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        })
    }

    /// The variables that have no value, in the order of the text.
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

    /// Puts Tera's error into terms of the text as typed.
    fn failed(&self, context: &Context, error: &tera::Error) -> RenderError {
        let (message, start) = match error.kind() {
            ErrorKind::Io(_) => return RenderError::TooLong,
            ErrorKind::RenderingError(report) => {
                (report.message().to_owned(), report.span().range.start)
            }
            other => (other.to_string(), 0),
        };
        let Some(FaultAt { site, fault }) = FaultAt::read(&message) else {
            let Place { line, column } = self.checked.place(start);
            return RenderError::Failed {
                message: message.trim_end_matches('.').to_owned(),
                line,
                column,
            };
        };
        let needs =
            self.checked.sites.get(site).map(|site| site.needs.as_slice()).unwrap_or_default();
        let missing = needs
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
        let (Place { line, column }, message) = sentence(&self.checked, site, &fault);
        RenderError::Failed { message, line, column }
    }
}

/// Fails once more is written than can be sent, so that no template fills the memory.
struct Capped {
    bytes: Vec<u8>,
    most: usize,
}

impl Write for Capped {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.most {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
