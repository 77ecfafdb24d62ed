//! The template editor's form.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::return_to::ReturnTo;
use crate::error::FieldErrors;
use crate::templates::drafts::TemplateDraft;
use crate::templates::{self, MediaUrl, NewTemplate, Template};
use crate::types::id::ContactId;

/// All fields of the editor. A button names its action in the field `action`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TemplateForm {
    pub(super) name: String,
    pub(super) body: String,
    /// The addresses of media, one per line.
    pub(super) media_urls: String,
    /// The contact of the preview: an id, or `number` for a recipient with only a number.
    pub(super) contact_id: String,
    /// A search that filters the contacts to choose from.
    pub(super) find: String,
    /// The event of the preview: an id, `sample`, `written` or `none`; blank for an automatic
    /// choice.
    pub(super) event_id: String,
    /// The properties of an event written by hand, as JSON.
    pub(super) event: String,
    /// The sender of a test message.
    pub(super) sender_id: String,
    /// The recipient of a test message.
    pub(super) to: String,
    /// The idempotency key of a test message: submitting the form twice sends one message.
    pub(super) request_key: String,
    pub(super) return_to: String,
    /// The saved version that the text is based on; 0 for a new template.
    pub(super) version: i32,
    /// The saved name when the form was loaded; `name` equals it unless this user has changed it.
    pub(super) saved_name: String,
    pub(super) action: String,
    /// The text that the pressed button inserts.
    pub(super) insert: String,
}

/// The action of a button of the editor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum TemplateAction {
    Save,
    Preview,
    SendTest,
    /// Replace characters that force UCS-2 with plain ones.
    ReplaceSpecialCharacters,
    /// Append a variable to the text.
    Insert,
}

impl TemplateForm {
    /// The form of a saved template.
    pub(super) fn of(template: &Template) -> Self {
        Self {
            name: template.name.clone(),
            saved_name: template.name.clone(),
            body: template.body.clone(),
            media_urls: template.media_urls.join("\n"),
            version: template.version,
            ..Self::default()
        }
    }

    /// Replaces the saved text with a draft of it.
    pub(super) fn with_draft(self, draft: TemplateDraft) -> Self {
        let TemplateDraft { version, name, saved_name, body, media_urls, .. } = draft;
        let name = if name.trim() == saved_name { self.name } else { name };
        Self { name, body, media_urls, version, ..self }
    }

    /// Rebases the form on the template as saved now. An unchanged name does not undo another
    /// user's rename.
    pub(super) fn rebase(self, saved: &Template) -> Self {
        let unchanged = !self.saved_name.is_empty() && self.name.trim() == self.saved_name;
        let name = if unchanged { saved.name.clone() } else { self.name };
        Self { name, saved_name: saved.name.clone(), ..self }
    }

    /// The input as a draft, with line endings as in a saved text.
    pub(super) fn draft(&self, now: DateTime<Utc>) -> TemplateDraft {
        let unix_line_endings = |text: &str| text.replace("\r\n", "\n");
        let (name, body, media_urls) = (
            unix_line_endings(&self.name),
            unix_line_endings(&self.body),
            unix_line_endings(&self.media_urls),
        );
        TemplateDraft {
            version: self.version,
            name,
            saved_name: self.saved_name.clone(),
            body,
            media_urls,
            updated_at: now,
        }
    }

    /// Whether the input equals the saved template.
    pub(super) fn is_saved(&self, template: Option<&Template>) -> bool {
        match template {
            Some(saved) => {
                let body = self.body.replace("\r\n", "\n");
                self.name == saved.name
                    && (body == saved.body || body.trim_end() == saved.body)
                    && self.media_lines() == saved.media_urls
            }
            None => [&self.name, &self.body, &self.media_urls]
                .iter()
                .all(|typed| typed.trim().is_empty()),
        }
    }

    pub(super) fn action(&self) -> TemplateAction {
        match self.action.as_str() {
            _ if !self.insert.is_empty() => TemplateAction::Insert,
            "preview" => TemplateAction::Preview,
            "plain" => TemplateAction::ReplaceSpecialCharacters,
            "send_test" => TemplateAction::SendTest,
            _ => TemplateAction::Save,
        }
    }

    /// Parses the template, in order to save it.
    pub(super) fn parse(&self) -> Result<NewTemplate, FieldErrors> {
        NewTemplate::parse(&self.name, &self.body, &self.media_lines())
            .map_err(|errors| merge_media_errors(&errors))
    }

    /// Parses the template for a preview or a test, which need no name.
    pub(super) fn parse_content(&self) -> Result<NewTemplate, FieldErrors> {
        NewTemplate::parse("Preview", &self.body, &self.media_lines())
            .map_err(|errors| merge_media_errors(&errors))
    }

    /// Parses only the addresses of media, for a preview.
    pub(super) fn parse_media(&self) -> Result<Vec<MediaUrl>, FieldErrors> {
        let mut errors = FieldErrors::default();
        let media = templates::check_media_urls(&self.media_lines(), &mut errors);
        if errors.is_empty() { Ok(media) } else { Err(merge_media_errors(&errors)) }
    }

    /// The chosen contact. None is chosen until the first preview.
    pub(super) fn contact(&self) -> Option<ContactId> {
        self.contact_id.parse().ok()
    }

    pub(super) fn return_to(&self) -> Option<ReturnTo> {
        ReturnTo::parse(&self.return_to)
    }

    fn media_lines(&self) -> Vec<String> {
        self.media_urls
            .lines()
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .map(str::to_owned)
            .collect()
    }
}

/// Moves the errors on single media URLs to the field in which all of them are entered.
pub(super) fn merge_media_errors(errors: &FieldErrors) -> FieldErrors {
    let mut shown = FieldErrors::default();
    for (field, messages) in errors.iter() {
        let field = if field.starts_with("media_urls.") { "media_urls" } else { field };
        for message in messages {
            shown.add(field, message);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::id::TemplateId;

    #[test]
    fn media_are_one_per_line_and_their_errors_belong_to_one_field() {
        let form = TemplateForm {
            name: "Hello".to_owned(),
            body: "Hi".to_owned(),
            media_urls: " https://example.com/a.jpg \r\n\r\nnonsense\nftp://example.com/b"
                .to_owned(),
            ..TemplateForm::default()
        };
        let errors = form.parse().unwrap_err();
        let fields: Vec<_> =
            errors.iter().map(|(field, messages)| (field.to_owned(), messages.len())).collect();
        assert_eq!(fields, [("media_urls".to_owned(), 2)]);
        assert!(
            TemplateForm {
                media_urls: "https://example.com/a.jpg".to_owned(),
                name: String::new(),
                ..form
            }
            .parse_content()
            .is_ok()
        );
    }

    #[test]
    fn line_endings_make_no_difference_to_a_saved_text() {
        let template = Template {
            id: TemplateId::new(),
            name: "Hello".to_owned(),
            version: 2,
            body: "Hi\nthere".to_owned(),
            media_urls: vec!["https://example.com/a.jpg".to_owned()],
            created_at: DateTime::UNIX_EPOCH,
            updated_at: DateTime::UNIX_EPOCH,
            archived_at: None,
        };
        let form =
            TemplateForm { body: "Hi\r\nthere\r\n".to_owned(), ..TemplateForm::of(&template) };
        assert!(form.is_saved(Some(&template)));
        assert!(!TemplateForm { body: "Hi".to_owned(), ..form.clone() }.is_saved(Some(&template)));
        assert!(!form.is_saved(None) && TemplateForm::default().is_saved(None));
        assert_eq!(form.draft(DateTime::UNIX_EPOCH).body, "Hi\nthere\n");

        // Another user renames it.
        let renamed = Template { name: "Welcome".to_owned(), ..template };
        let draft = form.draft(DateTime::UNIX_EPOCH);
        assert_eq!(TemplateForm::of(&renamed).with_draft(draft.clone()).name, "Welcome");
        assert!(form.clone().rebase(&renamed).is_saved(Some(&renamed)));
        let both = TemplateForm { name: "Bye".to_owned(), ..form };
        assert_eq!(
            (both.clone().rebase(&renamed).name.as_str(), both.saved_name.as_str()),
            ("Bye", "Hello")
        );
        assert_eq!(
            TemplateForm::of(&renamed)
                .with_draft(TemplateDraft { name: "Bye".to_owned(), ..draft })
                .name,
            "Bye"
        );
    }
}
