//! Errors of parsing and of rendering a template.

/// Why a text is not a valid template, with line and column from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("Line {line}, column {column}: {message}")]
pub struct TemplateError {
    /// Explanation and advice in a sentence.
    pub message: String,
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
}

/// Why a template cannot be rendered for this contact and event; shown as the message's reason.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RenderError {
    /// A variable has no value, and the template gives no default.
    #[error("{sentence}")]
    NotSet {
        /// The variable in Carillon’s own form: `contact.attributes.city`.
        variable: String,
        /// The explanation in a sentence.
        sentence: String,
    },
    /// Longer than [`MAX_CHARACTERS`](super::MAX_CHARACTERS).
    #[error("it came out longer than Twilio takes")]
    TooLong,
    /// Nothing but whitespace.
    #[error("the text came out empty")]
    Empty,
    /// A filter or operator cannot process its value.
    #[error("{message} (template line {line}, column {column})")]
    Failed {
        /// What failed.
        message: String,
        /// Line, from 1.
        line: u32,
        /// Column in characters, from 1.
        column: u32,
    },
    /// A media URL rendered to an invalid address.
    #[error("it didn’t come out as a web address; it must begin with https:// or http://")]
    NoAddress,
    /// A media URL cannot be rendered.
    #[error("media address {number}: {reason}")]
    Media {
        /// Its position in the list, from 1.
        number: usize,
        /// The reason.
        reason: Box<RenderError>,
    },
    /// The stored text is not, or no longer, valid.
    #[error("the template can’t be read: {0}")]
    Unreadable(TemplateError),
}
