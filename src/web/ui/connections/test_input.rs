//! What is typed to send a test message.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// What is typed there.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TestInput {
    /// Made with the page, so that a form that is sent twice makes one message.
    pub(super) request_key: String,
    pub(super) sender_id: String,
    pub(super) to: String,
    pub(super) text: String,
}

impl Default for TestInput {
    fn default() -> Self {
        Self {
            request_key: Uuid::new_v4().to_string(),
            sender_id: String::new(),
            to: String::new(),
            text: "This is a test message from Carillon.".to_owned(),
        }
    }
}
