//! Sending again what never reached anybody: how many there are and why, what is left out and why,
//! and then the button.

use actix_web::http::StatusCode;
use actix_web::web::Path;
use serde::Serialize;

use super::numbers;
use super::query::{LedgerPageQuery, Sent};
use super::show::shown_day;
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::ledger::outcome::Outcome;
use crate::ledger::typed_days::Today;
use crate::ledger::{LedgerFilter, Maker};
use crate::messages::resend::batches;
use crate::messages::resend::{self, Group, LeftOut, MAX_AT_ONCE, ResendPreview, Selection};
use crate::types::id::MessageId;
use crate::web::http::filters::grouped;
use crate::web::http::narrowing;
use crate::web::{Form, Marketer, Page, PageError, PageResult, Query, Visit};
use crate::{automations, senders};

/// What would be sent again, and what would not.
#[derive(Debug, Serialize)]
pub(in crate::web) struct LedgerRetryPage {
    wanted: LedgerPageQuery,
    errors: FieldErrors,
    /// How the number has changed since it was shown.
    changed: Option<String>,
    from: String,
    to: String,
    automation: Option<String>,
    sender: Option<String>,
    back: String,
    eligible: i64,
    /// As many as one click sends.
    now: i64,
    button: String,
    groups: Vec<GroupRow>,
    left_out: Vec<LeftOutRow>,
}

#[derive(Debug, Serialize)]
struct GroupRow {
    words: String,
    count: i64,
}

/// What is left out for one reason, with the causes for which it did not arrive.
#[derive(Debug, Serialize)]
struct LeftOutRow {
    why: &'static str,
    count: i64,
    groups: Vec<GroupRow>,
}

pub(super) async fn ask(visit: Visit<Marketer>, wanted: Query<LedgerPageQuery>) -> PageResult {
    let wanted = wanted.into_inner();
    let mut conn = visit.conn().await?;
    match selection(&wanted, visit.today()) {
        Ok(selection) => {
            let outlook = resend::preview(&mut conn, &selection).await?;
            let page =
                LedgerRetryPage::load(&mut conn, wanted, selection.filter(), &outlook).await?;
            drop(conn);
            visit.page(&page)
        }
        Err(errors) => visit.invalid(&LedgerRetryPage::wrong(wanted, &errors)),
    }
}

pub(super) async fn retry(visit: Visit<Marketer>, form: Form<Sent>) -> PageResult {
    let (wanted, blank) = form.read();
    let now = visit.now();
    let chosen = if blank.is_empty() { selection(&wanted, visit.today()) } else { Err(blank) };
    let selection = match chosen {
        Ok(selection) => selection,
        Err(errors) => return visit.invalid(&LedgerRetryPage::wrong(wanted, &errors)),
    };
    let mut conn = visit.conn().await?;
    let outlook = resend::preview(&mut conn, &selection).await?;
    let eligible = usize::try_from(outlook.eligible()).unwrap_or_default();
    if let Some(changed) =
        narrowing::changed(form.expected(), eligible, "message").filter(|_| eligible > 0)
    {
        let page = LedgerRetryPage {
            changed: Some(changed),
            ..LedgerRetryPage::load(&mut conn, wanted, selection.filter(), &outlook).await?
        };
        drop(conn);
        return visit.answer(StatusCode::CONFLICT, &page);
    }
    let mut ids = resend::candidates(&mut conn, &selection).await?;
    ids.truncate(eligible);
    let sent = batches::send_again(&mut conn, &visit.actor(), &ids, now).await?;
    drop(conn);
    let back = visit.redirect(wanted.link("/ledger"));
    match (sent.len(), ids.len()) {
        (0, _) => {
            back.warning("Nothing was sent again: nothing of it may be, or somebody was faster.")
        }
        (1, _) => back.flash("1 message is sent again."),
        (many, MAX_AT_ONCE..) => back.flash(format!(
            "{} messages are sent again. There may be more: look once more.",
            grouped(many)
        )),
        (many, _) => back.flash(format!("{} messages are sent again.", grouped(many))),
    }
}

pub(super) async fn retry_one(visit: Visit<Marketer>, id: Path<MessageId>) -> PageResult {
    let mut conn = visit.conn().await?;
    let sent = batches::send_again(&mut conn, &visit.actor(), &[*id], visit.now()).await?;
    if let [new] = sent.as_slice() {
        return visit
            .redirect(format!("/messages/{new}"))
            .flash("It is sent again as this message.");
    }
    let why = resend::verdict(&mut conn, *id)
        .await?
        .err()
        .map_or("It cannot be sent now.", LeftOut::words);
    drop(conn);
    visit.redirect(format!("/messages/{id}")).warning(format!("It is not sent again. {why}"))
}

/// The messages that are chosen, if their days are few enough.
fn selection(wanted: &LedgerPageQuery, today: Today) -> Result<Selection, FieldErrors> {
    let (filter, _) = wanted.filter(today)?;
    Selection::new(filter).map_err(|error| FieldErrors::default().with("form", error.to_string()))
}

impl LedgerRetryPage {
    async fn load(
        conn: &mut Conn,
        wanted: LedgerPageQuery,
        filter: &LedgerFilter,
        outlook: &ResendPreview,
    ) -> Result<Self, PageError> {
        let automation = match filter.maker {
            None => None,
            Some(Maker::OneOff) => Some("no automation".to_owned()),
            Some(Maker::Automation(id)) => match automations::find(conn, id).await {
                Ok(automation) => Some(automation.name),
                Err(Error::NotFound(_)) => Some("an automation that was deleted".to_owned()),
                Err(error) => return Err(error.into()),
            },
        };
        let sender = match filter.sender_id {
            Some(id) => Some(senders::find(conn, id).await?.label()),
            None => None,
        };
        Ok(Self { automation, sender, ..Self::new(wanted.fixed(filter.days), outlook) })
    }

    fn new(wanted: LedgerPageQuery, outlook: &ResendPreview) -> Self {
        let eligible = outlook.eligible();
        let now = eligible.min(i64::try_from(MAX_AT_ONCE).unwrap_or(i64::MAX));
        let mut left_out: Vec<LeftOutRow> =
            LeftOut::ALL.iter().filter_map(|why| LeftOutRow::of(*why, outlook)).collect();
        left_out.sort_by_key(|row| std::cmp::Reverse(row.count));
        Self {
            from: shown_day(&wanted.from),
            to: shown_day(&wanted.to),
            automation: None,
            sender: None,
            back: wanted.link("/ledger"),
            eligible,
            now,
            button: format!(
                "Send {} {} again",
                grouped(now),
                if now == 1 { "message" } else { "messages" }
            ),
            groups: outlook
                .groups
                .iter()
                .filter(|group| group.left_out.is_none())
                .map(GroupRow::from)
                .collect(),
            left_out,
            errors: FieldErrors::default(),
            changed: None,
            wanted,
        }
    }

    /// What was chosen cannot be looked through.
    fn wrong(wanted: LedgerPageQuery, errors: &FieldErrors) -> Self {
        // The page has no fields beside which it could be said.
        let named = |field: &str, sentence: &String| {
            if field == "form" { sentence.clone() } else { format!("{field}: {sentence}") }
        };
        let sentences: Vec<String> = errors
            .iter()
            .flat_map(|(field, all)| all.iter().map(move |one| named(field, one)))
            .collect();
        let errors = sentences
            .into_iter()
            .fold(FieldErrors::default(), |errors, sentence| errors.with("form", sentence));
        Self { errors, ..Self::new(wanted, &ResendPreview::default()) }
    }
}

impl LeftOutRow {
    fn of(why: LeftOut, outlook: &ResendPreview) -> Option<Self> {
        let groups: Vec<&Group> =
            outlook.groups.iter().filter(|group| group.left_out == Some(why)).collect();
        let count = groups.iter().map(|group| group.count).sum();
        (count > 0).then(|| Self {
            why: why.words(),
            count,
            groups: groups.into_iter().map(GroupRow::from).collect(),
        })
    }
}

impl From<&Group> for GroupRow {
    fn from(group: &Group) -> Self {
        let words = match group.outcome {
            Outcome::Unconfirmed => "Unconfirmed".to_owned(),
            Outcome::Retried => "Sent again".to_owned(),
            _ => numbers::words(group.error_code, group.reason.as_deref()),
        };
        Self { words, count: group.count }
    }
}

impl Page for LedgerRetryPage {
    const TEMPLATE: &'static str = "ui/ledger/retry.html";
}

#[cfg(debug_assertions)]
#[path = "samples/retry.rs"]
mod samples;
