//! Templates: saved SMS text with variables, rendered in a sandbox.
//!
//! The way of a text: [`TemplateBody::parse`] cuts it (`lexer`), lets only the allowed pass (`grammar`, `expression`), and
//! writes it anew for a Tera of its own (`filters`); [`Renderer`] keeps what is parsed and fills in [`Variables`].

mod body;
mod expression;
mod filters;
mod grammar;
mod lexer;
mod render;
mod template;
mod variables;

#[cfg(test)]
mod sandbox_tests;

pub use body::{MAX_CHARACTERS, RenderError, TemplateBody, TemplateError, Unset};
pub use render::Renderer;
pub use template::{
    MAX_MEDIA_URLS, NewTemplate, Template, archive, check_media_urls, create, find, find_many, list, lock, restore, update,
};
pub use variables::Variables;
