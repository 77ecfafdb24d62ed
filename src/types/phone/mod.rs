//! Phone numbers in E.164, and short codes, which can send but are not contacts. The main types are
//! [`PhoneNumber`], [`ShortCode`] and [`PhoneError`]. Start with `number.rs`, then `parse.rs` for
//! user input.

mod characters;
mod e164;
mod error;
mod line_forms;
mod number;
mod number_validity;
mod numbering_plan;
mod parse;
mod short_code;

pub use error::PhoneError;
pub use number::PhoneNumber;
pub use parse::ParsedPhone;
pub use short_code::{ShortCode, ShortCodeError};

#[cfg(test)]
mod tests;
