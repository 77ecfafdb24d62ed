//! Triggers: what starts an automation for a contact.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

use super::condition::Conditions;
use crate::contacts::tags::TagName;
use crate::error::FieldErrors;
use crate::events::{self, EventName};
use crate::types::id::SourceId;
use crate::types::json_object_reader::ObjectReader;
use crate::types::mistake::{self, Mistake};

/// Upper bound of `max_age_seconds`: ten years.
const LONGEST_MAX_AGE: u32 = 315_360_000;

/// What starts an automation; a name or tag is none only in a draft.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Trigger {
    /// An event of this name is reported, and all conditions hold for its properties.
    Event {
        /// The event's name, exactly as it is reported.
        #[schema(value_type = Option<String>)]
        name: Option<EventName>,
        /// Only events that this source reports; those of all sources and of the API if it is left
        /// out.
        #[serde(skip_serializing_if = "Option::is_none")]
        #[schema(value_type = Option<String>)]
        source_id: Option<SourceId>,
        /// Property → value (equal), → `{op, value}` or → a list of those;
        /// `op` is `eq`, `ne`, `gt`, `gte`, `lt`, `lte`, `contains` or `exists`.
        #[serde(rename = "where", skip_serializing_if = "Conditions::is_empty")]
        #[schema(value_type = Object)]
        conditions: Conditions,
        /// How long ago the event may have happened, in seconds, 1 to 315,360,000 (ten years);
        /// 86,400 (a day) unless told otherwise. An older one, and one more than five minutes in
        /// the future, is recorded and starts nothing.
        #[serde(skip_serializing_if = "Option::is_none")]
        max_age_seconds: Option<u32>,
    },
    /// A contact gets this tag, which it did not have.
    TagAdded {
        /// The tag, in upper or lower case.
        #[schema(value_type = Option<String>)]
        tag: Option<TagName>,
    },
    /// A contact is created, in whatever way.
    ContactCreated,
}

impl Trigger {
    /// Parses the JSON form; errors are added under `path`. Omitted fields become `None`; see
    /// [`Self::note_missing`].
    pub fn parse(path: &str, value: &Value, errors: &mut FieldErrors) -> Option<Self> {
        let mut reader = ObjectReader::open(
            path,
            value,
            "{\"type\": \"event\", \"name\": \"order_completed\"}",
            errors,
        )?;
        match reader.kind("type", &["event", "tag_added", "contact_created"])? {
            "event" => {
                reader.only(&["type", "name", "source_id", "where", "max_age_seconds"]);
                let name = reader.text("name", EventName::parse);
                let source_id = reader.text("source_id", |text| mistake::id(text, "source"));
                let path = reader.path_of("where");
                let conditions = match reader.value("where") {
                    Some(wanted) => Conditions::parse(&path, wanted, reader.errors()),
                    None => Conditions::default(),
                };
                let max_age_seconds = reader.value("max_age_seconds").and_then(|age| {
                    let path = reader.path_of("max_age_seconds");
                    reader.errors().check(&path, parse_max_age(age.as_u64()))
                });
                Some(Self::Event { name, source_id, conditions, max_age_seconds })
            }
            "tag_added" => {
                reader.only(&["type", "tag"]);
                Some(Self::TagAdded { tag: reader.text("tag", TagName::existing) })
            }
            _ => {
                reader.only(&["type"]);
                Some(Self::ContactCreated)
            }
        }
    }

    /// Adds errors for conditions that no event can meet; stored automations may have them.
    pub fn note_impossible(&self, path: &str, errors: &mut FieldErrors) {
        if let Self::Event { conditions, .. } = self {
            conditions.note_impossible(&format!("{path}.where"), errors);
        }
    }

    /// Adds errors for what only a draft may omit.
    pub fn note_missing(&self, path: &str, errors: &mut FieldErrors) {
        match self {
            Self::Event { name: None, .. } => {
                errors.add(
                    &format!("{path}.name"),
                    Mistake::Missing.with_hint("Name the event that starts it."),
                );
            }
            Self::TagAdded { tag: None } => errors.add(
                &format!("{path}.tag"),
                Mistake::Missing.with_hint("Name the tag that starts it."),
            ),
            _ => {}
        }
    }

    /// Whether an event reported at `now` starts the automation.
    #[must_use]
    pub fn matches_event(
        &self,
        event_name: &EventName,
        reported_by: Option<SourceId>,
        properties: &Value,
        occurred_at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> bool {
        match self {
            Self::Event { name: Some(name), source_id, conditions, max_age_seconds } => {
                name == event_name
                    && source_id.is_none_or(|source_id| reported_by == Some(source_id))
                    && events::is_within(
                        occurred_at,
                        now,
                        max_age_seconds.unwrap_or(events::MAX_AGE_SECONDS),
                    )
                    && conditions.hold(properties)
            }
            _ => false,
        }
    }

    /// The source whose events alone start the automation, if it is limited to one.
    #[must_use]
    pub const fn source_id(&self) -> Option<SourceId> {
        match self {
            Self::Event { source_id, .. } => *source_id,
            Self::TagAdded { .. } | Self::ContactCreated => None,
        }
    }

    /// Whether adding a tag starts the automation; tags are case-insensitive.
    #[must_use]
    pub fn matches_tag(&self, added: &TagName) -> bool {
        match self {
            Self::TagAdded { tag: Some(tag) } => tag == added,
            _ => false,
        }
    }

    /// Whether a new contact starts the automation.
    #[must_use]
    pub const fn matches_contact_created(&self) -> bool {
        matches!(self, Self::ContactCreated)
    }
}

/// Parses the maximum age of an event; the error names the allowed range.
pub fn parse_max_age(seconds: Option<u64>) -> Result<u32, String> {
    seconds
        .and_then(|seconds| u32::try_from(seconds).ok())
        .filter(|seconds| (1..=LONGEST_MAX_AGE).contains(seconds))
        .ok_or_else(|| {
            "This must be a whole number of seconds, from 1 to 315,360,000 (ten years).".to_owned()
        })
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde_json::json;

    use super::*;

    fn parse(value: &Value) -> Result<Trigger, String> {
        let mut errors = FieldErrors::default();
        let trigger = Trigger::parse("trigger", value, &mut errors);
        if errors.is_empty() { Ok(trigger.unwrap()) } else { Err(errors.to_string()) }
    }

    #[test]
    fn each_kind_survives_a_round_trip() {
        for value in [
            json!({"type": "event", "name": "order_completed"}),
            json!(
                {
                    "type": "event",
                    "name": "order_completed",
                    "where": {"country": "DE", "total": {"op": "gt", "value": 5}}
                }
            ),
            json!({"type": "event", "name": "order_completed", "max_age_seconds": 604_800}),
            json!({"type": "event", "name": "order_completed", "source_id": SourceId::new()}),
            json!({"type": "tag_added", "tag": "VIP"}),
            json!({"type": "contact_created"}),
        ] {
            assert_eq!(serde_json::to_value(parse(&value).unwrap()).unwrap(), value);
        }
    }

    #[test]
    fn an_event_matches_by_name_and_conditions() {
        let trigger =
            parse(&json!({"type": "event", "name": "order", "where": {"vip": true}})).unwrap();
        let order = EventName::parse("order").unwrap();
        let now = DateTime::UNIX_EPOCH;
        assert!(trigger.matches_event(&order, None, &json!({"vip": true}), now, now));
        assert!(!trigger.matches_event(&order, None, &json!({"vip": false}), now, now));
        assert!(!trigger.matches_event(
            &EventName::parse("Order").unwrap(),
            None,
            &json!({"vip": true}),
            now,
            now
        ));
        assert!(!trigger.matches_contact_created());
    }

    #[test]
    fn a_trigger_of_one_source_ignores_the_events_of_others() {
        let (shop, other) = (SourceId::new(), SourceId::new());
        let order = EventName::parse("order").unwrap();
        let now = DateTime::UNIX_EPOCH;
        let of_shop = parse(&json!({"type": "event", "name": "order", "source_id": shop})).unwrap();
        let of_all = parse(&json!({"type": "event", "name": "order"})).unwrap();
        for (reported_by, starts) in [(Some(shop), true), (Some(other), false), (None, false)] {
            assert_eq!(of_shop.matches_event(&order, reported_by, &json!({}), now, now), starts);
            assert!(of_all.matches_event(&order, reported_by, &json!({}), now, now));
        }
        assert_eq!((of_shop.source_id(), of_all.source_id()), (Some(shop), None));
        assert_eq!(
            parse(&json!({"type": "event", "name": "order", "source_id": "7"})).unwrap_err(),
            "trigger.source_id: This is not the id of a source."
        );
    }

    #[test]
    fn an_event_starts_only_while_it_is_recent_or_as_the_trigger_allows() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let starts = |trigger: Value, age: TimeDelta| {
            parse(&trigger).unwrap().matches_event(
                &EventName::parse("order").unwrap(),
                None,
                &json!({}),
                now - age,
                now,
            )
        };
        let usual = || json!({"type": "event", "name": "order"});
        assert!(starts(usual(), TimeDelta::hours(24)) && starts(usual(), TimeDelta::minutes(-5)));
        assert!(!starts(usual(), TimeDelta::hours(25)) && !starts(usual(), TimeDelta::minutes(-6)));
        let patient = || json!({"type": "event", "name": "order", "max_age_seconds": 7 * 86_400});
        assert!(
            starts(patient(), TimeDelta::days(7))
                && !starts(patient(), TimeDelta::days(8))
                && !starts(patient(), TimeDelta::minutes(-6))
        );
        assert!(!starts(
            json!({"type": "event", "name": "order", "max_age_seconds": 60}),
            TimeDelta::hours(1)
        ));
    }

    #[test]
    fn a_tag_matches_in_upper_and_lower_case() {
        let trigger = parse(&json!({"type": "tag_added", "tag": "Größe"})).unwrap();
        assert!(trigger.matches_tag(&TagName::parse("GRÖßE").unwrap()));
        assert!(!trigger.matches_tag(&TagName::parse("Grösse2").unwrap()));
    }

    #[test]
    fn what_a_draft_leaves_open_matches_nothing_and_is_named() {
        let trigger = parse(&json!({"type": "event"})).unwrap();
        assert!(!trigger.matches_event(
            &EventName::parse("order").unwrap(),
            None,
            &json!({}),
            DateTime::UNIX_EPOCH,
            DateTime::UNIX_EPOCH
        ));
        let mut errors = FieldErrors::default();
        trigger.note_missing("trigger", &mut errors);
        assert_eq!(
            errors.to_string(),
            "trigger.name: This field is required. Name the event that starts it."
        );
    }

    #[test]
    fn a_date_that_no_event_can_fit_is_noted_and_still_read_from_what_was_stored() {
        let trigger = parse(&json!(
            {
                "type": "event",
                "name": "a",
                "where": {"ends_at": {"op": "lt", "value": "9999-12-31"}}
            }
        ))
        .unwrap();
        let mut errors = FieldErrors::default();
        trigger.note_impossible("trigger", &mut errors);
        assert!(
            errors
                .to_string()
                .starts_with("trigger.where.ends_at: No event can match: the year 9999 "),
            "{errors}"
        );
    }

    #[test]
    fn errors_name_the_path_and_what_is_possible() {
        assert!(
            parse(&json!("event"))
                .unwrap_err()
                .starts_with("trigger: This must be an object. Write it like")
        );
        assert!(
            parse(&json!({}))
                .unwrap_err()
                .starts_with("trigger.type: This field is required. Use one of: event,")
        );
        assert!(
            parse(&json!({"type": "webhook"}))
                .unwrap_err()
                .starts_with("trigger.type: Unknown: “webhook”. Use one of: event,")
        );
        assert!(
            parse(&json!({"type": "contact_created", "tag": "x"}))
                .unwrap_err()
                .starts_with("trigger.tag: ")
        );
        assert!(
            parse(&json!({"type": "event", "name": 5}))
                .unwrap_err()
                .starts_with("trigger.name: This must be text")
        );
        assert!(
            parse(&json!({"type": "event", "name": "a", "where": 5}))
                .unwrap_err()
                .starts_with("trigger.where: ")
        );
        for age in [json!(0), json!(-1), json!(1.5), json!("day"), json!(315_360_001)] {
            let error =
                parse(&json!({"type": "event", "name": "a", "max_age_seconds": age})).unwrap_err();
            assert!(error.starts_with("trigger.max_age_seconds: "), "{error}");
        }
    }
}
