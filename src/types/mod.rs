//! Value types without I/O: each has one fallible constructor and needs no check afterwards.
//! Important ones are [`phone::PhoneNumber`], the ids in [`id`], [`sealed::Sealed`] and
//! [`date_or_time::DateOrTime`]. Start with [`mistake`] for validation errors and [`text_enum`] for
//! enums.

pub mod composed_text;
pub mod country;
pub mod date_or_time;
pub mod deadline;
pub mod free_name;
pub mod hook_address;
pub mod http_url;
pub mod id;
pub mod invisible_characters;
pub(crate) mod json_object_reader;
pub mod json_text;
pub(crate) mod key_secret;
pub mod like_pattern;
pub mod mistake;
pub mod network;
pub mod phone;
pub mod public_url;
pub mod sealed;
pub mod short_code;
pub mod storable_text;
pub(crate) mod stored_as;
pub mod text_enum;
pub mod token;
pub mod trusted_proxies;
