//! What is typed into the editor.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::return_to::ReturnTo;
use crate::error::FieldErrors;
use crate::templates::{NewTemplate, Template, TemplateBody};
use crate::types::id::ContactId;

/// All fields of the editor; its buttons say by `action` what to do with them.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct TemplateForm {
    pub(super) name: String,
    pub(super) body: String,
    /// One address per line.
    pub(super) media_urls: String,
    /// Whom to preview for: the id of a contact, or nothing for a number that is nobody's.
    pub(super) contact_id: String,
    /// Narrows the contacts to choose from.
    pub(super) find: String,
    /// The properties of a sample event, as JSON.
    pub(super) event: String,
    /// What a test message is sent from and to.
    pub(super) sender_id: String,
    pub(super) to: String,
    /// Makes a test message that is asked for twice one message.
    pub(super) request_key: String,
    pub(super) return_to: String,
    pub(super) action: String,
}

/// What a button of the editor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Action {
    Save,
    Preview,
    SendTest,
}

impl TemplateForm {
    /// The form of a saved template.
    pub(super) fn of(template: &Template) -> Self {
        Self {
            name: template.name.clone(),
            body: template.body.clone(),
            media_urls: template.media_urls.join("\n"),
            event: TemplateBody::parse(&template.body).map(|body| sample_event(&body)).unwrap_or_default(),
            ..Self::default()
        }
    }

    pub(super) fn action(&self) -> Action {
        match self.action.as_str() {
            "preview" => Action::Preview,
            "send_test" => Action::SendTest,
            _ => Action::Save,
        }
    }

    /// The template, for saving.
    pub(super) fn parse(&self) -> Result<NewTemplate, FieldErrors> {
        NewTemplate::parse(&self.name, &self.body, &self.lines()).map_err(|errors| for_people(&errors))
    }

    /// The template, for a preview or a test: the name does not matter yet.
    pub(super) fn parse_text(&self) -> Result<NewTemplate, FieldErrors> {
        NewTemplate::parse("Preview", &self.body, &self.lines()).map_err(|errors| for_people(&errors))
    }

    /// The sample event; nothing typed is no event.
    pub(super) fn event(&self) -> Result<Option<Value>, String> {
        let typed = self.event.trim();
        if typed.is_empty() {
            return Ok(None);
        }
        match serde_json::from_str(typed) {
            Ok(event @ Value::Object(_)) => Ok(Some(event)),
            Ok(_) => Err("Write the properties in braces, such as {\"order_id\": \"4711\"}.".to_owned()),
            Err(error) => Err(format!("This is not JSON: {error}. Write it like {{\"order_id\": \"4711\"}}.")),
        }
    }

    /// The contact that is chosen; nothing is chosen until a preview was asked for.
    pub(super) fn contact(&self) -> Option<ContactId> {
        self.contact_id.parse().ok()
    }

    pub(super) fn return_to(&self) -> Option<ReturnTo> {
        ReturnTo::parse(&self.return_to)
    }

    fn lines(&self) -> Vec<String> {
        self.media_urls.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
    }
}

/// The sample event for a text, as people edit it; nothing if the text needs none.
pub(super) fn sample_event(body: &TemplateBody) -> String {
    let event = body.sample_event();
    match event.as_object() {
        Some(properties) if !properties.is_empty() => serde_json::to_string_pretty(&event).unwrap_or_default(),
        _ => String::new(),
    }
}

/// Puts the errors of single addresses under the one field that they are typed into.
fn for_people(errors: &FieldErrors) -> FieldErrors {
    let mut shown = FieldErrors::default();
    for (field, sentences) in errors.iter() {
        let field = if field.starts_with("media_urls.") { "media_urls" } else { field };
        for sentence in sentences {
            shown.add(field, sentence);
        }
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_are_typed_one_per_line_and_their_errors_stand_in_one_field() {
        let form = TemplateForm {
            name: "Hello".to_owned(),
            body: "Hi".to_owned(),
            media_urls: " https://example.com/a.jpg \r\n\r\nnonsense\nftp://example.com/b".to_owned(),
            ..TemplateForm::default()
        };
        let errors = form.parse().unwrap_err();
        let fields: Vec<_> = errors.iter().map(|(field, sentences)| (field.to_owned(), sentences.len())).collect();
        assert_eq!(fields, [("media_urls".to_owned(), 2)]);
        assert!(TemplateForm { media_urls: "https://example.com/a.jpg".to_owned(), name: String::new(), ..form }.parse_text().is_ok());
    }

    #[test]
    fn the_sample_event_is_an_object_or_nothing() {
        let event = |typed: &str| TemplateForm { event: typed.to_owned(), ..TemplateForm::default() }.event();
        assert_eq!(event(" "), Ok(None));
        assert!(event("{\"a\": 1}").unwrap().is_some());
        assert!(event("[1]").unwrap_err().contains("braces"));
        assert!(event("{a}").unwrap_err().contains("line 1 column 2"));
    }

    #[test]
    fn a_text_with_event_properties_comes_with_a_sample_of_them() {
        let body = TemplateBody::parse("{{ event.order_id }}").unwrap();
        assert_eq!(sample_event(&body), "{\n  \"order_id\": \"order_id\"\n}");
        assert_eq!(sample_event(&TemplateBody::parse("Hi").unwrap()), "");
    }
}
