//! How the text of a new action reads, and what can be inserted into it. The open page updates it
//! while the user types.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::action_form::ActionForm;
use super::sample_paths::{SamplePath, paths_of};
use crate::events::{self, Event};
use crate::sources::{self, SourceKind};
use crate::templates::{BodyPiece, TemplateBody, body_pieces};
use crate::types::id::SourceId;
use crate::web::{Form, Marketer, Page, PageResult, Visit};

/// How many of the source's newest events are searched for one of this name.
pub(super) const MAX_EVENTS: i64 = 200;
/// The largest number of properties that are offered.
const MAX_OFFERED: usize = 30;

/// The text of an action with its variables as chips.
#[derive(Debug, Default, Serialize)]
pub(super) struct ShownAction {
    pieces: Vec<BodyPiece>,
    /// Why the text cannot be saved.
    problem: Option<String>,
    /// What would be sent as it is written.
    warnings: Vec<String>,
    /// When the newest event of this name arrived, if one has.
    event_at: Option<DateTime<Utc>>,
    /// The properties of that event.
    properties: Vec<InsertableValue>,
    /// The values of the contact.
    contact: &'static [&'static str],
}

/// A value of an event, with how it is written in a text.
#[derive(Debug, Serialize)]
struct InsertableValue {
    write: String,
    value: String,
}

/// The part of the page that is updated while the user types.
#[derive(Debug, Serialize)]
pub(super) struct NewActionPreview {
    shown: ShownAction,
}

/// Renders the part for the input.
pub(super) async fn show(
    visit: Visit<Marketer>,
    id: Path<SourceId>,
    form: Form<ActionForm>,
) -> PageResult {
    let mut conn = visit.conn().await?;
    let source = sources::find(&mut conn, *id).await?;
    let recent = events::recent_of_source(&mut conn, *id, MAX_EVENTS).await?;
    drop(conn);
    let shown = ShownAction::new(&form, source.kind, &recent);
    visit.page(&NewActionPreview { shown })
}

impl ShownAction {
    pub(super) fn new(form: &ActionForm, kind: SourceKind, recent: &[Event]) -> Self {
        let body = form.body.replace("\r\n", "\n");
        let parsed = TemplateBody::parse(&body);
        let is_blank = body.trim().is_empty();
        let name = form.event_name.trim();
        let newest = recent.iter().find(|event| event.name.as_str() == name);
        let properties = newest.map(|event| InsertableValue::all(&event.properties));
        Self {
            pieces: if is_blank { Vec::new() } else { body_pieces(&body) },
            warnings: parsed.as_ref().map(TemplateBody::warnings).unwrap_or_default(),
            problem: parsed.err().filter(|_| !is_blank).map(|error| error.to_string()),
            event_at: newest.map(|event| event.received_at),
            properties: properties.unwrap_or_default(),
            contact: match kind {
                SourceKind::Segment => {
                    &["{{$.traits.firstName}}", "{{$.traits.lastName}}", "{{$.traits.email}}"]
                }
                SourceKind::Webhook => {
                    &["{{contact.first_name}}", "{{contact.last_name}}", "{{contact.email}}"]
                }
            },
        }
    }
}

impl InsertableValue {
    /// The properties that a text can name; elements of lists are left out.
    fn all(properties: &Value) -> Vec<Self> {
        let plain = paths_of(properties, &Value::Null).into_iter().filter_map(|path| {
            let SamplePath { path, value } = path;
            let name = path.strip_prefix("$.").filter(|name| !name.contains('['))?;
            Some(Self { write: format!("{{{{$.properties.{name}}}}}"), value })
        });
        plain.take(MAX_OFFERED).collect()
    }
}

impl Page for NewActionPreview {
    const TEMPLATE: &'static str = "ui/sources/_new_action_preview.html";
}

#[cfg(debug_assertions)]
#[path = "samples/new_action_preview.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::types::public_url::PublicUrl;
    use crate::web::ui::layout::Layout;
    use crate::web::{Pages, Samples};

    #[test]
    fn the_part_renders_in_each_of_its_states() {
        let pages = Pages::load(&PublicUrl::parse("https://sms.example.com").unwrap()).unwrap();
        let visit = Layout::sample();
        let render = |page: &NewActionPreview| pages.render(page, &visit).unwrap();
        let html: Vec<String> = NewActionPreview::samples().iter().map(render).collect();
        assert!(html[0].contains("Write a text"), "{}", html[0]);
        assert!(html[1].contains("class=\"var\">order_id</bdi>"), "{}", html[1]);
        assert!(
            html[1].contains("{{$.properties.note}}") && !html[1].contains("<b>"),
            "{}",
            html[1]
        );
        assert!(html[2].contains("has no properties"), "{}", html[2]);
    }

    #[test]
    fn the_properties_of_an_event_are_offered_as_they_are_written() {
        let properties = json!({ "order": { "id": "A-17" }, "items": [1], "a b": 2, "total": 3 });
        let offered: Vec<(String, String)> = InsertableValue::all(&properties)
            .into_iter()
            .map(|one| (one.write, one.value))
            .collect();
        let pair = |write: &str, value: &str| (write.to_owned(), value.to_owned());
        assert_eq!(offered.len(), 2);
        assert!(offered.contains(&pair("{{$.properties.order.id}}", "A-17")));
        assert!(offered.contains(&pair("{{$.properties.total}}", "3")));
    }
}
