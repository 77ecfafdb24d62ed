//! A queue of which a part stands still.

use chrono::DateTime;

use super::Queue;

impl Queue {
    /// Some go, and some stand still.
    pub(in crate::web::ui::home) const fn sample() -> Self {
        Self { messages: 1_200, standing: 200, empty_at: Some(DateTime::UNIX_EPOCH) }
    }
}
