//! Positions in the source of a template.

use super::error::TemplateError;

/// A position in the source of a template: line and column from 1, in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct SourcePosition {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl SourcePosition {
    pub(super) fn error(self, message: impl Into<String>) -> TemplateError {
        TemplateError { message: message.into(), line: self.line, column: self.column }
    }
}
