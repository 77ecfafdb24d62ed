//! The page for a new automation: starters, each with its templates, or an empty editor.

use serde::{Deserialize, Serialize};

use super::labels;
use crate::automations::{self, STARTERS, Starter, StarterStep};
use crate::error::Result;
use crate::web::quantities::duration;
use crate::web::{Form, Marketer, Page, PageResult, Visit};
use crate::{db, senders};

/// The chosen starter.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct StarterInput {
    starter: String,
}

/// The page with all starters.
#[derive(Debug, Serialize)]
pub(in crate::web) struct AutomationStartersPage {
    starters: Vec<StarterCard>,
}

/// A starter, as the page shows it.
#[derive(Debug, Serialize)]
struct StarterCard {
    key: &'static str,
    name: &'static str,
    purpose: &'static str,
    trigger: String,
    steps: Vec<StarterStepLine>,
}

/// A step of a starter: a text to send, or a wait in words.
#[derive(Debug, Serialize)]
struct StarterStepLine {
    body: Option<&'static str>,
    wait: Option<String>,
}

pub(super) async fn show(visit: Visit<Marketer>) -> PageResult {
    let page = AutomationStartersPage::new()?;
    visit.page(&page)
}

pub(super) async fn create(visit: Visit<Marketer>, form: Form<StarterInput>) -> PageResult {
    let Some(starter) = STARTERS.iter().find(|starter| starter.key == form.starter) else {
        return visit.redirect("/automations/starters").warning("Choose one of these.");
    };
    let (actor, now) = (visit.actor(), visit.now());
    let mut conn = visit.conn().await?;
    let sender_id = match senders::usable(&mut conn).await?.as_slice() {
        [only] => Some(only.id),
        _ => None,
    };
    let created = db::transaction(&mut conn, async |tx| {
        automations::create_starter(&mut tx.open(), &actor, starter, sender_id, now).await
    })
    .await?;
    visit.redirect(format!("/automations/{}/edit", created.id)).flash(
        "Draft created, with its texts as templates. Change what you like, then switch it on.",
    )
}

impl AutomationStartersPage {
    fn new() -> Result<Self> {
        Ok(Self { starters: STARTERS.iter().map(StarterCard::of).collect::<Result<_>>()? })
    }
}

impl StarterCard {
    fn of(starter: &Starter) -> Result<Self> {
        let line = |step: &StarterStep| match *step {
            StarterStep::Send { body, .. } => StarterStepLine { body: Some(body), wait: None },
            StarterStep::Wait(seconds) => {
                StarterStepLine { body: None, wait: Some(format!("Wait {}", duration(seconds))) }
            }
        };
        Ok(Self {
            key: starter.key,
            name: starter.name,
            purpose: starter.purpose,
            trigger: labels::trigger(&starter.trigger()?),
            steps: starter.steps.iter().map(line).collect(),
        })
    }
}

impl Page for AutomationStartersPage {
    const TEMPLATE: &'static str = "ui/automations/starters.html";
}

#[cfg(debug_assertions)]
#[path = "samples/starters.rs"]
mod samples;
