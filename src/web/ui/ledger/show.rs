//! The ledger: all together, row by row, and why messages did not arrive.

use std::collections::HashMap;

use chrono::NaiveDate;
use diesel_async::AsyncConnection;
use serde::Serialize;

use super::numbers::{self, CauseRow, LedgerTotals, Number};
use super::query::{LedgerPageQuery, Sent};
use crate::db::Conn;
use crate::error::{Error, FieldErrors, Result};
use crate::ledger::outcome::Outcome;
use crate::ledger::{self, Cause, Difference, Grouping, Ledger, LedgerFilter, LedgerKey};
use crate::messages::resend::{self, MAX_DAYS, Selection};
use crate::types::id::AutomationId;
use crate::users::audit::{self, AuditKind};
use crate::web::http::filters::counted;
use crate::web::http::narrowing;
use crate::web::ui::Choice;
use crate::web::{Admin, Form, Page, PageResult, Query, Viewer, Visit};
use crate::{automations, senders};

/// More choices than this are not offered.
const CHOICES: i64 = 500;
/// As many rows as a page shows.
const ROWS: usize = 400;

/// The ledger.
#[derive(Debug, Default, Serialize)]
pub(in crate::web) struct LedgerShowPage {
    wanted: LedgerPageQuery,
    narrow: bool,
    errors: FieldErrors,
    automations: Vec<Choice>,
    senders: Vec<Choice>,
    groupings: Vec<Choice>,
    found: Option<Found>,
}

/// What the filter found.
#[derive(Debug, Serialize)]
struct Found {
    from: String,
    to: String,
    standing: LedgerTotals,
    /// Whether a row stands for a day, which is one of a time zone.
    by_day: bool,
    /// What a row stands for, as the head of its column.
    row_head: &'static str,
    /// The outcomes that have a column: those that occur, and the usual ones.
    columns: Vec<Outcome>,
    rows: Vec<RowView>,
    /// How many rows are not shown.
    hidden: usize,
    causes: Vec<CauseRow>,
    check: Option<Check>,
    check_link: Option<String>,
    retry_link: Option<String>,
}

#[derive(Debug, Serialize)]
struct RowView {
    label: String,
    link: Option<String>,
    recipients: i64,
    recipients_link: String,
    adds_up: bool,
    numbers: Vec<Number>,
}

/// What counting the messages anew has shown.
#[derive(Debug, Serialize)]
struct Check {
    counted: i64,
    differences: Vec<DifferenceView>,
}

#[derive(Debug, Serialize)]
struct DifferenceView {
    day: String,
    outcome: String,
    in_ledger: i64,
    in_messages: i64,
}

pub(super) async fn show(visit: Visit<Viewer>, wanted: Query<LedgerPageQuery>) -> PageResult {
    let wanted = wanted.into_inner();
    let mut conn = visit.conn().await?;
    let page = match wanted.filter(visit.today()) {
        Ok((filter, grouping)) => {
            LedgerShowPage::load(&mut conn, wanted, FieldErrors::default())
                .await?
                .with(&mut conn, &filter, grouping)
                .await?
        }
        Err(errors) => LedgerShowPage::load(&mut conn, wanted, errors).await?,
    };
    drop(conn);
    visit.page(&page)
}

/// Puts right what a count has shown to be wrong.
pub(super) async fn repair(visit: Visit<Admin>, form: Form<Sent>) -> PageResult {
    let (wanted, blank) = form.read();
    let there = wanted.link("/ledger");
    narrowing::accept(blank)?;
    let selection =
        wanted.filter(visit.today()).ok().and_then(|(filter, _)| Selection::new(filter).ok());
    let Some(selection) = selection else {
        return visit
            .redirect(there)
            .warning(format!("Choose at most {MAX_DAYS} days, and count them again."));
    };
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    let corrected = conn
        .transaction(async |conn| {
            let corrected = ledger::correct(conn, selection.filter()).await?;
            if corrected > 0 {
                audit::record(
                    conn,
                    &actor,
                    AuditKind::Message,
                    None,
                    &format!("put right {} of the ledger", counted(corrected, "number")),
                    now,
                )
                .await?;
            }
            Ok::<_, Error>(corrected)
        })
        .await?;
    drop(conn);
    visit.redirect(there).flash(match corrected {
        0 => "Nothing was wrong.".to_owned(),
        1 => "1 number of the ledger was put right.".to_owned(),
        many => format!("{} of the ledger were put right.", counted(many, "number")),
    })
}

impl LedgerShowPage {
    /// The page with its choices, without numbers.
    async fn load(conn: &mut Conn, wanted: LedgerPageQuery, errors: FieldErrors) -> Result<Self> {
        let automations = automations::list(conn, None, CHOICES).await?;
        let named = automations.into_iter().map(|one| Choice::new(one.id.to_string(), one.name));
        Ok(Self {
            automations: std::iter::once(Choice::new("none", "No automation"))
                .chain(named)
                .collect(),
            senders: senders::list(conn)
                .await?
                .into_iter()
                .map(|one| Choice::new(one.id.to_string(), one.label()))
                .collect(),
            ..Self::bare(wanted, errors)
        })
    }

    fn bare(wanted: LedgerPageQuery, errors: FieldErrors) -> Self {
        // A day is what nobody has to choose.
        let groupings = [(Grouping::Automation, "Automation"), (Grouping::Sender, "Sender")];
        Self {
            narrow: wanted.is_narrow(),
            groupings: groupings
                .into_iter()
                .map(|(grouping, label)| Choice::new(grouping.as_str(), label))
                .collect(),
            wanted,
            errors,
            ..Self::default()
        }
    }

    async fn with(
        self,
        conn: &mut Conn,
        filter: &LedgerFilter,
        grouping: Grouping,
    ) -> Result<Self> {
        let ledger = ledger::read(conn, filter, grouping).await?;
        let few = Selection::new(*filter).is_ok();
        let check = if few && !self.wanted.check.is_empty() {
            Some(Check::new(ledger.totals.recipients, ledger::check(conn, filter).await?))
        } else {
            None
        };
        let names = self.names(conn, &ledger, grouping).await?;
        let wanted = self.wanted.clone().fixed(filter.days);
        let found = Found::new(&wanted, ledger, grouping, &names, check, few);
        Ok(Self { wanted, found: Some(found), ..self })
    }

    /// The names of whatever rows stand for, also of what is offered no more.
    async fn names(
        &self,
        conn: &mut Conn,
        ledger: &Ledger,
        grouping: Grouping,
    ) -> Result<HashMap<String, String>> {
        let choices = self.automations.iter().chain(&self.senders);
        let mut names: HashMap<String, String> =
            choices.map(|choice| (choice.value.clone(), choice.label.clone())).collect();
        if grouping == Grouping::Automation {
            let ids = ledger.rows.iter().filter_map(|row| match row.key {
                LedgerKey::Automation(Some(id)) if !names.contains_key(&id.to_string()) => Some(id),
                _ => None,
            });
            let ids: Vec<AutomationId> = ids.collect();
            names.extend(
                automations::find_many(conn, &ids)
                    .await?
                    .into_iter()
                    .map(|one| (one.id.to_string(), one.name)),
            );
        }
        Ok(names)
    }
}

impl Found {
    fn new(
        wanted: &LedgerPageQuery,
        ledger: Ledger,
        grouping: Grouping,
        names: &HashMap<String, String>,
        check: Option<Check>,
        few_days: bool,
    ) -> Self {
        let Ledger { totals, rows, causes } = ledger;
        let columns = numbers::columns(
            totals,
            &[Outcome::Delivered, Outcome::Sent, Outcome::Failed, Outcome::Suppressed],
        );
        let hidden = rows.len().saturating_sub(ROWS);
        let shown = rows.into_iter().take(ROWS).map(|row| RowView {
            label: label(row.key, names),
            link: wanted.within(row.key).map(|within| within.link("/ledger")),
            recipients: row.counts.recipients,
            recipients_link: wanted.messages(Some(row.key), None, &[]),
            adds_up: row.counts.add_up(),
            numbers: numbers::numbers(row.counts, wanted, Some(row.key))
                .into_iter()
                .filter(|number| number.is_in(&columns))
                .collect(),
        });
        let may_retry = causes.iter().any(resend::may_be_worth_it);
        Self {
            from: shown_day(&wanted.from),
            to: shown_day(&wanted.to),
            standing: LedgerTotals::new(totals, wanted),
            by_day: grouping == Grouping::Day,
            row_head: match grouping {
                Grouping::Day => "Day",
                Grouping::Automation => "Automation",
                Grouping::Sender => "Sender",
            },
            rows: shown.collect(),
            hidden,
            causes: causes.iter().map(|cause: &Cause| CauseRow::new(cause, wanted)).collect(),
            check_link: few_days.then(|| with_check(&wanted.link("/ledger"))),
            retry_link: (few_days && may_retry).then(|| wanted.link("/ledger/retry")),
            columns,
            check,
        }
    }
}

impl Check {
    fn new(counted: i64, differences: Vec<Difference>) -> Self {
        let view = |difference: Difference| DifferenceView {
            day: difference.day.to_string(),
            outcome: difference.outcome,
            in_ledger: difference.in_ledger,
            in_messages: difference.in_messages,
        };
        Self { counted, differences: differences.into_iter().map(view).collect() }
    }
}

fn with_check(link: &str) -> String {
    format!("{link}{}check=true", if link.contains('?') { '&' } else { '?' })
}

fn label(key: LedgerKey, names: &HashMap<String, String>) -> String {
    let name = |id: &str| names.get(id).cloned().unwrap_or_else(|| format!("Deleted ({id})"));
    match key {
        LedgerKey::Day(day) => day.format("%a, %-d %b %Y").to_string(),
        LedgerKey::Automation(None) => "No automation".to_owned(),
        LedgerKey::Automation(Some(id)) => name(&id.to_string()),
        LedgerKey::Sender(None) => "No sender".to_owned(),
        LedgerKey::Sender(Some(id)) => name(&id.to_string()),
    }
}

/// `2026-11-21` as people write it.
pub(super) fn shown_day(day: &str) -> String {
    day.parse::<NaiveDate>()
        .map_or_else(|_| day.to_owned(), |day| day.format("%-d %b %Y").to_string())
}

impl Page for LedgerShowPage {
    const TEMPLATE: &'static str = "ui/ledger/show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/show.rs"]
mod samples;
