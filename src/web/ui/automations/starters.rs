//! The page for a new automation: starters, each with its templates, or an empty editor.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::sentences;
use crate::automations::{self, STARTERS, Starter, StarterStep};
use crate::contacts::Contact;
use crate::error::{Error, Result};
use crate::templates::{TemplateBody, Variables};
use crate::web::quantities::duration;
use crate::web::ui::made_up_contact::made_up_contact;
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

/// A step of a starter: a text as the made-up contact gets it, or a wait in words.
#[derive(Debug, Serialize)]
struct StarterStepLine {
    text: Option<String>,
    wait: Option<String>,
}

/// What the texts are rendered for.
struct StarterExample<'a> {
    contact: Contact,
    event: Value,
    organization: &'a str,
}

pub(super) async fn show(visit: Visit<Marketer>) -> PageResult {
    let page = AutomationStartersPage::new(&visit.organization.name, visit.now())?;
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
    fn new(organization: &str, now: DateTime<Utc>) -> Result<Self> {
        let event = json!({
            "order_id": "1001",
            "cart_url": "https://example.com/cart",
            "review_url": "https://example.com/review",
        });
        let example = StarterExample { contact: made_up_contact(now)?, event, organization };
        let card = |starter| StarterCard::new(starter, &example);
        Ok(Self { starters: STARTERS.iter().map(card).collect::<Result<_>>()? })
    }
}

impl StarterExample<'_> {
    fn render(&self, body: &str) -> Result<String> {
        let variables =
            Variables::new(&self.contact, Some(&self.event)).with_organization(self.organization);
        let body =
            TemplateBody::parse(body).map_err(|error| Error::field("body", error.to_string()))?;
        body.render(&variables).map_err(|error| Error::field("body", error.to_string()))
    }
}

impl StarterCard {
    fn new(starter: &Starter, example: &StarterExample<'_>) -> Result<Self> {
        let line = |step: &StarterStep| -> Result<StarterStepLine> {
            Ok(match *step {
                StarterStep::Send { body, .. } => {
                    StarterStepLine { text: Some(example.render(body)?), wait: None }
                }
                StarterStep::Wait(seconds) => StarterStepLine {
                    text: None,
                    wait: Some(format!("Wait {}", duration(seconds))),
                },
            })
        };
        Ok(Self {
            key: starter.key,
            name: starter.name,
            purpose: starter.purpose,
            trigger: sentences::trigger(&starter.trigger()?),
            steps: starter.steps.iter().map(line).collect::<Result<_>>()?,
        })
    }
}

impl Page for AutomationStartersPage {
    const TEMPLATE: &'static str = "ui/automations/starters.html";
}

#[cfg(debug_assertions)]
#[path = "samples/starters.rs"]
mod samples;
