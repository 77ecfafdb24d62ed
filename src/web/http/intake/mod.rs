//! Limits on what a process accepts at once: connections, bodies of requests, and their
//! decompression. [`Intake`] holds the limits, [`guard()`] applies them to a request,
//! [`read_body()`] reads a body within them. Start reading at [`guard()`].

mod content_coding;
mod gzip;
mod incoming_body;
mod limits;
mod read_body;
mod request_guard;

pub(in crate::web) use content_coding::ContentCoding;
pub use limits::Intake;
pub(in crate::web) use limits::MIN_BYTES_PER_SECOND;
pub(in crate::web) use read_body::{BodyError, read_body};
pub(in crate::web) use request_guard::guard;
