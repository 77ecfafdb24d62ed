//! Consent: whether a number may be texted, and the evidence for it.
//!
//! A [`Suppression`] forbids texting a number, for one [`Reason`]; it is keyed by the number, so
//! that it outlives the contact. Whenever one begins or ends, a [`ConsentRecord`] stores the
//! [`Evidence`]. [`opt_out`] recognises texts that opt out or in.
//!
//! Start with [`suppression`]. The functions that also update the contact's tags are in
//! `contacts::suppress_and_lift`.

mod evidence;
pub mod opt_out;
mod opt_out_reading;
mod reason;
pub mod record;
mod source;
pub mod suppression;

pub use evidence::{Evidence, Requester};
pub use opt_out_reading::{OptOutReading, reading_of};
pub use reason::Reason;
pub use record::{ConsentChange, ConsentRecord};
pub use source::ConsentSource;
pub use suppression::Suppression;
