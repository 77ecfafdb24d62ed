//! Templates: saved SMS texts with variables, rendered in a sandbox.
//!
//! [`TemplateBody::parse`] splits a text (`lexer`), parses the allowed syntax to a tree (`grammar`,
//! `expression`, `ast`), checks it (`check`, `kinds`) and generates (`write`) the source for a Tera
//! with only Carillon's filters and operators (`sandbox`, `filters`, `operators`, `numbers`).
//! [`Renderer`] caches parsed versions and renders them with [`Variables`]; a [`MediaUrl`] takes
//! the same path. Start with `template.rs` for the rows and `grammar.rs` for the sandbox.

mod archive;
mod ast;
mod available;
mod body;
mod check;
mod checked_source;
mod diff;
pub mod drafts;
mod error;
mod expression;
mod fault;
mod filters;
mod grammar;
mod hints;
mod kinds;
mod lexer;
mod measure;
mod media;
mod merge_tags;
mod next_operator;
mod numbers;
mod operators;
mod plain_characters;
mod position;
mod program;
mod render;
mod sandbox;
mod signatures;
mod template;
mod variables;
pub mod versions;
mod write;

#[cfg(test)]
mod sandbox_tests;
#[cfg(test)]
mod value_tests;

pub use archive::{archive, unarchive};
pub use available::Available;
pub use body::{MAX_CHARACTERS, TemplateBody, sample_event};
pub use checked_source::Reach;
pub use diff::{DiffKind, DiffPart, compare};
pub use error::{RenderError, TemplateError};
pub use measure::Measure;
pub use media::{MediaUrl, render_media};
pub use merge_tags::warnings_of_literal;
pub use plain_characters::with_plain_characters;
pub use render::{Rendered, Renderer};
pub use template::{
    MAX_MEDIA_URLS, NewTemplate, Template, check_media_urls, create, duplicate, find, find_many,
    list, list_archived, lock, update,
};
pub use variables::{NO_DEFAULT, Unset, Variables};
