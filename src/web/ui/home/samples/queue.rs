//! A sample of the queue, of which a part is blocked.

use chrono::DateTime;

use super::Queue;

impl Queue {
    /// A queue of which a part is blocked.
    pub(in crate::web::ui::home) const fn sample() -> Self {
        Self { messages: 1_200, standing: 200, empty_at: Some(DateTime::UNIX_EPOCH) }
    }
}
