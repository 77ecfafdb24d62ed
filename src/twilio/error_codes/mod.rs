//! Twilio's error codes: an explanation and advice for each, and how Carillon reacts. [`lookup`]
//! returns the [`ErrorCode`] of a number, whose [`Disposition`] decides about retries. Start with
//! `code.rs`; the codes are in `table.rs`.

mod code;
mod table;

pub use code::{Class, ContactEffect, Disposition, ErrorCode, Retry, Wait};
pub use table::{all, lookup};

#[cfg(test)]
mod tests;
