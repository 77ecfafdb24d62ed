//! The list of messages, with its filters and the views that people keep.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::chips::{Chip, Names, sentence_case};
use super::list_query::{ContactScope, MessageListQuery, path_of};
use super::live;
use super::rows::{MessageListRow, rows};
use crate::contacts::{self, Contact};
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::ledger::outcome::Outcome;
use crate::ledger::typed_days::Today;
use crate::messages::log::filter::{MessageFilter, Within};
use crate::messages::log::query::MessageQuery;
use crate::messages::log::search::{MessagePosition, Part, look};
use crate::messages::log::views::{self, View};
use crate::messages::message::Direction;
use crate::messages::status::MessageStatus;
use crate::twilio::errors;
use crate::types::id::{ContactId, MessageId};
use crate::users::organization::Organization;
use crate::web::ui::Choice;
use crate::web::{Page, PageResult, Query, Viewer, Visit};
use crate::{automations, senders, templates};

const ROWS: usize = 50;
/// More choices than this are not offered; messages of the others can still be reached from their
/// pages.
const CHOICES: i64 = 500;

/// The list.
#[derive(Debug, Default, Serialize)]
pub(in crate::web) struct MessageListPage {
    wanted: MessageListQuery,
    /// The filter, field by field.
    chosen: Vec<Choice>,
    /// The filter as the query of a link.
    query: String,
    chips: Vec<Chip>,
    particular: bool,
    errors: FieldErrors,
    statuses: Vec<Choice>,
    outcomes: Vec<Choice>,
    directions: Vec<Choice>,
    times: Vec<Choice>,
    codes: Vec<Choice>,
    automations: Vec<Choice>,
    templates: Vec<Choice>,
    senders: Vec<Choice>,
    /// Those of whom one is meant.
    people: Vec<Person>,
    views: Vec<ViewLink>,
    /// Whether the filter could be kept as a view.
    unsaved: bool,
    /// The name that was typed for it.
    name: String,
    /// Whether something is wrong with the filter itself.
    unusable: bool,
    rows: Vec<MessageListRow>,
    newer: Option<String>,
    older: Option<String>,
    looked_back_to: Option<DateTime<Utc>>,
    /// What tells of changes.
    live: Option<String>,
}

/// Somebody whose messages may be meant.
#[derive(Debug, Serialize)]
struct Person {
    name: Option<String>,
    phone: String,
    path: String,
}

/// A view that is kept.
#[derive(Debug, Serialize)]
struct ViewLink {
    name: String,
    path: String,
    current: bool,
}

pub(super) async fn list(visit: Visit<Viewer>, wanted: Query<MessageListQuery>) -> PageResult {
    let wanted = wanted.into_inner();
    let mut conn = visit.conn().await?;
    let page = match wanted.whose(&mut conn, visit.organization.default_country).await? {
        ContactScope::These(query) => return visit.redirect(path_of(&query)).silently(),
        ContactScope::Any => {
            MessageListPage::load(
                &mut conn,
                wanted,
                &visit.organization,
                visit.now(),
                FieldErrors::default(),
            )
            .await?
        }
        ContactScope::OneOf(people) => {
            let errors =
                FieldErrors::default().with("contact", "Several contacts fit. Choose one below.");
            MessageListPage {
                people: Person::all(&people, &wanted.query),
                ..MessageListPage::choices(&mut conn, wanted, errors).await?
            }
        }
        ContactScope::None => {
            let errors = FieldErrors::default()
                .with("contact", "No contact fits. Enter the beginning of a name, or a number.");
            MessageListPage::choices(&mut conn, wanted, errors).await?
        }
    };
    drop(conn);
    visit.page(&page)
}

impl MessageListPage {
    /// The page with its rows, if the filter can be used and nothing else is wrong with it.
    pub(super) async fn load(
        conn: &mut Conn,
        wanted: MessageListQuery,
        organization: &Organization,
        now: DateTime<Utc>,
        errors: FieldErrors,
    ) -> Result<Self> {
        match wanted
            .query
            .filter(organization.default_country, Today { now, zone: organization.day_zone })
        {
            Ok(filter) => {
                let part = look(conn, &filter, wanted.place(), ROWS).await?;
                let page = Self::choices(conn, wanted, errors).await?;
                page.with(conn, &filter, part, now).await
            }
            Err(errors) => Self::choices(conn, wanted, errors).await,
        }
    }

    /// The same with a name for a view, as it was typed.
    pub(super) fn named(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// The page with its choices, without rows.
    async fn choices(
        conn: &mut Conn,
        wanted: MessageListQuery,
        errors: FieldErrors,
    ) -> Result<Self> {
        let automations = automations::list(conn, None, CHOICES).await?;
        let templates = templates::list(conn, None, CHOICES).await?;
        // What was chosen stays chosen, also when it is archived by now or one of very many:
        // another choice would drop it unseen.
        let beyond = not_among(&wanted.query.automation_id, automations.iter().map(|one| one.id));
        let chosen_automation = automations::find_many(conn, &beyond).await?;
        let beyond = not_among(&wanted.query.template_id, templates.iter().map(|one| one.id));
        let chosen_template = templates::find_many(conn, &beyond).await?;
        let senders = senders::list(conn).await?;
        let views = views::list(conn).await?;
        let contact = match wanted.query.contact_id.parse() {
            Ok(id) => Some(name_of(conn, id).await?),
            Err(_) => None,
        };
        let page = Self {
            automations: std::iter::once(Choice::new("none", "No automation"))
                .chain(
                    automations
                        .into_iter()
                        .chain(chosen_automation)
                        .map(|one| Choice::new(one.id.to_string(), one.name)),
                )
                .collect(),
            templates: templates
                .into_iter()
                .chain(chosen_template.into_values())
                .map(|one| Choice::new(one.id.to_string(), one.name))
                .collect(),
            senders: senders
                .into_iter()
                .map(|one| Choice::new(one.id.to_string(), one.label()))
                .collect(),
            ..Self::bare(wanted, errors)
        };
        Ok(page.of_all(views, contact.as_deref()))
    }

    fn bare(wanted: MessageListQuery, errors: FieldErrors) -> Self {
        let word = |word: &str| Choice::new(word, sentence_case(word));
        let unusable = errors.iter().any(|(field, _)| field != "name");
        Self {
            unusable,
            chosen: wanted.query.chosen().map(|(name, value)| Choice::new(name, value)).collect(),
            query: wanted.query.to_link(),
            particular: wanted.is_particular(),
            outcomes: Outcome::ALL.iter().map(|outcome| word(outcome.as_str())).collect(),
            statuses: MessageStatus::ALL.iter().map(|status| word(status.as_str())).collect(),
            directions: Direction::ALL.iter().map(|direction| word(direction.as_str())).collect(),
            times: Within::ALL
                .iter()
                .map(|within| Choice::new(within.as_str(), within.words()))
                .collect(),
            codes: errors::all()
                .iter()
                .map(|error| Choice::new(error.code.to_string(), error.title))
                .collect(),
            wanted,
            errors,
            ..Self::default()
        }
    }

    /// The same page with its views and chips.
    fn of_all(self, views: Vec<View>, contact: Option<&str>) -> Self {
        let names = Names {
            automations: &self.automations,
            templates: &self.templates,
            senders: &self.senders,
            contact,
        };
        let chips = Chip::all(&self.wanted.query, &names);
        let link = |view: View| {
            let query = MessageQuery::of_link(&view.query);
            ViewLink {
                name: view.name,
                path: path_of(&query),
                current: query.to_link() == self.query,
            }
        };
        let views: Vec<ViewLink> = views.into_iter().map(link).collect();
        // What is wrong with a name is told where it was typed.
        let is_wrong = self.errors.iter().any(|(field, _)| field == "name");
        let unsaved =
            self.wanted.query.is_narrow() && (is_wrong || !views.iter().any(|view| view.current));
        Self { chips, views, unsaved, ..self }
    }

    /// The same page with rows.
    async fn with(
        self,
        conn: &mut Conn,
        filter: &MessageFilter,
        part: Part,
        now: DateTime<Utc>,
    ) -> Result<Self> {
        let rows = rows(conn, &part.messages).await?;
        // What is new belongs before the first row of the first page.
        let after = (self.wanted.place() == MessagePosition::Newest
            && filter.days.is_none_or(|days| days.end() > now))
        .then(|| {
            part.messages.first().map_or_else(|| MessageId::first_at(now), |message| message.id)
        });
        let under_way = part
            .messages
            .iter()
            .filter(|message| !message.status.is_final())
            .map(|message| message.id);
        Ok(Self {
            live: live::path(&self.wanted.query, under_way, after),
            newer: part.newer.map(|id| self.wanted.link("newer", id)),
            older: part.older.map(|id| self.wanted.link("older", id)),
            looked_back_to: part.looked_back_to,
            rows,
            ..self
        })
    }
}

/// What was chosen, if it is not among those that are offered.
fn not_among<T: FromStr + PartialEq>(chosen: &str, mut offered: impl Iterator<Item = T>) -> Vec<T> {
    chosen.parse().ok().filter(|chosen| !offered.any(|one| one == *chosen)).into_iter().collect()
}

impl Person {
    fn all(people: &[Contact], query: &MessageQuery) -> Vec<Self> {
        let person = |contact: &Contact| Self {
            name: contact.full_name(),
            phone: contact.phone.international(),
            path: path_of(&MessageQuery {
                contact_id: contact.id.to_string(),
                to: String::new(),
                ..query.clone()
            }),
        };
        people.iter().map(person).collect()
    }
}

async fn name_of(conn: &mut Conn, id: ContactId) -> Result<String> {
    match contacts::find(conn, id).await {
        Ok(contact) => Ok(contact.label()),
        Err(Error::NotFound(_)) => Ok("one who was deleted".to_owned()),
        Err(error) => Err(error),
    }
}

impl Page for MessageListPage {
    const TEMPLATE: &'static str = "ui/messages/list.html";
}

#[cfg(debug_assertions)]
#[path = "samples/list.rs"]
mod samples;
