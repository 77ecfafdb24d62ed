//! Consent: whether a number may be texted, and the evidence for it.
//!
//! A [`Suppression`] forbids to text a number, for one [`Reason`]; it is keyed by the number, so
//! that it outlives the contact. Each time that one begins or ends, a [`ConsentRecord`] keeps the
//! [`Evidence`]. [`opt_out`] reads what people text to opt out and in.
//!
//! Start with [`suppression`]. What also concerns a contact and its tags is in `contacts::stop`.

mod evidence;
pub mod opt_out;
mod reading;
mod reason;
pub mod record;
mod source;
pub mod suppression;

pub use evidence::{By, Evidence};
pub use reading::{OptOutReading, reading_of};
pub use reason::Reason;
pub use record::{ConsentChange, ConsentRecord};
pub use source::Source;
pub use suppression::Suppression;
