//! Recording Twilio's status reports: every [`Report`] is stored, and the status only moves
//! forward.
//!
//! [`record()`] is the slow path: it locks messages, and returns [`RecordedReports`] with their
//! consequences. [`fast_path`] handles plain reports. Start with `apply` in `record.rs`, which
//! decides about one report.

pub mod fast_path;
mod record;
mod report;

pub use record::{Recorded, RecordedReports, record};
pub use report::{Report, ReportSource};
