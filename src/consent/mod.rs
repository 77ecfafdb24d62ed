//! Consent: what people text to opt out and in.

pub mod opt_out;
