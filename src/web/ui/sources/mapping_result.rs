//! What a mapping makes of a captured request. The open editor updates it while the user types.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::delivery_view::readable_body;
use super::mapping_form::{FIELDS, MappingForm, shown_errors};
use super::sample_paths::{SamplePath, paths_of};
use super::snippets::sample_of;
use crate::error::FieldErrors;
use crate::sources::deliveries::{self, Delivery, MAX_DELIVERIES};
use crate::sources::webhook::{
    Document, KeptHeaders, MappedItem, WebhookMapping, map_with_remarks,
};
use crate::sources::{self, Item, ItemDefaults, Source, SourceKind};
use crate::types::id::SourceId;
use crate::types::phone::PhoneNumber;
use crate::web::{Access, Form, Marketer, Page, PageResult, Visit};

/// The captured request with what a mapping makes of it.
#[derive(Debug, Default, Serialize)]
pub(super) struct TriedMapping {
    /// Whether it is a captured delivery, and not a written sample.
    is_captured: bool,
    /// The body, indented.
    body: String,
    /// Why the body cannot be read.
    unreadable: Option<String>,
    paths: Vec<SamplePath>,
    item: Option<ShownItem>,
    /// What is left out of it, and why.
    remarks: Vec<String>,
    /// What is wrong with the mapping, or does not fit this request.
    problems: Vec<MappingProblem>,
    #[serde(skip)]
    pub(super) errors: FieldErrors,
}

/// What Carillon would record.
#[derive(Debug, Default, Serialize)]
struct ShownItem {
    /// The contact, by what it is known.
    person: Vec<MappedValue>,
    has_phone: bool,
    attributes: Vec<MappedValue>,
    event: Option<String>,
    event_id: Option<String>,
    at: Option<DateTime<Utc>>,
    properties: Value,
}

/// A value with its name for people.
#[derive(Debug, Serialize)]
struct MappedValue {
    label: String,
    value: String,
}

/// What is wrong with a field of the mapping.
#[derive(Debug, Serialize)]
struct MappingProblem {
    /// The field for people; blank for the mapping as a whole.
    label: &'static str,
    reasons: Vec<String>,
}

/// The part of the editor that is updated while the user types.
#[derive(Debug, Serialize)]
pub(super) struct MappingResult {
    tried: TriedMapping,
}

/// Renders the part for the input.
pub(super) async fn show(
    visit: Visit<Marketer>,
    id: Path<SourceId>,
    form: Form<MappingForm>,
) -> PageResult {
    let mut conn = visit.conn().await?;
    let source = sources::find(&mut conn, *id).await?;
    let deliveries = deliveries::list(&mut conn, *id, MAX_DELIVERIES).await?;
    drop(conn);
    let tried = TriedMapping::new(&visit, &source, &form, &deliveries);
    visit.page(&MappingResult { tried })
}

impl TriedMapping {
    /// Tries the mapping of the input with the chosen delivery, or with the written sample.
    pub(super) fn new<R: Access>(
        visit: &Visit<R>,
        source: &Source,
        form: &MappingForm,
        deliveries: &[Delivery],
    ) -> Self {
        let chosen = form.delivery.parse::<i64>().ok();
        let delivery = chosen.and_then(|number| deliveries.iter().find(|one| one.number == number));
        let (content_type, headers, body) = match delivery {
            Some(delivery) => {
                let Delivery { content_type, headers, body, .. } = delivery;
                (content_type.as_deref(), headers.clone(), body.as_slice())
            }
            None => {
                let headers = sample_of(source).sample_headers.clone();
                (None, headers, form.sample.as_bytes())
            }
        };
        let defaults = ItemDefaults::from(&visit.organization);
        match Document::read(content_type, KeptHeaders::from_stored(&headers), body) {
            Ok(document) => {
                let tried = Self::of(form, &document, defaults, source.id);
                let paths = paths_of(document.value(), &headers);
                Self { is_captured: delivery.is_some(), body: readable_body(body), paths, ..tried }
            }
            Err(reason) => Self {
                is_captured: delivery.is_some(),
                body: readable_body(body),
                unreadable: Some(reason.to_string()),
                ..Self::default()
            },
        }
    }

    fn of(
        form: &MappingForm,
        document: &Document,
        defaults: ItemDefaults,
        source_id: SourceId,
    ) -> Self {
        let item = form
            .read(SourceKind::Webhook)
            .and_then(|json| WebhookMapping::parse(&json))
            .and_then(|mapping| map_with_remarks(&mapping, document, defaults, source_id));
        match item {
            Ok(MappedItem { item, remarks }) => {
                Self { item: Some(ShownItem::from(item)), remarks, ..Self::default() }
            }
            Err(errors) => {
                let errors = shown_errors(&errors);
                let problem = |(field, reasons): (&str, &[String])| MappingProblem {
                    label: FIELDS.iter().find(|(name, _)| *name == field).map_or("", |(_, l)| *l),
                    reasons: reasons.to_vec(),
                };
                let problems = errors.iter().map(problem).collect();
                Self { problems, errors, ..Self::default() }
            }
        }
    }
}

impl From<Item> for ShownItem {
    fn from(item: Item) -> Self {
        let Item { person, description, event, at, .. } = item;
        let known = [
            ("Phone", person.phone.as_ref().map(PhoneNumber::international)),
            ("External id", person.user_id.map(String::from)),
            ("Email", person.email.map(String::from)),
            ("First name", description.first_name.map(String::from)),
            ("Last name", description.last_name.map(String::from)),
        ];
        let value = |(label, value): (&str, Option<String>)| {
            value.map(|value| MappedValue { label: label.to_owned(), value })
        };
        let attribute = |(name, value): (String, Value)| MappedValue {
            label: name,
            value: value.as_str().map_or_else(|| value.to_string(), str::to_owned),
        };
        let properties = event.as_ref().map(|event| event.properties.value().clone());
        Self {
            has_phone: person.phone.is_some(),
            person: known.into_iter().filter_map(value).collect(),
            attributes: description.attributes.into_iter().map(attribute).collect(),
            event_id: event
                .as_ref()
                .and_then(|event| event.client_id.as_ref())
                .map(|id| id.as_str().to_owned()),
            event: event.map(|event| event.name.as_str().to_owned()),
            at,
            properties: properties.unwrap_or_default(),
        }
    }
}

impl Page for MappingResult {
    const TEMPLATE: &'static str = "ui/sources/_mapping_result.html";
}

#[cfg(debug_assertions)]
#[path = "samples/mapping_result.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::types::public_url::PublicUrl;
    use crate::web::ui::layout::Layout;
    use crate::web::{Pages, Samples};

    #[test]
    fn the_part_renders_in_each_of_its_states() {
        let pages = Pages::load(&PublicUrl::parse("https://sms.example.com").unwrap()).unwrap();
        let visit = Layout::sample();
        let render = |page: &MappingResult| pages.render(page, &visit).unwrap();
        let html: Vec<String> = MappingResult::samples().iter().map(render).collect();
        let said = ["Records “", "No phone number here.", "Would be rejected", "not valid JSON"];
        for (html, words) in html.iter().zip(said) {
            assert!(html.contains(words) && html.contains("<hx-partial"), "{words}: {html}");
            assert!(!html.contains("<html") && !html.contains("<b>"), "{html}");
        }
        assert_eq!(html.len(), said.len());
    }
}
