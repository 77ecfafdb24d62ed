//! Where something stands in the source of a template.

use super::error::TemplateError;

/// Where something stands in the source: line and column, both from 1; columns count characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
}

impl Place {
    pub(super) fn error(self, message: impl Into<String>) -> TemplateError {
        TemplateError { message: message.into(), line: self.line, column: self.column }
    }
}
