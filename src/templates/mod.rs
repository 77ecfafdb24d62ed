//! Templates: saved SMS text with variables, rendered in a sandbox.
//!
//! The way of a text: [`TemplateBody::parse`] cuts it (`lexer`), reads what is allowed as a tree
//! (`grammar`, `expression`, `ast`), tells what can only fail (`check`, `kinds`), and writes it
//! anew (`write`) for a Tera whose filters and operators are all ours (`sandbox`, `filters`,
//! `operators`, `numbers`); [`Renderer`] keeps what is parsed and fills in [`Variables`]. A
//! [`MediaUrl`] goes the same way.

mod archive;
mod ast;
mod available;
mod body;
mod calls;
mod check;
mod checked;
mod diff;
pub mod drafts;
mod error;
mod expression;
mod fault;
mod filters;
mod foreign;
mod grammar;
mod hints;
mod kinds;
mod lexer;
mod measure;
mod media;
mod next_operator;
mod numbers;
mod operators;
mod place;
mod plain;
mod program;
mod render;
mod sandbox;
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
pub use checked::Reach;
pub use diff::{DiffKind, DiffPart, compare};
pub use error::{RenderError, TemplateError};
pub use foreign::warnings_of_literal;
pub use measure::Measure;
pub use media::{MediaUrl, render_media};
pub use plain::with_plain_characters;
pub use render::{Rendered, Renderer};
pub use template::{
    MAX_MEDIA_URLS, NewTemplate, Template, check_media_urls, create, duplicate, find, find_many,
    list, list_archived, lock, update,
};
pub use variables::{NO_DEFAULT, Unset, Variables};
