//! Automations: a trigger, steps, and the enrollments that run through them.
//!
//! A marketer writes a [`Definition`]; [`enroll`] enrolls contacts when its trigger matches;
//! [`advance`] runs their steps up to the next wait; [`dry_run()`] previews them. A failed or
//! suppressed message does not end an enrollment: the next step follows. Start with
//! `step_runner.rs`, which runs the steps without the database.

pub mod advance;
mod archive;
mod automation;
mod change;
pub mod condition;
pub mod consequences;
pub mod counts;
mod definition;
mod deletion;
mod dry_run;
pub mod enroll;
mod enrollment;
mod event_sample;
mod foreign_recipient;
mod of_source;
mod reference_check;
mod reported_events;
mod setup_progress;
mod starters;
mod step;
mod step_runner;
pub mod template_check;
pub mod template_uses;
mod trigger;
mod value_comparison;

pub use archive::{archive, unarchive};
pub use automation::{
    Automation, AutomationMatch, AutomationName, AutomationStatus, count, find, find_by_words,
    find_many, list, list_active, list_archived, list_by_name, names_starting_with,
};
pub use change::{AutomationChange, NewAutomation, create, duplicate, update};
pub use definition::Definition;
pub use deletion::{delete, has_enrollments};
pub use dry_run::{DryRun, Start, StepEffect, StepOutcome, TriedEvent, dry_run};
pub use enrollment::{
    Enrollment, EnrollmentFilter, EnrollmentStatus, SCAN_LIMIT, enrollments,
    enrollments_of_contact, find_enrollment, find_enrollments,
};
pub use event_sample::sample_event;
pub use foreign_recipient::ForeignRecipient;
pub use of_source::of_source;
pub use reference_check::check_can_run;
pub use reported_events::{ReportedEvents, report_events, start_automations, started_by_event};
pub(crate) use setup_progress::SetupProgress;
pub use starters::{STARTERS, Starter, StarterStep, create_starter};
pub use step::{MAX_STEPS, MAX_WAIT_SECONDS, Recipient, Step};
pub use trigger::{Trigger, parse_max_age};
