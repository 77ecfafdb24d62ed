//! Value types without I/O: each has one fallible constructor and needs no check afterwards.
//! Important ones are [`phone::PhoneNumber`], the ids in [`id`], [`sealed::Sealed`] and
//! [`moment::Moment`]. Start with [`mistake`] for validation errors and [`text_enum`] for enums.

pub mod country;
pub mod deadline;
pub mod hook_address;
pub mod http_url;
pub mod id;
pub(crate) mod json_object;
pub mod json_text;
pub mod mistake;
pub mod moment;
pub mod network;
pub mod phone;
pub mod public_url;
pub mod sealed;
pub mod text;
pub mod text_enum;
pub mod token;
