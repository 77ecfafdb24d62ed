//! The input of the form of a new action.

use serde::{Deserialize, Serialize};

use crate::sources::NewAction;
use crate::types::id::SourceId;

/// The input of the form of a new action.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ActionForm {
    pub(super) event_name: String,
    pub(super) to: String,
    pub(super) body: String,
    pub(super) media_urls: String,
    pub(super) sender_id: String,
    pub(super) name: String,
    /// The pressed button.
    #[serde(skip_serializing)]
    pub(super) action: String,
}

impl ActionForm {
    /// The action as it was typed.
    pub(super) fn read(&self, source_id: SourceId) -> NewAction {
        let urls = self.media_urls.lines().map(str::trim).filter(|url| !url.is_empty());
        NewAction {
            source_id,
            event_name: self.event_name.clone(),
            to: self.to.clone(),
            // Forms end lines with CR and LF, which would cost characters.
            body: self.body.replace("\r\n", "\n"),
            media_urls: urls.map(str::to_owned).collect(),
            sender_id: self.sender_id.clone(),
            name: self.name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_keeps_its_lines_and_blank_addresses_are_left_out() {
        let form = ActionForm {
            body: "a\r\nb".to_owned(),
            media_urls: " https://a.example/1.png \r\n\r\n".to_owned(),
            ..ActionForm::default()
        };
        let new = form.read(SourceId::new());
        assert_eq!(new.body, "a\nb");
        assert_eq!(new.media_urls, ["https://a.example/1.png"]);
    }
}
