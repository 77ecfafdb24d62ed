//! Templates: saved SMS texts with variables, rendered in a sandbox.
//!
//! [`TemplateBody::parse`] splits a text (`lexer`), parses the allowed syntax to a tree
//! (`allowed_syntax`, `expression_parser`, `ast`), checks it (`static_check`, `value_kinds`) and
//! generates (`tera_source`) the source for a Tera with only Carillon's filters, operators and
//! tests (`sandbox`, `filters`, `operators`, `predicates`). [`Renderer`] caches parsed versions and
//! renders them with [`Variables`]; a [`MediaUrl`] takes the same path. Start with `template.rs`
//! for the rows and `allowed_syntax.rs` for the sandbox.

mod allowed_syntax;
mod archive;
mod ast;
mod available_variables;
mod body_pieces;
mod change;
mod checked_source;
mod compiled_source;
mod decimal_notation;
mod diff;
pub mod drafts;
mod error;
mod expected_kinds;
mod expression_parser;
mod fault;
mod filter_signatures;
mod filters;
mod foreign_variables;
mod inner_braces;
mod lexer;
mod media_url;
mod merge_tag_replacements;
mod merge_tags;
mod new_template;
mod next_operator;
mod operators;
mod parsed_version;
mod part_range;
mod plain_characters;
mod predicates;
mod renderer;
mod sample_values;
mod sandbox;
mod source_position;
mod static_check;
mod syntax_hints;
mod template;
mod template_body;
mod tera_source;
mod value_conversions;
mod value_kinds;
mod variable_path;
mod variables;
pub mod versions;

#[cfg(test)]
mod random_template_tests;
#[cfg(test)]
mod rendered_value_tests;
#[cfg(test)]
mod sandbox_tests;

pub use archive::{archive, unarchive};
pub use available_variables::Available;
pub use body_pieces::{BodyPiece, body_pieces};
pub use change::{create, duplicate, update};
pub use checked_source::Evaluated;
pub use diff::{DiffKind, DiffPart, compare};
pub use error::{RenderError, TemplateError};
pub use media_url::{MediaUrl, render_media};
pub use merge_tags::warnings_of_literal;
pub use new_template::{MAX_MEDIA_URLS, NewTemplate, check_media_urls};
pub use part_range::PartRange;
pub use plain_characters::with_plain_characters;
pub use renderer::{Rendered, Renderer};
pub use template::{
    Template, TemplateMatch, count, find, find_by_words, find_many, list, list_archived, lock,
    names_starting_with,
};
pub use template_body::{MAX_CHARACTERS, TemplateBody, sample_event};
pub use variables::{NO_DEFAULT, Unset, Variables};
