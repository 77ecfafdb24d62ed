//! The list of messages, with its filters and saved views.

use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::Serialize;

use super::filter_chips::{FilterChip, FilterNames, direction_word, exact_status};
use super::list_query::{ContactScope, MessageListQuery, path_of};
use super::list_rows::{MessageListRow, ShownClock, rows};
use super::live_updates::list_updates_path;
use super::message_panel::PanelContent;
use super::view_tabs::ViewTab;
use crate::contacts::{self, Contact};
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::ledger::days_input::Today;
use crate::ledger::outcome::Outcome;
use crate::messages::log::filter::{MessageFilter, Within};
use crate::messages::log::query_parameters::MessageQuery;
use crate::messages::log::saved_views::{self, View};
use crate::messages::log::search::{MessagePosition, SearchPage};
use crate::messages::message::Direction;
use crate::messages::status::MessageStatus;
use crate::twilio::error_codes;
use crate::types::id::{ContactId, MessageId};
use crate::users::organization::Organization;
use crate::web::ui::Choice;
use crate::web::{Page, PageResult, Query, Viewer, Visit};
use crate::{automations, senders, templates};

const ROWS: usize = 50;
/// The largest number of automations and of templates to choose from; the list can be opened for
/// others from their pages.
const MAX_CHOICES: i64 = 500;

/// The page with the list of messages.
#[derive(Debug, Default, Serialize)]
pub(in crate::web) struct MessageListPage {
    wanted: MessageListQuery,
    /// The active filters, for hidden fields of forms.
    chosen: Vec<Choice>,
    /// The filter as a query string.
    query: String,
    chips: Vec<FilterChip>,
    errors: FieldErrors,
    statuses: Vec<Choice>,
    outcomes: Vec<Choice>,
    directions: Vec<Choice>,
    times: Vec<Choice>,
    codes: Vec<Choice>,
    automations: Vec<Choice>,
    templates: Vec<Choice>,
    senders: Vec<Choice>,
    /// The contacts that match an ambiguous name.
    people: Vec<ContactMatch>,
    tabs: Vec<ViewTab>,
    /// Whether the filter can be saved as a view.
    unsaved: bool,
    /// The name typed for the view.
    name: String,
    /// Whether the filter itself has errors.
    unusable: bool,
    rows: Vec<MessageListRow>,
    oldest_first: bool,
    /// The path of the list in the other order.
    reordered: String,
    /// The path of this part of the list up to the id of the message in the panel.
    panel_prefix: String,
    panel: Option<PanelContent>,
    /// The message in the panel.
    open: Option<MessageId>,
    newer: Option<String>,
    older: Option<String>,
    looked_back_to: Option<DateTime<Utc>>,
    /// The path of the live updates.
    live: Option<String>,
}

/// A contact that matches an ambiguous name.
#[derive(Debug, Serialize)]
struct ContactMatch {
    name: Option<String>,
    phone: String,
    path: String,
}

pub(super) async fn list(visit: Visit<Viewer>, wanted: Query<MessageListQuery>) -> PageResult {
    let wanted = wanted.into_inner();
    let mut conn = visit.conn().await?;
    let page = match wanted.contact_scope(&mut conn, visit.organization.default_country).await? {
        ContactScope::These(query) => return visit.redirect(path_of(&query)).without_message(),
        ContactScope::Any => {
            MessageListPage::load(
                &mut conn,
                wanted,
                &visit.organization,
                ShownClock { now: visit.now(), zone: visit.zone() },
                FieldErrors::default(),
            )
            .await?
        }
        ContactScope::OneOf(people) => {
            let errors =
                FieldErrors::default().with("contact", "Several contacts match. Choose one below.");
            MessageListPage {
                people: ContactMatch::all(&people, &wanted.query),
                ..MessageListPage::load_choices(&mut conn, wanted, errors).await?
            }
        }
        ContactScope::None => {
            let errors = FieldErrors::default()
                .with("contact", "No contact matches. Enter the beginning of a name, or a number.");
            MessageListPage::load_choices(&mut conn, wanted, errors).await?
        }
    };
    drop(conn);
    visit.page(&page)
}

impl MessageListPage {
    /// Loads the page, with rows if the filter is valid.
    pub(super) async fn load(
        conn: &mut Conn,
        wanted: MessageListQuery,
        organization: &Organization,
        clock: ShownClock,
        errors: FieldErrors,
    ) -> Result<Self> {
        let today = Today { now: clock.now, zone: organization.day_zone };
        match wanted.query.filter(organization.default_country, today) {
            Ok(filter) => {
                let part = wanted.find(conn, &filter, ROWS).await?;
                let page = Self::load_choices(conn, wanted, errors).await?;
                let page = page.with_counts(conn, organization, today).await?;
                page.with_rows(conn, &filter, part, clock).await?.with_panel(conn).await
            }
            Err(errors) => Self::load_choices(conn, wanted, errors).await,
        }
    }

    /// Adds the name typed for a view.
    pub(super) fn with_view_name(self, name: String) -> Self {
        Self { name, ..self }
    }

    /// Loads the page with its select boxes, without rows.
    async fn load_choices(
        conn: &mut Conn,
        wanted: MessageListQuery,
        errors: FieldErrors,
    ) -> Result<Self> {
        let automations = automations::list(conn, None, MAX_CHOICES).await?;
        let templates = templates::list(conn, None, MAX_CHOICES).await?;
        // A chosen value stays an option even if it is archived or beyond the limit; otherwise the
        // next submit would drop it.
        let beyond = chosen_beyond(
            &wanted.query.automation_id,
            automations.iter().map(|automation| automation.id),
        );
        let chosen_automation = automations::find_many(conn, &beyond).await?;
        let beyond =
            chosen_beyond(&wanted.query.template_id, templates.iter().map(|template| template.id));
        let chosen_template = templates::find_many(conn, &beyond).await?;
        let senders = senders::list(conn).await?;
        let views = saved_views::list(conn).await?;
        let contact = match wanted.query.contact_id.parse() {
            Ok(id) => Some(contact_name(conn, id).await?),
            Err(_) => None,
        };
        let page = Self {
            automations: std::iter::once(Choice::new("none", "No automation"))
                .chain(
                    automations
                        .into_iter()
                        .chain(chosen_automation)
                        .map(|automation| Choice::new(automation.id.to_string(), automation.name)),
                )
                .collect(),
            templates: templates
                .into_iter()
                .chain(chosen_template.into_values())
                .map(|template| Choice::new(template.id.to_string(), template.name))
                .collect(),
            senders: senders
                .into_iter()
                .map(|sender| Choice::new(sender.id.to_string(), sender.label()))
                .collect(),
            ..Self::bare(wanted, errors)
        };
        Ok(page.with_views(views, contact.as_deref()))
    }

    fn bare(wanted: MessageListQuery, errors: FieldErrors) -> Self {
        let unusable = errors.iter().any(|(field, _)| field != "name");
        Self {
            unusable,
            chosen: wanted.query.chosen().map(|(name, value)| Choice::new(name, value)).collect(),
            query: wanted.query.to_link(),
            panel_prefix: wanted.panel_prefix(),
            oldest_first: wanted.is_oldest_first(),
            reordered: wanted.reordered(),
            outcomes: Outcome::ALL
                .iter()
                .map(|outcome| Choice::new(outcome.as_str(), outcome.word()))
                .collect(),
            statuses: MessageStatus::ALL
                .iter()
                .map(|status| Choice::new(status.as_str(), exact_status(status.as_str())))
                .collect(),
            directions: Direction::ALL
                .iter()
                .map(|direction| Choice::new(direction.as_str(), direction_word(*direction)))
                .collect(),
            times: Within::ALL
                .iter()
                .map(|within| Choice::new(within.as_str(), within.label()))
                .collect(),
            codes: error_codes::all()
                .iter()
                .map(|error| Choice::new(error.code.to_string(), error.title))
                .collect(),
            wanted,
            errors,
            ..Self::default()
        }
    }

    /// Adds the saved views and the chips.
    fn with_views(self, views: Vec<View>, contact: Option<&str>) -> Self {
        let names = FilterNames {
            automations: &self.automations,
            templates: &self.templates,
            senders: &self.senders,
            contact,
        };
        let chips = FilterChip::all(&self.wanted.query, &names);
        let tabs = ViewTab::all(views, &self.wanted.query);
        // The error of a name is shown beside its field, which must then be on the page.
        let is_wrong = self.errors.iter().any(|(field, _)| field == "name");
        let unsaved =
            self.wanted.query.is_narrow() && (is_wrong || !tabs.iter().any(ViewTab::is_current));
        Self { chips, tabs, unsaved, ..self }
    }

    /// Adds the counts of the tabs while one of them is open; a search by other filters may take as
    /// long as a page may take.
    async fn with_counts(
        mut self,
        conn: &mut Conn,
        organization: &Organization,
        today: Today,
    ) -> Result<Self> {
        if self.tabs.iter().any(ViewTab::is_current) {
            let country = organization.default_country;
            ViewTab::count_each(&mut self.tabs, conn, country, today).await?;
        }
        Ok(self)
    }

    /// Adds the rows of a search.
    async fn with_rows(
        self,
        conn: &mut Conn,
        filter: &MessageFilter,
        part: SearchPage,
        clock: ShownClock,
    ) -> Result<Self> {
        let now = clock.now;
        let rows = rows(conn, &part.messages, clock).await?;
        // Only the first page counts new messages, which belong before its first row.
        let after = (self.wanted.position() == MessagePosition::Newest
            && !self.oldest_first
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
            live: list_updates_path(&self.wanted.query, under_way, after),
            newer: part.newer.map(|id| self.wanted.link("newer", id)),
            older: part.older.map(|id| self.wanted.link("older", id)),
            looked_back_to: part.searched_back_to,
            rows,
            ..self
        })
    }

    /// Adds the message in the side panel, with the ways to the rows above and below it.
    async fn with_panel(self, conn: &mut Conn) -> Result<Self> {
        let Some(open) = self.wanted.open else { return Ok(self) };
        let panel = PanelContent::load(conn, open, self.wanted.without_panel()).await?;
        Ok(self.opened(open, panel))
    }

    fn opened(self, open: MessageId, panel: PanelContent) -> Self {
        let path = |id: MessageId| format!("{}{id}", self.panel_prefix);
        let at = self.rows.iter().position(|row| row.id == open);
        let row = |at: Option<usize>| at.and_then(|at| self.rows.get(at)).map(|row| path(row.id));
        let panel = PanelContent {
            newer: row(at.and_then(|at| at.checked_sub(1))),
            older: row(at.map(|at| at + 1)),
            ..panel
        };
        Self { panel: Some(panel), open: Some(open), ..self }
    }
}

/// The chosen value, if it is not one of the options.
fn chosen_beyond<T: FromStr + PartialEq>(
    chosen: &str,
    mut offered: impl Iterator<Item = T>,
) -> Vec<T> {
    chosen
        .parse()
        .ok()
        .filter(|chosen| !offered.any(|option| option == *chosen))
        .into_iter()
        .collect()
}

impl ContactMatch {
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

async fn contact_name(conn: &mut Conn, id: ContactId) -> Result<String> {
    match contacts::find(conn, id).await {
        Ok(contact) => Ok(contact.label()),
        Err(Error::NotFound(_)) => Ok("a deleted contact".to_owned()),
        Err(error) => Err(error),
    }
}

impl Page for MessageListPage {
    const TEMPLATE: &'static str = "ui/messages/list.html";
}

#[cfg(debug_assertions)]
#[path = "samples/list.rs"]
mod samples;
