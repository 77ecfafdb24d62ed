//! A sample of a suggestion.

use super::TryNext;

impl TryNext {
    /// A draft to finish.
    pub(in crate::web::ui::home) fn sample() -> Self {
        Self {
            title: "Finish Win-back <b>".to_owned(),
            text: "It is a draft and sends nothing until you switch it on.".to_owned(),
            link: "/automations/1".to_owned(),
            action: "Open draft",
        }
    }
}
