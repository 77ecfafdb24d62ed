//! Switching an automation on and pausing it: a page that says what will happen and to how many
//! contacts, and the switch itself.

use actix_web::web::Path;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::activation_problems::{as_problems, error_messages};
use super::sentences;
use super::show::{AutomationShowPage, StepRow, step_rows};
use crate::automations::{
    self, Automation, AutomationChange, AutomationStatus, EnrollmentStatus, SCAN_LIMIT, counts,
};
use crate::db::{self, Conn};
use crate::error::Error;
use crate::senders::{self, Sender};
use crate::types::id::AutomationId;
use crate::users::audit::Actor;
use crate::web::{Marketer, Page, PageResult, Visit, quantities};

/// The page that says what switching on or pausing will do.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SwitchPage {
    id: AutomationId,
    name: String,
    /// Whether the action switches the automation on; else it pauses it.
    activates: bool,
    /// Whether the automation has run before.
    has_run: bool,
    trigger: String,
    steps: Vec<StepRow>,
    /// The number of active enrollments among the newest ones, as shown: `1,234`.
    inside: String,
    has_contacts_inside: bool,
    /// The number of enrollments that were counted, if there are more.
    only_newest: Option<i64>,
    /// The number of pending messages.
    waiting: i64,
    /// Sentences about what is incomplete or may not arrive.
    warnings: Vec<String>,
}

pub(super) async fn confirm_activate(visit: Visit<Marketer>, id: Path<AutomationId>) -> PageResult {
    show_confirmation(visit, *id, AutomationStatus::Active).await
}

pub(super) async fn confirm_pause(visit: Visit<Marketer>, id: Path<AutomationId>) -> PageResult {
    show_confirmation(visit, *id, AutomationStatus::Paused).await
}

pub(super) async fn activate(visit: Visit<Marketer>, id: Path<AutomationId>) -> PageResult {
    match switch(
        &mut *visit.conn().await?,
        &visit.actor(),
        visit.now(),
        *id,
        AutomationStatus::Active,
    )
    .await
    {
        Ok(automation) => visit
            .redirect(format!("/automations/{}", automation.id))
            .undo(format!("/automations/{id}/pause"), [])
            .flash("Automation switched on."),
        Err(Error::Invalid(errors)) => {
            let page = AutomationShowPage::load(
                &mut *visit.conn().await?,
                &visit.context.config.public_url,
                *id,
                visit.now(),
                as_problems(&errors),
            )
            .await?;
            visit.invalid(&page)
        }
        Err(other) => Err(other.into()),
    }
}

pub(super) async fn pause(visit: Visit<Marketer>, id: Path<AutomationId>) -> PageResult {
    match switch(
        &mut *visit.conn().await?,
        &visit.actor(),
        visit.now(),
        *id,
        AutomationStatus::Paused,
    )
    .await
    {
        Ok(automation) => visit
            .redirect(format!("/automations/{}", automation.id))
            .undo(format!("/automations/{id}/activate"), [])
            .flash("Automation paused."),
        Err(Error::Invalid(errors)) => {
            visit.redirect(format!("/automations/{id}")).warning(error_messages(&errors).join(" "))
        }
        Err(other) => Err(other.into()),
    }
}

async fn show_confirmation(
    visit: Visit<Marketer>,
    id: AutomationId,
    to: AutomationStatus,
) -> PageResult {
    let mut conn = visit.conn().await?;
    let automation = automations::find(&mut conn, id).await?;
    if automation.status == to {
        let already =
            if to == AutomationStatus::Active { "Already switched on." } else { "Already paused." };
        return visit.redirect(format!("/automations/{id}")).flash(already);
    }
    let page = SwitchPage::load(&mut conn, automation, to, visit.now()).await?;
    drop(conn);
    visit.page(&page)
}

async fn switch(
    conn: &mut Conn,
    actor: &Actor,
    now: DateTime<Utc>,
    id: AutomationId,
    status: AutomationStatus,
) -> Result<Automation, Error> {
    let change = AutomationChange { status: Some(status), ..AutomationChange::default() };
    db::transaction(conn, async |tx| automations::update(tx.open(), actor, id, change, now).await)
        .await
}

impl SwitchPage {
    async fn load(
        conn: &mut Conn,
        automation: Automation,
        to: AutomationStatus,
        now: DateTime<Utc>,
    ) -> Result<Self, Error> {
        let id = automation.id;
        let newest = counts::newest(conn, id).await?;
        let inside = newest.with(EnrollmentStatus::Active);
        let waiting = counts::messages(conn, id, now).await?.pending;
        let activates = to == AutomationStatus::Active;
        let warnings = if activates { warnings(conn, &automation).await? } else { Vec::new() };
        Ok(Self {
            id,
            activates,
            has_run: automation.status != AutomationStatus::Draft,
            trigger: sentences::trigger(&automation.definition.trigger),
            steps: step_rows(conn, &automation.definition).await?,
            inside: quantities::capped_count(inside, i64::MAX),
            has_contacts_inside: inside > 0,
            only_newest: (newest.scanned >= SCAN_LIMIT).then_some(SCAN_LIMIT),
            waiting,
            warnings,
            name: automation.name,
        })
    }
}

/// Warnings about missing parts, texts, and senders that would not deliver as expected.
async fn warnings(conn: &mut Conn, automation: &Automation) -> Result<Vec<String>, Error> {
    let mut found = error_messages(&automation.definition.missing());
    found.extend(automations::template_check::warnings(conn, &automation.definition).await?);
    let (_, ids) = automation.definition.refers_to();
    let senders = senders::find_many(conn, &ids).await?;
    let mut senders: Vec<Sender> = senders.into_values().collect();
    senders.sort_by_key(Sender::label);
    let usable = senders::usable_ids(conn).await?;
    for sender in &senders {
        if !usable.contains(&sender.id) {
            found.push(format!("{} can’t send now. Check the Connection Center.", sender.label()));
        }
        if sender.webhook_error.is_some() {
            found.push(format!("Replies to {}, such as STOP, don’t arrive here.", sender.label()));
        }
        let health =
            senders::health_by_sender(conn, sender.connection_id).await?.remove(&sender.id);
        let registrations = health.into_iter().flat_map(|health| health.registrations);
        found.extend(registrations.filter_map(|registration| registration.concern()));
    }
    Ok(found)
}

impl Page for SwitchPage {
    const TEMPLATE: &'static str = "ui/automations/switch.html";
}

#[cfg(debug_assertions)]
#[path = "samples/switch.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::FieldErrors;

    #[test]
    fn an_error_names_the_step_or_trigger_it_belongs_to() {
        let errors = FieldErrors::default()
            .with("steps.1.sender_id", "Choose one.")
            .with("trigger.name", "Name it.")
            .with("steps", "Add one.");
        assert_eq!(
            error_messages(&errors),
            ["Add one.", "Step 2: Choose one.", "Trigger: Name it."]
        );
    }
}
