//! Phone numbers in E.164. The main types are [`PhoneNumber`] and [`PhoneError`]. Start with
//! `number.rs`, then `parse.rs` for user input.

mod characters;
mod e164;
mod error;
mod line_forms;
mod number;
mod number_validity;
mod numbering_plan;
mod parse;

pub use error::PhoneError;
pub use number::PhoneNumber;
pub use parse::ParsedPhone;

#[cfg(test)]
mod tests;
