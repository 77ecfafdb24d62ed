//! The list for beginners with everything done.

use super::Done;

impl Done {
    /// Everything.
    pub(in crate::web::ui::home) const ALL: Self = Self {
        sender: true,
        template: true,
        contact: true,
        automation: true,
        delivered: true,
        all: true,
    };
}
