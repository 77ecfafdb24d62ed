//! The results of a search as links, in groups. The page and the palette show the same.

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::destinations::{ACTIONS, Destination, PAGES};
use crate::automations::{AutomationMatch, AutomationStatus};
use crate::connections::Connection;
use crate::contacts::Contact;
use crate::messages::log::filter::Words;
use crate::messages::message::Direction;
use crate::search::{Found, FoundEnrollment, FoundMessage, SearchText};
use crate::senders::Sender;
use crate::templates::TemplateMatch;
use crate::twilio::error_codes;
use crate::types::id::MessageId;
use crate::users::Role;
use crate::web::http::template_filters::{sentence_case, shown_address};

/// The largest number of pages, and of actions, among other results.
const MAX_DESTINATIONS: usize = 5;
/// The fewest characters with which pages and actions come before everything else.
const MIN_OF_COMMAND: usize = 2;

/// The results of a search.
#[derive(Debug, Default, Serialize)]
pub(super) struct SearchResults {
    groups: Vec<HitGroup>,
    /// The number of results in words, for screen readers and above the results of the page.
    summary: String,
    /// What else to type, if that is necessary.
    hint: Option<&'static str>,
    /// Why the text cannot be searched for.
    problem: Option<&'static str>,
    /// Whether nothing was found; the groups may still lead to other searches.
    nothing: bool,
}

/// Results of one kind.
#[derive(Debug, Serialize)]
pub(super) struct HitGroup {
    heading: &'static str,
    hits: Vec<SearchHit>,
}

/// A link to a result.
#[derive(Debug, Serialize)]
pub(super) struct SearchHit {
    icon: &'static str,
    label: String,
    /// What tells it from others with the same label.
    detail: Option<String>,
    /// When it happened.
    at: Option<DateTime<Utc>>,
    path: String,
}

impl SearchResults {
    /// Without a text: all pages and actions of a role.
    pub(super) fn of_blank(role: Role) -> Self {
        let mut results = Self::default();
        results.add("Actions", destinations(ACTIONS, role));
        results.add("Go to", destinations(PAGES, role));
        results.summary = format!("{} pages and actions", results.count());
        results
    }

    /// For a text that cannot be searched for.
    pub(super) fn of_problem(problem: &'static str) -> Self {
        Self { problem: Some(problem), summary: problem.to_owned(), ..Self::default() }
    }

    /// For a text, with what was found.
    pub(super) fn of(found: Found, text: &SearchText, role: Role) -> Self {
        let typed = text.as_str();
        let matching = |all: &'static [Destination]| {
            let of_role = all.iter().filter(|one| one.is_for(role));
            let mut found: Vec<&Destination> = of_role.filter(|one| one.matches(typed)).collect();
            found.sort_by_key(|one| !one.begins_with(typed));
            found.truncate(MAX_DESTINATIONS);
            found
        };
        let (actions, pages) = (matching(ACTIONS), matching(PAGES));
        let begins = |all: &[&Destination]| all.iter().any(|one| one.begins_with(typed));
        let is_page = begins(&pages) && !begins(&actions);
        let is_command = typed.chars().count() >= MIN_OF_COMMAND && (is_page || begins(&actions));
        let (actions, pages) = (("Actions", links(&actions)), ("Go to", links(&pages)));
        let destinations = if is_page { [pages, actions] } else { [actions, pages] };
        let (first, last) =
            if is_command { (Some(destinations), None) } else { (None, Some(destinations)) };
        let mut results = Self::default();
        for (heading, hits) in first.into_iter().flatten() {
            results.add(heading, hits);
        }
        let (continues_at, has_more_contacts) = (found.continue_before, found.has_more_contacts);
        let contacts = found.contacts.iter().map(SearchHit::of_contact).collect();
        results.add("Contacts", contacts);
        results.add("Messages", found.messages.iter().map(SearchHit::of_message).collect());
        results.add("Messages", SearchHit::of_message_filters(text));
        results.add("Enrollments", found.enrollments.into_iter().map(SearchHit::from).collect());
        results.add("Automations", found.automations.into_iter().map(SearchHit::from).collect());
        results.add("Templates", found.templates.into_iter().map(SearchHit::from).collect());
        let senders = found.senders.iter().map(SearchHit::of_sender);
        let connections = found.connections.into_iter().map(SearchHit::from);
        results.add("Connections and senders", connections.chain(senders).collect());
        for (heading, hits) in last.into_iter().flatten() {
            results.add(heading, hits);
        }
        let count = results.count();
        results.nothing = count == 0;
        results.summary = match count {
            0 => "No results".to_owned(),
            1 => "1 result".to_owned(),
            count => format!("{count} results"),
        };
        results.hint = text
            .is_short_number()
            .then_some("Type at least 3 digits to find a phone number.")
            .filter(|_| results.nothing);
        results.add("Search in", other_searches(text, has_more_contacts, continues_at));
        results
    }

    fn count(&self) -> usize {
        self.groups.iter().map(|group| group.hits.len()).sum()
    }

    /// Adds results to a group, which is left out if it has none.
    fn add(&mut self, heading: &'static str, hits: Vec<SearchHit>) {
        if hits.is_empty() {
            return;
        }
        match self.groups.iter_mut().find(|group| group.heading == heading) {
            Some(group) => group.hits.extend(hits),
            None => self.groups.push(HitGroup { heading, hits }),
        }
    }
}

fn destinations(all: &'static [Destination], role: Role) -> Vec<SearchHit> {
    all.iter().filter(|one| one.is_for(role)).map(SearchHit::from).collect()
}

fn links(all: &[&Destination]) -> Vec<SearchHit> {
    all.iter().map(|one| SearchHit::from(*one)).collect()
}

/// The lists in which the same text can be searched for, and the older messages of a SID.
fn other_searches(
    text: &SearchText,
    has_more_contacts: bool,
    continues_at: Option<MessageId>,
) -> Vec<SearchHit> {
    let typed = text.as_str();
    let mut searches = Vec::new();
    if has_more_contacts {
        let path = link("/contacts", &[("q", typed)]);
        searches.push(SearchHit::new("search", format!("All contacts with “{typed}”"), path));
    }
    if let Some(before) = continues_at {
        let path = link("/search", &[("q", typed), ("before", &before.to_string())]);
        let older = SearchHit::new("search", "Older messages".to_owned(), path);
        searches.push(SearchHit { at: Some(before.time()), ..older });
    }
    let is_exact = text.id().is_some() || text.message_sid().is_some();
    if !is_exact && Words::parse(typed).is_ok() {
        let path = link("/messages", &[("text", typed)]);
        searches.push(SearchHit::new("search", format!("Messages that say “{typed}”"), path));
    }
    searches
}

impl SearchHit {
    fn new(icon: &'static str, label: String, path: String) -> Self {
        Self { icon, label, detail: None, at: None, path }
    }

    fn of_contact(contact: &Contact) -> Self {
        let number = contact.phone.international();
        let name = contact.full_name();
        Self {
            detail: name.is_some().then(|| number.clone()),
            ..Self::new("user", name.unwrap_or(number), format!("/contacts/{}", contact.id))
        }
    }

    fn of_message(found: &FoundMessage) -> Self {
        let message = &found.message;
        let who = found.contact.as_ref().map(Contact::label);
        let who = who.or_else(|| message.their_address().map(shown_address));
        let label = match (message.direction, who) {
            (Direction::Inbound, Some(who)) => format!("Message from {who}"),
            (Direction::Inbound, None) => "Inbound message".to_owned(),
            (Direction::Outbound, Some(who)) => format!("Message to {who}"),
            (Direction::Outbound, None) => "Message without a recipient".to_owned(),
        };
        Self {
            detail: Some(message.status.word().to_owned()),
            at: Some(message.created_at),
            ..Self::new("message-square", label, format!("/messages/{}", message.id))
        }
    }

    /// The lists of messages to a number, or with a known error code.
    fn of_message_filters(text: &SearchText) -> Vec<Self> {
        let mut lists = Vec::new();
        if let Some(phone) = text.phone() {
            let path = link("/messages", &[("to", phone.as_str())]);
            let label = format!("Messages to {}", phone.international());
            lists.push(Self::new("message-square", label, path));
        }
        let code = text.as_str().parse::<i32>().ok();
        if let Some(error) = error_codes::all().iter().find(|error| Some(error.code) == code) {
            let path = link("/messages", &[("error_code", text.as_str())]);
            let label = format!("Messages with error {}", error.code);
            let detail = Some(error.title.to_owned());
            lists.push(Self { detail, ..Self::new("message-square", label, path) });
        }
        lists
    }

    fn of_sender(sender: &Sender) -> Self {
        let path = format!("/connections/{}", sender.connection_id);
        Self { detail: Some("Sender".to_owned()), ..Self::new("phone", sender.label(), path) }
    }
}

impl From<&Destination> for SearchHit {
    fn from(destination: &Destination) -> Self {
        let (label, path) = (destination.label.to_owned(), destination.path.to_owned());
        Self::new(destination.icon, label, path)
    }
}

impl From<FoundEnrollment> for SearchHit {
    fn from(found: FoundEnrollment) -> Self {
        let path = format!("/enrollments/{}", found.id);
        Self { detail: found.automation, ..Self::new("workflow", "Enrollment".to_owned(), path) }
    }
}

impl From<AutomationMatch> for SearchHit {
    fn from(found: AutomationMatch) -> Self {
        let detail = match found.status {
            _ if found.archived_at.is_some() => Some("Archived".to_owned()),
            AutomationStatus::Active => None,
            status => Some(sentence_case(status.as_str())),
        };
        let path = format!("/automations/{}", found.id);
        Self { detail, ..Self::new("workflow", found.name, path) }
    }
}

impl From<TemplateMatch> for SearchHit {
    fn from(found: TemplateMatch) -> Self {
        let detail = found.archived_at.map(|_| "Archived".to_owned());
        let path = format!("/templates/{}", found.id);
        Self { detail, ..Self::new("file-text", found.name, path) }
    }
}

impl From<Connection> for SearchHit {
    fn from(found: Connection) -> Self {
        let path = format!("/connections/{}", found.id);
        Self { detail: Some("Connection".to_owned()), ..Self::new("plug", found.name, path) }
    }
}

fn link(path: &str, query: &[(&str, &str)]) -> String {
    let query = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(query).finish();
    format!("{path}?{query}")
}

#[cfg(debug_assertions)]
#[path = "samples/results.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(found: Found, typed: &str, role: Role) -> Vec<(&'static str, Vec<String>)> {
        let text = SearchText::parse(typed, None).unwrap().unwrap();
        let groups = SearchResults::of(found, &text, role).groups.into_iter();
        let labels = |group: HitGroup| group.hits.into_iter().map(|hit| hit.label).collect();
        groups.map(|group| (group.heading, labels(group))).collect()
    }

    #[test]
    fn a_command_comes_first_and_needs_its_role() {
        let automation = AutomationMatch {
            id: crate::types::id::AutomationId::new(),
            name: "New customers".to_owned(),
            status: AutomationStatus::Active,
            archived_at: None,
        };
        let found = Found { automations: vec![automation], ..Found::default() };
        let groups = labels(found.clone(), "new", Role::Marketer);
        assert_eq!(groups[0].0, "Actions");
        assert_eq!(groups[0].1, ["New contact", "New template", "New automation"]);
        assert_eq!(groups[1], ("Automations", vec!["New customers".to_owned()]));
        assert_eq!(labels(found, "new", Role::Viewer)[0].0, "Automations");
    }

    #[test]
    fn what_begins_with_the_text_comes_before_what_contains_it() {
        let groups = labels(Found::default(), "messages", Role::Admin);
        assert_eq!(groups[0].0, "Go to");
        assert_eq!(groups[0].1, ["Messages", "Views of messages"]);
        assert_eq!(groups[1].1, ["Resend undelivered messages"]);
        let groups = labels(Found::default(), "con", Role::Admin);
        assert_eq!(groups[0].1, ["Connect Twilio", "New contact"]);
        assert_eq!(groups[1].1[..2], ["Contacts", "Connection Center"]);
    }

    #[test]
    fn an_error_code_leads_to_its_messages() {
        let groups = labels(Found::default(), "30003", Role::Viewer);
        assert_eq!(groups[0], ("Messages", vec!["Messages with error 30003".to_owned()]));
    }

    #[test]
    fn a_search_without_results_leads_to_the_texts_of_messages() {
        let text = SearchText::parse("xyzzy", None).unwrap().unwrap();
        let results = SearchResults::of(Found::default(), &text, Role::Admin);
        assert!(results.nothing);
        assert_eq!((results.summary.as_str(), results.groups.len()), ("No results", 1));
        assert_eq!(results.groups[0].hits[0].path, "/messages?text=xyzzy");
    }
}
