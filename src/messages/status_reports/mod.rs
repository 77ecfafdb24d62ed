//! Recording Twilio's status reports: every [`Report`] is stored, and the status only moves
//! forward.
//!
//! [`record`] is the slow path: it locks messages, and returns [`RecordedReports`] with their
//! consequences. [`fast_path`] handles plain reports. Start with `apply` in `slow_path.rs`, which
//! decides about one report.

pub mod fast_path;
mod report;
mod slow_path;

pub use report::{Report, ReportSource};
pub use slow_path::{Recorded, RecordedReports, record};
