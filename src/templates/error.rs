//! Why a text cannot be a template, and why a template gives no text.

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

/// Why a template gives no text for this contact and event; the sentence is shown as the message's
/// reason.
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
    /// Above [`MAX_CHARACTERS`](super::MAX_CHARACTERS).
    #[error("it came out longer than can be sent")]
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
    /// What came out as the address of a medium is none.
    #[error("it came out as no web address; it must begin with https:// or http://, in full")]
    NoAddress,
    /// The address of a medium cannot be made.
    #[error("media address {number}: {reason}")]
    Media {
        /// Its place in the list, from 1.
        number: usize,
        /// Why.
        reason: Box<RenderError>,
    },
    /// The stored text is not allowed (any more).
    #[error("the template cannot be read: {0}")]
    Unreadable(TemplateError),
}
