//! Automations: a trigger, steps, and the enrollments that run through them.
//!
//! A marketer writes a [`Definition`]; [`enroll`] enrolls contacts when its trigger matches;
//! [`advance`] runs their steps up to the next wait; [`dry_run()`] previews them. A failed or
//! suppressed message does not end an enrollment: the next step follows. Start with `run.rs`, which
//! runs the steps without the database.

pub mod advance;
mod automation;
mod change;
mod check;
mod comparison;
pub mod condition;
pub mod consequences;
pub mod counts;
mod definition;
mod dry_run;
pub mod enroll;
mod enrollment;
mod report;
mod run;
mod sample;
mod step;
pub mod text_check;
mod trigger;
pub mod uses;

pub use automation::{
    Automation, AutomationName, AutomationStatus, find, find_many, list, list_active,
    names_starting_with,
};
pub use change::{AutomationChange, NewAutomation, create, update};
pub use check::check_can_run;
pub use definition::Definition;
pub use dry_run::{DryRun, Start, StepEffect, StepOutcome, TriedEvent, dry_run};
pub use enrollment::{
    Enrollment, EnrollmentFilter, EnrollmentStatus, SCAN_LIMIT, enrollments, find_enrollment,
    find_enrollments,
};
pub use report::{Reported, report};
pub use sample::sample_event;
pub use step::{MAX_STEPS, MAX_WAIT_SECONDS, Recipient, Step};
pub use trigger::{Trigger, parse_max_age};
