//! The set-up checklist with all steps done.

use super::SetupProgress;

impl SetupProgress {
    /// All steps done.
    pub(in crate::web::ui::home) const ALL: Self = Self {
        sender: true,
        template: true,
        contact: true,
        automation: true,
        delivered: true,
        all: true,
    };
}
