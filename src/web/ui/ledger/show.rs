//! The ledger page: totals, rows by day, automation or sender, and causes of undelivered messages.

use std::collections::HashMap;

use chrono::NaiveDate;
use serde::Serialize;

use super::causes::CauseRow;
use super::day_chart::{self, DayChart};
use super::outcome_counts::{self, OutcomeCount};
use super::query::{LedgerPageQuery, LedgerQueryForm};
use super::totals::LedgerTotals;
use crate::db::{self, Conn};
use crate::error::{Error, FieldErrors, Result};
use crate::ledger::outcome::Outcome;
use crate::ledger::{self, Cause, Days, Difference, Grouping, Ledger, LedgerFilter, LedgerKey};
use crate::messages::resend::{self, MAX_DAYS, Selection};
use crate::types::id::AutomationId;
use crate::users::audit::{self, AuditKind};
use crate::web::http::bulk_conditions;
use crate::web::quantities::counted;
use crate::web::ui::Choice;
use crate::web::{Admin, Form, Page, PageResult, Query, Viewer, Visit};
use crate::{automations, senders};

/// The largest number of automations to choose from.
const MAX_CHOICES: i64 = 500;
/// The largest number of rows on the page.
const MAX_ROWS: usize = 400;

/// The ledger page.
#[derive(Debug, Default, Serialize)]
pub(in crate::web) struct LedgerShowPage {
    /// The filter.
    wanted: LedgerPageQuery,
    narrow: bool,
    errors: FieldErrors,
    automations: Vec<Choice>,
    senders: Vec<Choice>,
    groupings: Vec<Choice>,
    found: Option<Figures>,
}

/// The figures of a filter.
#[derive(Debug, Serialize)]
struct Figures {
    from: String,
    to: String,
    standing: LedgerTotals,
    /// Whether the rows are days, so that the page names the time zone.
    by_day: bool,
    /// The heading of the column of row labels.
    row_head: &'static str,
    /// The outcomes with a column: the usual ones, and those that occur.
    columns: Vec<Outcome>,
    rows: Vec<RowView>,
    /// The totals of the columns.
    totals: Vec<OutcomeCount>,
    /// The chart of the days, if it has room for them.
    chart: Option<DayChart>,
    /// The number of rows that are not shown.
    hidden: usize,
    causes: Vec<CauseRow>,
    check: Option<Recount>,
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
    numbers: Vec<OutcomeCount>,
}

/// The result of a recount of the messages.
#[derive(Debug, Serialize)]
struct Recount {
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

pub(super) async fn show(visit: Visit<Viewer>, query: Query<LedgerPageQuery>) -> PageResult {
    let query = query.into_inner();
    let mut conn = visit.conn().await?;
    let page = match query.filter(visit.today()) {
        Ok((filter, grouping)) => {
            LedgerShowPage::load(&mut conn, query, FieldErrors::default())
                .await?
                .with_figures(&mut conn, &filter, grouping)
                .await?
        }
        Err(errors) => LedgerShowPage::load(&mut conn, query, errors).await?,
    };
    drop(conn);
    visit.page(&page)
}

/// Corrects the differences that a recount has found.
pub(super) async fn repair(visit: Visit<Admin>, form: Form<LedgerQueryForm>) -> PageResult {
    let (query, blank) = form.parse();
    let location = query.link("/ledger");
    bulk_conditions::accept(blank)?;
    let selection =
        query.filter(visit.today()).ok().and_then(|(filter, _)| Selection::new(filter).ok());
    let Some(selection) = selection else {
        return visit
            .redirect(location)
            .warning(format!("Choose at most {MAX_DAYS} days, then recount them."));
    };
    let (now, actor) = (visit.now(), visit.actor());
    let mut conn = visit.conn().await?;
    let corrected = db::transaction(&mut conn, async |tx| {
        let (corrected, mut tx) = ledger::correct(tx, selection.filter()).await?;
        if corrected > 0 {
            let summary = format!("corrected {} of the reports", counted(corrected, "number"));
            audit::record(&mut tx, &actor, AuditKind::Message, None, &summary, now).await?;
        }
        Ok::<_, Error>(corrected)
    })
    .await?;
    drop(conn);
    visit.redirect(location).flash(match corrected {
        0 => "Every number was right.".to_owned(),
        1 => "Corrected 1 number.".to_owned(),
        many => format!("Corrected {}.", counted(many, "number")),
    })
}

impl LedgerShowPage {
    /// Loads the page with its select boxes, without figures.
    async fn load(conn: &mut Conn, query: LedgerPageQuery, errors: FieldErrors) -> Result<Self> {
        let automations = automations::list(conn, None, MAX_CHOICES).await?;
        let choices = automations
            .into_iter()
            .map(|automation| Choice::new(automation.id.to_string(), automation.name));
        Ok(Self {
            automations: std::iter::once(Choice::new("none", "No automation"))
                .chain(choices)
                .collect(),
            senders: senders::list(conn)
                .await?
                .into_iter()
                .map(|sender| Choice::new(sender.id.to_string(), sender.label()))
                .collect(),
            ..Self::bare(query, errors)
        })
    }

    fn bare(query: LedgerPageQuery, errors: FieldErrors) -> Self {
        // Grouping by day is the default, so it is no option.
        let groupings = [(Grouping::Automation, "Automation"), (Grouping::Sender, "Sender")];
        Self {
            narrow: query.is_narrow(),
            groupings: groupings
                .into_iter()
                .map(|(grouping, label)| Choice::new(grouping.as_str(), label))
                .collect(),
            wanted: query,
            errors,
            ..Self::default()
        }
    }

    async fn with_figures(
        self,
        conn: &mut Conn,
        filter: &LedgerFilter,
        grouping: Grouping,
    ) -> Result<Self> {
        let ledger = ledger::read(conn, filter, grouping).await?;
        let few_days = Selection::new(*filter).is_ok();
        let check = if few_days && !self.wanted.check.is_empty() {
            Some(Recount::new(ledger.totals.recipients, ledger::check(conn, filter).await?))
        } else {
            None
        };
        let names = self.names(conn, &ledger, grouping).await?;
        let query = self.wanted.clone().fixed(filter.days);
        let chart = (grouping == Grouping::Day).then(|| chart(filter.days, &ledger, &query));
        let found = Figures {
            chart: chart.flatten(),
            ..Figures::new(&query, ledger, grouping, &names, check, few_days)
        };
        Ok(Self { wanted: query, found: Some(found), ..self })
    }

    /// The names for the row labels, including those of automations that the select box lacks.
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
                    .map(|automation| (automation.id.to_string(), automation.name)),
            );
        }
        Ok(names)
    }
}

impl Figures {
    fn new(
        query: &LedgerPageQuery,
        ledger: Ledger,
        grouping: Grouping,
        names: &HashMap<String, String>,
        check: Option<Recount>,
        few_days: bool,
    ) -> Self {
        let Ledger { totals, rows, causes } = ledger;
        let columns = outcome_counts::columns(
            totals,
            &[Outcome::Delivered, Outcome::Sent, Outcome::Failed, Outcome::Suppressed],
        );
        let hidden = rows.len().saturating_sub(MAX_ROWS);
        let shown = rows.into_iter().take(MAX_ROWS).map(|row| RowView {
            label: label(row.key, names),
            link: query.within(row.key).map(|within| within.link("/ledger")),
            recipients: row.counts.recipients,
            recipients_link: query.messages(Some(row.key), None, &[]),
            adds_up: row.counts.add_up(),
            numbers: outcome_counts::counts_by_outcome(row.counts, query, Some(row.key))
                .into_iter()
                .filter(|count| count.is_in(&columns))
                .collect(),
        });
        let may_retry = causes.iter().any(resend::may_be_eligible);
        Self {
            from: format_day(&query.from),
            to: format_day(&query.to),
            standing: LedgerTotals::new(totals, query),
            by_day: grouping == Grouping::Day,
            row_head: match grouping {
                Grouping::Day => "Day",
                Grouping::Automation => "Automation",
                Grouping::Sender => "Sender",
            },
            rows: shown.collect(),
            totals: outcome_counts::counts_by_outcome(totals, query, None)
                .into_iter()
                .filter(|count| count.is_in(&columns))
                .collect(),
            chart: None,
            hidden,
            causes: causes.iter().map(|cause: &Cause| CauseRow::new(cause, query)).collect(),
            check_link: few_days.then(|| with_check(&query.link("/ledger"))),
            retry_link: (few_days && may_retry).then(|| query.link("/ledger/retry")),
            columns,
            check,
        }
    }
}

/// The chart of these days; none for a single day, and for more days than it has room for.
fn chart(days: Days, ledger: &Ledger, query: &LedgerPageQuery) -> Option<DayChart> {
    let has_room = (2..=day_chart::MAX_DAYS).contains(&days.count());
    let outcomes = outcome_counts::columns(ledger.totals, &[]);
    has_room.then(|| DayChart::new(days, &ledger.rows, ledger.totals, &outcomes, query))
}

impl Recount {
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

/// Formats a date such as `2026-11-21` for people: `21 Nov 2026`.
pub(super) fn format_day(day: &str) -> String {
    day.parse::<NaiveDate>()
        .map_or_else(|_| day.to_owned(), |day| day.format("%-d %b %Y").to_string())
}

impl Page for LedgerShowPage {
    const TEMPLATE: &'static str = "ui/ledger/show.html";
}

#[cfg(debug_assertions)]
#[path = "samples/show.rs"]
mod samples;
