//! The chips above the list: each active filter as text, with a link that removes it.

use serde::Serialize;

use super::list_query::path_of;
use crate::ledger::outcome::Outcome;
use crate::messages::log::filter::Within;
use crate::messages::log::query_parameters::MessageQuery;
use crate::messages::message::Direction;
use crate::messages::status::MessageStatus;
use crate::twilio::error_codes;
use crate::web::http::template_filters::shown_address;
use crate::web::ui::Choice;
use crate::web::ui::ledger::cause_text;

/// An active filter.
#[derive(Debug, Serialize)]
pub(super) struct FilterChip {
    label: &'static str,
    value: String,
    /// The path of the page about the filtered value.
    link: Option<String>,
    /// The path of the list without this filter.
    without: String,
    /// Whether the value is a day, so that the page names the time zone.
    is_day: bool,
}

/// The names of the values to choose from.
#[derive(Debug, Default)]
pub(super) struct FilterNames<'a> {
    pub(super) automations: &'a [Choice],
    pub(super) templates: &'a [Choice],
    pub(super) senders: &'a [Choice],
    /// The name of the contact, if the list is filtered by one.
    pub(super) contact: Option<&'a str>,
}

impl FilterChip {
    /// The chips of all active filters.
    pub(super) fn all(query: &MessageQuery, names: &FilterNames<'_>) -> Vec<Self> {
        let chip = |(name, value): (&'static str, &str)| {
            let (label, value, link) = describe(name, value, names);
            Self {
                label,
                value,
                link,
                without: path_of(&query.without(name)),
                is_day: name == "from_day" || name == "to_day",
            }
        };
        query.chosen().map(chip).collect()
    }
}

fn describe(
    name: &str,
    value: &str,
    names: &FilterNames<'_>,
) -> (&'static str, String, Option<String>) {
    let choice_label = |choices: &[Choice]| {
        choices
            .iter()
            .find(|choice| choice.value == value)
            .map_or_else(|| "another one".to_owned(), |choice| choice.label.clone())
    };
    let page = |path: &str| {
        Some(format!(
            "/{path}/{}",
            url::form_urlencoded::byte_serialize(value.as_bytes()).collect::<String>()
        ))
    };
    match name {
        "text" => ("Text", format!("“{value}”"), None),
        "status" => ("Status", exact_status(value), None),
        "outcome" => (
            "Status",
            value
                .parse()
                .map_or_else(|_| value.to_owned(), |outcome: Outcome| outcome.word().to_owned()),
            None,
        ),
        "within" => (
            "Time",
            value
                .parse()
                .map_or_else(|_| value.to_owned(), |within: Within| within.label().to_owned()),
            None,
        ),
        "from_day" => ("From", value.to_owned(), None),
        "to_day" => ("Up to", value.to_owned(), None),
        "reason" => ("Reason", cause_text(None, Some(value)), None),
        "direction" => (
            "Direction",
            value
                .parse()
                .map_or_else(|_| value.to_owned(), |way: Direction| direction_word(way).to_owned()),
            None,
        ),
        "automation_id" if value == "none" => ("Automation", "None".to_owned(), None),
        "automation_id" => ("Automation", choice_label(names.automations), page("automations")),
        "template_id" => ("Template", choice_label(names.templates), page("templates")),
        "sender_id" => ("Sender", choice_label(names.senders), None),
        "error_code" => {
            let title = value.parse().map_or_else(
                |_| value.to_owned(),
                |code| format!("{code}: {}", error_codes::lookup(code).title),
            );
            ("Error", title, None)
        }
        "to" => ("To", shown_address(value), None),
        "contact_id" => {
            ("Contact", names.contact.unwrap_or("one contact").to_owned(), page("contacts"))
        }
        _ => ("Enrollment", "one".to_owned(), page("enrollments")),
    }
}

/// A status as Twilio names it, after its word if that differs: `On the way (queued)`.
pub(super) fn exact_status(value: &str) -> String {
    let exact = value.replace('_', " ");
    match value.parse::<MessageStatus>() {
        Ok(status) if status.word().eq_ignore_ascii_case(&exact) => status.word().to_owned(),
        Ok(status) => format!("{} ({exact})", status.word()),
        Err(_) => exact,
    }
}

/// The word for a direction.
pub(super) const fn direction_word(direction: Direction) -> &'static str {
    match direction {
        Direction::Outbound => "Sent",
        Direction::Inbound => "Received",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_filter_has_a_text_and_can_be_removed() {
        let query = MessageQuery {
            status: "failed".to_owned(),
            error_code: "30003".to_owned(),
            within: "day".to_owned(),
            automation_id: "7".to_owned(),
            ..MessageQuery::default()
        };
        let automations = [Choice::new("7", "Thanks")];
        let chips = FilterChip::all(
            &query,
            &FilterNames { automations: &automations, ..FilterNames::default() },
        );
        let texts: Vec<(&str, &str)> =
            chips.iter().map(|chip| (chip.label, chip.value.as_str())).collect();
        assert_eq!(
            texts[..3],
            [
                ("Status", "Not delivered (failed)"),
                ("Time", "Last 24 hours"),
                ("Automation", "Thanks")
            ]
        );
        assert!(texts[3].1.starts_with("30003: "));
        assert_eq!(chips[0].without, "/messages?within=day&automation_id=7&error_code=30003");
        assert_eq!(chips[2].link.as_deref(), Some("/automations/7"));
    }
}
