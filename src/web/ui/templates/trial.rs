//! Trying a text out: with a contact, with an event of theirs, and what there is to insert;
//! everything that follows what is typed.

use std::collections::BTreeSet;

use chrono_tz::Tz;
use serde::Serialize;
use serde_json::Value;

use super::estimate::Estimate;
use super::form::TemplateForm;
use super::insertable::{InsertableGroup, groups};
use super::preview::{Plain, Preview};
use super::recipient::TrialRecipient;
use super::saved::Way;
use crate::contacts::Contact;
use crate::db::Conn;
use crate::error::FieldErrors;
use crate::events::{self, Event};
use crate::ledger::prices::{self, Price};
use crate::templates::{MediaUrl, TemplateBody, sample_event};
use crate::types::country::Country;
use crate::types::phone::PhoneNumber;
use crate::users::organization::Organization;
use crate::web::PageError;
use crate::web::ui::made_event::{SAMPLE, WRITTEN};
use crate::web::ui::{Choice, made_event, somebody};

/// The newest events of a contact to choose from.
const EVENTS: i64 = 10;
/// A number that belongs to nobody (NANP reserves 555 01xx), for a preview without contacts.
const NOBODY: &str = "+14155550100";

/// The value of the choice of a contact: none but a number.
pub(super) const NUMBER: &str = "number";
/// The value of the choice of no event.
const NO_EVENT: &str = "none";

/// What a text becomes, and what it can be tried with.
#[derive(Debug, Serialize)]
pub(super) struct TemplateTrial {
    preview: Option<Preview>,
    /// What is wrong with what is typed, for who sees only this part of the page.
    problems: Vec<String>,
    /// What is probably not meant as it stands, in sentences.
    warnings: Vec<String>,
    /// None where nothing is billed by the part.
    estimate: Option<Estimate>,
    plain: Option<Plain>,
    contacts: Vec<Choice>,
    events: Vec<Choice>,
    insertable: Vec<InsertableGroup>,
    #[serde(skip)]
    pub(super) recipient: TrialRecipient,
    #[serde(skip)]
    pub(super) event: Option<Value>,
}

impl TemplateTrial {
    /// Finds what to try the text with and tries it; what is chosen is noted in the form, what is
    /// wrong in `errors`.
    ///
    /// Who has come the way to this template last is who it is tried with at first.
    pub(super) async fn load(
        conn: &mut Conn,
        organization: &Organization,
        zone: Tz,
        way: &Way,
        form: &mut TemplateForm,
        errors: &mut FieldErrors,
    ) -> Result<Self, PageError> {
        if let (true, true, Some(last)) =
            (form.contact_id.is_empty(), form.find.trim().is_empty(), way.last)
        {
            form.contact_id = last.to_string();
        }
        if form.find.trim().is_empty() {
            form.find.clear();
        }
        let found =
            somebody::to_try_with(conn, organization, &form.find, form.contact(), errors).await?;
        let recipient = Self::recipient(&found, form)?;
        let events = match &recipient {
            TrialRecipient::Contact(contact) => {
                events::of_contact(conn, contact.id, EVENTS).await?
            }
            TrialRecipient::Number(_) => Vec::new(),
        };
        let country = match &recipient {
            TrialRecipient::Contact(contact) => contact.phone.country(),
            TrialRecipient::Number(_) => organization.default_country,
        };
        let price = match country {
            Some(country) => prices::find(conn, country).await?,
            None => None,
        };
        let material = TrialMaterial {
            organization,
            zone,
            found,
            recipient,
            events,
            wanted: &way.events,
            country,
            price,
        };
        Ok(material.tried(form, errors))
    }

    /// The contact that is chosen, else the first that is found; the form then names them.
    fn recipient(found: &[Contact], form: &mut TemplateForm) -> Result<TrialRecipient, PageError> {
        let nobody = PhoneNumber::from_e164(NOBODY)
            .map_err(|error| PageError::Internal(error.to_string()))?;
        let chosen = form
            .contact()
            .and_then(|id| found.iter().find(|contact| contact.id == id))
            .or(found.first());
        let recipient = match chosen {
            Some(contact) if form.contact_id != NUMBER => {
                TrialRecipient::Contact(Box::new(contact.clone()))
            }
            _ => TrialRecipient::Number(nobody),
        };
        form.contact_id = match &recipient {
            TrialRecipient::Contact(contact) => contact.id.to_string(),
            TrialRecipient::Number(_) => NUMBER.to_owned(),
        };
        Ok(recipient)
    }
}

/// What a text is tried with.
pub(super) struct TrialMaterial<'a> {
    pub(super) organization: &'a Organization,
    /// Of whoever looks.
    pub(super) zone: Tz,
    pub(super) found: Vec<Contact>,
    pub(super) recipient: TrialRecipient,
    pub(super) events: Vec<Event>,
    /// The names of the events that lead to the template: with such an event it can best be tried.
    pub(super) wanted: &'a [String],
    pub(super) country: Option<Country>,
    pub(super) price: Option<Price>,
}

impl TrialMaterial<'_> {
    /// Tries the text that is typed.
    pub(super) fn tried(self, form: &mut TemplateForm, errors: &mut FieldErrors) -> TemplateTrial {
        let body = (!form.body.trim().is_empty()).then(|| TemplateBody::parse(&form.body));
        let body = body.and_then(|parsed| check_once(errors, "body", parsed));
        let media = form.parse_media();
        let Chosen { event, automatic } =
            self.event(body.as_ref(), media.as_deref().unwrap_or_default(), form, errors);
        let variables = self.recipient.variables(event.as_ref(), &self.organization.name);
        if let Err(found) = &media
            && let Some((field, sentences)) = found.iter().find(|(field, _)| *field == "media_urls")
            && !errors.iter().any(|(known, _)| known == field)
        {
            for sentence in sentences {
                errors.add(field, sentence);
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
        TemplateTrial {
            estimate: parts.map(|parts| Estimate::new(parts, self.country, self.price.as_ref())),
            preview,
            warnings,
            problems: ["body", "media_urls", "event"]
                .iter()
                .flat_map(|field| sentences(errors, field))
                .collect(),
            plain: Plain::of(&form.body.replace("\r\n", "\n"), &variables),
            contacts: self.contact_choices(),
            events: self.event_choices(&automatic),
            insertable: groups(&variables.available(&attributes)),
            recipient: self.recipient.clone(),
            event: event.clone(),
        }
    }

    /// The event that is chosen; otherwise the newest that the text can be tried with, otherwise
    /// one made for it.
    ///
    /// What was not chosen stays open in the form: another text may need another event.
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
        let best = self.best(body, media);
        let automatic = match (best, &sample) {
            (Some(event), _) => somebody::event_label(event, self.zone),
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
                    form.event = made_event::to_begin_with(&start);
                }
                check_once(errors, "event", made_event::parse(&form.event)).flatten()
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

    /// The newest event that leads to this template; else the newest that has what the text names,
    /// if it names anything.
    fn best(&self, body: Option<&TemplateBody>, media: &[MediaUrl]) -> Option<&Event> {
        let wanted = self
            .events
            .iter()
            .find(|event| self.wanted.iter().any(|name| name == event.name.as_str()));
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
        wanted.or_else(|| self.events.iter().find(fits))
    }

    fn contact_choices(&self) -> Vec<Choice> {
        let mut choices: Vec<_> = self
            .found
            .iter()
            .map(|contact| Choice::new(contact.id.to_string(), contact.long_label()))
            .collect();
        choices.push(Choice::new(NUMBER, "Somebody of whom only the number is known"));
        choices
    }

    fn event_choices(&self, automatic: &str) -> Vec<Choice> {
        let first = [Choice::new("", format!("Automatic: {automatic}"))];
        let of_contact = self.events.iter().map(|event| somebody::event_choice(event, self.zone));
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

/// An event to try a text with.
struct Chosen {
    event: Option<Value>,
    /// In words, which one it is unless a person chooses.
    automatic: String,
}

/// Keeps what was parsed; its error is noted unless the field has one already.
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

fn sentences(errors: &FieldErrors, field: &str) -> Vec<String> {
    errors
        .iter()
        .filter(|(known, _)| *known == field)
        .flat_map(|(_, sentences)| sentences.iter().cloned())
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::samples::{contact, event, organization};
    use super::*;
    use crate::types::id::EventId;

    #[test]
    fn the_event_is_one_that_fits_the_text() {
        let (organization, contact) = (organization(), contact());
        let events = || {
            vec![
                event("visited", json!({ "page": "/" })),
                event("order_completed", json!({ "order_id": 7 })),
            ]
        };
        let chosen = |body: &str, events: Vec<Event>, wanted: &[String], event_id: &str| {
            let recipient = TrialRecipient::Contact(Box::new(contact.clone()));
            let mut form = TemplateForm {
                body: body.to_owned(),
                event_id: event_id.to_owned(),
                ..TemplateForm::default()
            };
            let material = TrialMaterial {
                organization: &organization,
                zone: Tz::UTC,
                found: vec![contact.clone()],
                recipient,
                events,
                wanted,
                country: None,
                price: None,
            };
            let mut errors = FieldErrors::default();
            let trial = material.tried(&mut form, &mut errors);
            (form, trial.event, errors)
        };
        let (form, event, _) = chosen("{{ event.order_id }}", events(), &[], "");
        assert_eq!(event, Some(json!({ "order_id": 7 })), "{form:?}");
        let (_, event, _) = chosen("{{ event.order_id }}", events(), &["visited".to_owned()], "");
        assert_eq!(event, Some(json!({ "page": "/" })), "what leads here goes first");
        let (form, event, _) = chosen("{{ event.sku }}", events(), &[], "");
        assert_eq!(
            (form.event_id.as_str(), event),
            ("", Some(json!({ "sku": "sku" }))),
            "it stays open"
        );
        let (form, event, _) = chosen("Hi", events(), &[], "");
        assert_eq!((form.event_id.as_str(), event), ("", None));
        let (form, _, _) = chosen("{{ event.order_id }}", events(), &[], WRITTEN);
        assert!(form.event.contains('7'), "what is to be changed is there: {}", form.event);
        let (form, _, _) =
            chosen("{{ event.order_id }}", events(), &[], &EventId::new().to_string());
        assert_eq!(form.event_id, "", "an event of somebody else gives way");
    }
}
