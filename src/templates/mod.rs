//! Templates: saved SMS text with variables, rendered in a sandbox.
//!
//! The way of a text: [`TemplateBody::parse`] cuts it (`lexer`), lets only the allowed pass (`grammar`, `expression`), and
//! writes it anew for a Tera of its own (`filters`); [`Renderer`] keeps what is parsed and fills in [`Variables`].

mod available;
mod body;
mod diff;
pub mod drafts;
mod expression;
mod filters;
mod grammar;
mod lexer;
mod measure;
mod plain;
mod render;
mod template;
mod variables;
pub mod versions;

#[cfg(test)]
mod sandbox_tests;

pub use available::Available;
pub use body::{MAX_CHARACTERS, RenderError, TemplateBody, TemplateError, Unset};
pub use diff::{Change, Stretch, compare};
pub use measure::Measure;
pub use plain::with_plain_characters;
pub use render::Renderer;
pub use template::{
    MAX_MEDIA_URLS, NewTemplate, Template, archive, check_media_urls, create, duplicate, find, find_many, list, list_archived, lock,
    unarchive, update,
};
pub use variables::{NO_DEFAULT, Variables};
