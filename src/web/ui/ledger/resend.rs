//! Sending undelivered messages again: a page shows how many, and what is left out for which
//! reason; then the button sends them.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde::Serialize;

use super::causes::cause_text;
use super::query::{LedgerPageQuery, LedgerQueryForm};
use super::show::format_day;
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::ledger::days_input::Today;
use crate::ledger::outcome::Outcome;
use crate::ledger::{LedgerFilter, MessageOrigin};
use crate::messages::resend::{
    self, LeftOutReason, MAX_AT_ONCE, ResendGroup, ResendPreview, Selection,
};
use crate::types::id::MessageId;
use crate::web::http::bulk_conditions;
use crate::web::quantities::grouped;
use crate::web::{Form, Marketer, Page, PageError, PageResult, Query, Visit};
use crate::{automations, senders};

/// The page that shows which messages would be sent again and which would not.
#[derive(Debug, Serialize)]
pub(in crate::web) struct LedgerResendPage {
    /// The filter of the messages.
    wanted: LedgerPageQuery,
    errors: FieldErrors,
    /// A sentence on how the number has changed since the page was shown.
    changed: Option<String>,
    from: String,
    to: String,
    automation: Option<String>,
    sender: Option<String>,
    back: String,
    eligible: i64,
    /// The number of messages that one request sends.
    now: i64,
    /// The label of the button.
    button: String,
    /// The messages that would be sent again, by the cause of the failure.
    groups: Vec<GroupRow>,
    left_out: Vec<LeftOutRow>,
}

#[derive(Debug, Serialize)]
struct GroupRow {
    words: String,
    count: i64,
}

/// The messages left out for one reason, grouped by the cause of the failure.
#[derive(Debug, Serialize)]
struct LeftOutRow {
    why: &'static str,
    count: i64,
    groups: Vec<GroupRow>,
}

pub(super) async fn show(visit: Visit<Marketer>, query: Query<LedgerPageQuery>) -> PageResult {
    let query = query.into_inner();
    let mut conn = visit.conn().await?;
    match selection(&query, visit.today()) {
        Ok(selection) => {
            let preview = resend::preview(&mut conn, &selection).await?;
            let page =
                LedgerResendPage::load(&mut conn, query, selection.filter(), &preview).await?;
            drop(conn);
            visit.page(&page)
        }
        Err(errors) => visit.invalid(&LedgerResendPage::with_errors(query, &errors)),
    }
}

pub(super) async fn resend_all(visit: Visit<Marketer>, form: Form<LedgerQueryForm>) -> PageResult {
    let (query, blank) = form.parse();
    let now = visit.now();
    let chosen = if blank.is_empty() { selection(&query, visit.today()) } else { Err(blank) };
    let selection = match chosen {
        Ok(selection) => selection,
        Err(errors) => return visit.invalid(&LedgerResendPage::with_errors(query, &errors)),
    };
    let mut conn = visit.conn().await?;
    let preview = resend::preview(&mut conn, &selection).await?;
    let eligible = usize::try_from(preview.eligible()).unwrap_or_default();
    if let Some(changed) =
        bulk_conditions::changed(form.expected(), eligible, "message").filter(|_| eligible > 0)
    {
        let page = LedgerResendPage {
            changed: Some(changed),
            ..LedgerResendPage::load(&mut conn, query, selection.filter(), &preview).await?
        };
        drop(conn);
        return visit.answer(StatusCode::CONFLICT, &page);
    }
    let mut ids = resend::candidates(&mut conn, &selection).await?;
    ids.truncate(eligible);
    let sent = resend::resend_in_batches(&mut conn, &visit.actor(), &ids, now).await?;
    drop(conn);
    let redirect = visit.redirect(query.link("/ledger"));
    match (sent.len(), ids.len()) {
        (0, _) => redirect.warning("Nothing to resend. Another user may have been faster."),
        (1, _) => redirect.flash("Resending 1 message."),
        (many, MAX_AT_ONCE..) => redirect.flash(format!(
            "Resending {} messages. There may be more: check again.",
            grouped(many)
        )),
        (many, _) => redirect.flash(format!("Resending {} messages.", grouped(many))),
    }
}

pub(super) async fn resend_one(visit: Visit<Marketer>, id: Path<MessageId>) -> PageResult {
    let mut conn = visit.conn().await?;
    let sent = resend::resend_in_batches(&mut conn, &visit.actor(), &[*id], visit.now()).await?;
    if let [new] = sent.as_slice() {
        return visit.redirect(format!("/messages/{new}")).flash("Resent as this message.");
    }
    let why = resend::check_eligibility(&mut conn, *id)
        .await?
        .err()
        .map_or("Carillon can’t send it now.", LeftOutReason::explanation);
    drop(conn);
    visit.redirect(format!("/messages/{id}")).warning(format!("Not resent. {why}"))
}

/// The selected messages, if the filter does not cover too many days.
fn selection(query: &LedgerPageQuery, today: Today) -> Result<Selection, FieldErrors> {
    let (filter, _) = query.filter(today)?;
    Selection::new(filter).map_err(|error| FieldErrors::default().with("form", error.to_string()))
}

impl LedgerResendPage {
    async fn load(
        conn: &mut Conn,
        query: LedgerPageQuery,
        filter: &LedgerFilter,
        preview: &ResendPreview,
    ) -> Result<Self, PageError> {
        let automation = match filter.origin {
            None => None,
            Some(MessageOrigin::OneOff) => Some("no automation".to_owned()),
            Some(MessageOrigin::Automation(id)) => match automations::find(conn, id).await {
                Ok(automation) => Some(automation.name),
                Err(Error::NotFound(_)) => Some("a deleted automation".to_owned()),
                Err(error) => return Err(error.into()),
            },
        };
        let sender = match filter.sender_id {
            Some(id) => Some(senders::find(conn, id).await?.label()),
            None => None,
        };
        Ok(Self { automation, sender, ..Self::new(query.fixed(filter.days), preview) })
    }

    fn new(query: LedgerPageQuery, preview: &ResendPreview) -> Self {
        let eligible = preview.eligible();
        let now = eligible.min(i64::try_from(MAX_AT_ONCE).unwrap_or(i64::MAX));
        let mut left_out: Vec<LeftOutRow> =
            LeftOutReason::ALL.iter().filter_map(|why| LeftOutRow::of(*why, preview)).collect();
        left_out.sort_by_key(|row| std::cmp::Reverse(row.count));
        Self {
            from: format_day(&query.from),
            to: format_day(&query.to),
            automation: None,
            sender: None,
            back: query.link("/ledger"),
            eligible,
            now,
            button: format!(
                "Resend {} {}",
                grouped(now),
                if now == 1 { "message" } else { "messages" }
            ),
            groups: preview
                .groups
                .iter()
                .filter(|group| group.left_out.is_none())
                .map(GroupRow::from)
                .collect(),
            left_out,
            errors: FieldErrors::default(),
            changed: None,
            wanted: query,
        }
    }

    /// The page for an invalid filter.
    fn with_errors(query: LedgerPageQuery, errors: &FieldErrors) -> Self {
        // The page has no fields beside which an error could be shown.
        let named = |field: &str, message: &String| {
            if field == "form" { message.clone() } else { format!("{field}: {message}") }
        };
        let error_messages: Vec<String> = errors
            .iter()
            .flat_map(|(field, all)| all.iter().map(move |message| named(field, message)))
            .collect();
        let errors = error_messages
            .into_iter()
            .fold(FieldErrors::default(), |errors, message| errors.with("form", message));
        Self { errors, ..Self::new(query, &ResendPreview::default()) }
    }
}

impl LeftOutRow {
    fn of(why: LeftOutReason, preview: &ResendPreview) -> Option<Self> {
        let groups: Vec<&ResendGroup> =
            preview.groups.iter().filter(|group| group.left_out == Some(why)).collect();
        let count = groups.iter().map(|group| group.count).sum();
        (count > 0).then(|| Self {
            why: why.explanation(),
            count,
            groups: groups.into_iter().map(GroupRow::from).collect(),
        })
    }
}

impl From<&ResendGroup> for GroupRow {
    fn from(group: &ResendGroup) -> Self {
        let words = match group.outcome {
            outcome @ (Outcome::Unconfirmed | Outcome::Retried) => outcome.word().to_owned(),
            _ => cause_text(group.error_code, group.reason.as_deref()),
        };
        Self { words, count: group.count }
    }
}

impl Page for LedgerResendPage {
    const TEMPLATE: &'static str = "ui/ledger/resend.html";
}

#[cfg(debug_assertions)]
#[path = "samples/resend.rs"]
mod samples;
