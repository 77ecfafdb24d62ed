//! Phone numbers in E.164, and the short codes that may send but are no contact.

mod characters;
mod e164;
mod error;
mod judgement;
mod line;
mod number;
mod parse;
mod plan;
mod short_code;

pub use error::PhoneError;
pub use number::PhoneNumber;
pub use parse::ParsedPhone;
pub use short_code::{ShortCode, ShortCodeError};

#[cfg(test)]
mod tests;
