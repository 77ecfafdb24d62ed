//! The preview panel of the editor, which is updated while the user types: preview, problems, price
//! estimate, and the contacts, events and variables to choose from.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use serde::Serialize;
use serde_json::Value;

use super::form::TemplateForm;
use super::insertable_snippets::{InsertableGroup, groups};
use super::preview::{Plain, Preview};
use super::preview_defaults::PreviewDefaults;
use super::preview_recipient::PreviewRecipient;
use super::price_estimate::PriceEstimate;
use crate::contacts::Contact;
use crate::db::Conn;
use crate::error::FieldErrors;
use crate::events::{self, Event};
use crate::ledger::prices::{self, Price};
use crate::templates::{MediaUrl, TemplateBody, sample_event};
use crate::types::country::Country;
use crate::users::organization::Organization;
use crate::web::PageError;
use crate::web::ui::made_up_contact::unassigned_number;
use crate::web::ui::preview_event::{SAMPLE, WRITTEN};
use crate::web::ui::{Choice, preview_contacts, preview_event};

/// The number of the contact's newest events to choose from.
const MAX_EVENTS: i64 = 10;

/// The form value for a recipient with only a number.
pub(super) const ONLY_NUMBER: &str = "number";
/// The form value for no event.
const NO_EVENT: &str = "none";

/// The preview of a text, and the options for it.
#[derive(Debug, Serialize)]
pub(super) struct PreviewPanel {
    preview: Option<Preview>,
    /// The errors of the text, repeated for users who see only this part of the page.
    problems: Vec<String>,
    /// Sentences about what is probably not intended.
    warnings: Vec<String>,
    /// The price estimate; none if parts are not billed.
    estimate: Option<PriceEstimate>,
    plain: Option<Plain>,
    contacts: Vec<Choice>,
    events: Vec<Choice>,
    insertable: Vec<InsertableGroup>,
    #[serde(skip)]
    pub(super) recipient: PreviewRecipient,
    #[serde(skip)]
    pub(super) event: Option<Value>,
}

impl PreviewPanel {
    /// Renders the text for the chosen contact and event. Default choices are written into the
    /// form, errors into `errors`.
    ///
    /// The preset contact is the one that was enrolled last in an automation that sends the
    /// template.
    pub(super) async fn load(
        conn: &mut Conn,
        organization: &Organization,
        zone: Tz,
        defaults: &PreviewDefaults,
        form: &mut TemplateForm,
        errors: &mut FieldErrors,
    ) -> Result<Self, PageError> {
        if let (true, true, Some(last)) =
            (form.contact_id.is_empty(), form.find.trim().is_empty(), defaults.last_contact)
        {
            form.contact_id = last.to_string();
        }
        if form.find.trim().is_empty() {
            form.find.clear();
        }
        let found =
            preview_contacts::load(conn, organization, &form.find, form.contact(), errors).await?;
        let recipient = Self::recipient(&found, form)?;
        let events = match &recipient {
            PreviewRecipient::Contact(contact) => {
                events::of_contact(conn, contact.id, MAX_EVENTS).await?
            }
            PreviewRecipient::Number(_) => Vec::new(),
        };
        let country = match &recipient {
            PreviewRecipient::Contact(contact) => contact.phone.country(),
            PreviewRecipient::Number(_) => organization.default_country,
        };
        let price = match country {
            Some(country) => prices::find(conn, country).await?,
            None => None,
        };
        let input = PreviewInput {
            organization,
            zone,
            found,
            recipient,
            events,
            preferred: &defaults.events,
            country,
            price,
        };
        Ok(input.preview(form, errors))
    }

    /// The chosen contact, else the first one found. Its id is written into the form.
    fn recipient(
        found: &[Contact],
        form: &mut TemplateForm,
    ) -> Result<PreviewRecipient, PageError> {
        let chosen = form
            .contact()
            .and_then(|id| found.iter().find(|contact| contact.id == id))
            .or(found.first());
        let recipient = match chosen {
            Some(contact) if form.contact_id != ONLY_NUMBER => {
                PreviewRecipient::Contact(Box::new(contact.clone()))
            }
            _ => PreviewRecipient::Number(unassigned_number()?),
        };
        form.contact_id = match &recipient {
            PreviewRecipient::Contact(contact) => contact.id.to_string(),
            PreviewRecipient::Number(_) => ONLY_NUMBER.to_owned(),
        };
        Ok(recipient)
    }
}

/// The input of a preview.
pub(super) struct PreviewInput<'a> {
    pub(super) organization: &'a Organization,
    /// The time zone of the user.
    pub(super) zone: Tz,
    pub(super) found: Vec<Contact>,
    pub(super) recipient: PreviewRecipient,
    pub(super) events: Vec<Event>,
    /// The names of the events that start automations with the template, which fit best.
    pub(super) preferred: &'a [String],
    pub(super) country: Option<Country>,
    pub(super) price: Option<Price>,
}

impl PreviewInput<'_> {
    /// Renders the text of the form.
    pub(super) fn preview(self, form: &mut TemplateForm, errors: &mut FieldErrors) -> PreviewPanel {
        let body = (!form.body.trim().is_empty()).then(|| TemplateBody::parse(&form.body));
        let body = body.and_then(|parsed| check_once(errors, "body", parsed));
        let media = form.parse_media();
        let Chosen { event, automatic } =
            self.event(body.as_ref(), media.as_deref().unwrap_or_default(), form, errors);
        let variables = self.recipient.variables(event.as_ref(), &self.organization.name);
        if let Err(found) = &media
            && let Some((field, messages)) = found.iter().find(|(field, _)| *field == "media_urls")
            && !errors.iter().any(|(known, _)| known == field)
        {
            for message in messages {
                errors.add(field, message);
            }
        }
        let attributes: BTreeSet<String> = self
            .found
            .iter()
            .filter_map(|contact| contact.attributes.as_object())
            .flat_map(|fields| fields.keys().cloned())
            .collect();
        let media = media.unwrap_or_default();
        let of_body = body.as_ref().map(TemplateBody::warnings).unwrap_or_default();
        let warnings =
            of_body.into_iter().chain(media.iter().flat_map(MediaUrl::warnings)).collect();
        let preview =
            body.as_ref().map(|body| Preview::new(body, &self.recipient, &variables, &media));
        let parts = preview.as_ref().and_then(Preview::billed_parts);
        PreviewPanel {
            estimate: parts
                .map(|parts| PriceEstimate::new(parts, self.country, self.price.as_ref())),
            preview,
            warnings,
            problems: ["body", "media_urls", "event"]
                .iter()
                .flat_map(|field| error_messages(errors, field))
                .collect(),
            plain: Plain::of(&form.body.replace("\r\n", "\n"), &variables),
            contacts: self.contact_choices(),
            events: self.event_choices(&automatic),
            insertable: groups(&variables.available(&attributes)),
            recipient: self.recipient.clone(),
            event: event.clone(),
        }
    }

    /// The chosen event, else the newest that fits the text, else a generated sample.
    ///
    /// An automatic choice is not written into the form, since another text may need another event.
    fn event(
        &self,
        body: Option<&TemplateBody>,
        media: &[MediaUrl],
        form: &mut TemplateForm,
        errors: &mut FieldErrors,
    ) -> Chosen {
        let sample = Some(sample_event(body, media))
            .filter(|event| event.as_object().is_some_and(|fields| !fields.is_empty()));
        if !self.is_choice(&form.event_id) {
            form.event_id.clear();
        }
        let best = self.best_event(body, media);
        let automatic = match (best, &sample) {
            (Some(event), _) => preview_event::label(event, self.zone),
            (None, Some(_)) => "made up from the text".to_owned(),
            (None, None) => "none is needed".to_owned(),
        };
        let event = match form.event_id.as_str() {
            "" => best.map(|event| event.properties.clone()).or(sample),
            NO_EVENT => None,
            SAMPLE => sample,
            WRITTEN => {
                if form.event.trim().is_empty() {
                    let start = best
                        .map(|event| event.properties.clone())
                        .or(sample)
                        .unwrap_or(Value::Object(<_>::default()));
                    form.event = preview_event::initial_properties(&start);
                }
                check_once(errors, "event", preview_event::parse_properties(&form.event)).flatten()
            }
            id => self
                .events
                .iter()
                .find(|event| event.id.to_string() == id)
                .map(|event| event.properties.clone()),
        };
        Chosen { event, automatic }
    }

    fn is_choice(&self, value: &str) -> bool {
        [SAMPLE, WRITTEN, NO_EVENT].contains(&value)
            || self.events.iter().any(|event| event.id.to_string() == value)
    }

    /// The newest event that starts an automation with this template, else the newest that has what
    /// the text uses, if it uses anything.
    fn best_event(&self, body: Option<&TemplateBody>, media: &[MediaUrl]) -> Option<&Event> {
        let preferred = self
            .events
            .iter()
            .find(|event| self.preferred.iter().any(|name| name == event.name.as_str()));
        let fits = |event: &&Event| {
            let variables =
                self.recipient.variables(Some(&event.properties), &self.organization.name);
            let of_event = |name: &str| name.starts_with("event.") || name.starts_with("event[");
            let named = body
                .iter()
                .flat_map(|body| body.variables())
                .chain(media.iter().flat_map(MediaUrl::variables));
            let unset = body
                .iter()
                .flat_map(|body| body.unset(&variables))
                .chain(media.iter().flat_map(|url| url.unset(&variables)));
            named.into_iter().any(|name| of_event(&name))
                && !unset.into_iter().any(|unset| of_event(&unset.variable) && !unset.has_default)
        };
        preferred.or_else(|| self.events.iter().find(fits))
    }

    fn contact_choices(&self) -> Vec<Choice> {
        let mut choices: Vec<_> = self
            .found
            .iter()
            .map(|contact| Choice::new(contact.id.to_string(), contact.long_label()))
            .collect();
        choices.push(Choice::new(ONLY_NUMBER, "A number without a contact"));
        choices
    }

    fn event_choices(&self, automatic: &str) -> Vec<Choice> {
        let first = [Choice::new("", format!("Automatic: {automatic}"))];
        let of_contact = self.events.iter().map(|event| preview_event::choice(event, self.zone));
        let others = [
            (SAMPLE, "Made up from the text"),
            (WRITTEN, "Written by hand"),
            (NO_EVENT, "No event"),
        ];
        first
            .into_iter()
            .chain(of_contact)
            .chain(others.map(|(value, label)| Choice::new(value, label)))
            .collect()
    }
}

/// The event of a preview.
struct Chosen {
    event: Option<Value>,
    /// The text of the automatic choice.
    automatic: String,
}

/// Returns the parsed value; an error is added unless the field already has one.
fn check_once<T, E: std::fmt::Display>(
    errors: &mut FieldErrors,
    field: &str,
    parsed: Result<T, E>,
) -> Option<T> {
    if errors.iter().any(|(known, _)| known == field) {
        parsed.ok()
    } else {
        errors.check(field, parsed)
    }
}

fn error_messages(errors: &FieldErrors, field: &str) -> Vec<String> {
    errors
        .iter()
        .filter(|(known, _)| *known == field)
        .flat_map(|(_, messages)| messages.iter().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::samples::{contact, event, organization};
    use super::*;
    use crate::types::id::EventId;

    #[test]
    fn the_automatic_event_fits_the_text() {
        let (organization, contact) = (organization(), contact());
        let events = || {
            vec![
                event("visited", json!({ "page": "/" })),
                event("order_completed", json!({ "order_id": 7 })),
            ]
        };
        let chosen = |body: &str, events: Vec<Event>, preferred: &[String], event_id: &str| {
            let recipient = PreviewRecipient::Contact(Box::new(contact.clone()));
            let mut form = TemplateForm {
                body: body.to_owned(),
                event_id: event_id.to_owned(),
                ..TemplateForm::default()
            };
            let input = PreviewInput {
                organization: &organization,
                zone: Tz::UTC,
                found: vec![contact.clone()],
                recipient,
                events,
                preferred,
                country: None,
                price: None,
            };
            let mut errors = FieldErrors::default();
            let panel = input.preview(&mut form, &mut errors);
            (form, panel.event, errors)
        };
        let (form, event, _) = chosen("{{ event.order_id }}", events(), &[], "");
        assert_eq!(event, Some(json!({ "order_id": 7 })), "{form:?}");
        let (_, event, _) = chosen("{{ event.order_id }}", events(), &["visited".to_owned()], "");
        assert_eq!(event, Some(json!({ "page": "/" })), "a preferred event comes first");
        let (form, event, _) = chosen("{{ event.sku }}", events(), &[], "");
        assert_eq!(
            (form.event_id.as_str(), event),
            ("", Some(json!({ "sku": "sku" }))),
            "the choice stays automatic"
        );
        let (form, event, _) = chosen("Hi", events(), &[], "");
        assert_eq!((form.event_id.as_str(), event), ("", None));
        let (form, _, _) = chosen("{{ event.order_id }}", events(), &[], WRITTEN);
        assert!(form.event.contains('7'), "the properties to change are shown: {}", form.event);
        let (form, _, _) =
            chosen("{{ event.order_id }}", events(), &[], &EventId::new().to_string());
        assert_eq!(form.event_id, "", "an event of another contact is not accepted");
    }
}
