//! The input of the form that sends a test message.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The input of the form.
#[derive(Debug, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TestMessageInput {
    /// Generated with the page, so that submitting the form twice sends one message.
    pub(super) request_key: String,
    pub(super) sender_id: String,
    pub(super) to: String,
    pub(super) text: String,
}

impl Default for TestMessageInput {
    fn default() -> Self {
        Self {
            request_key: Uuid::new_v4().to_string(),
            sender_id: String::new(),
            to: String::new(),
            text: "This is a test message from Carillon.".to_owned(),
        }
    }
}
