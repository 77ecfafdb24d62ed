//! The first page after log-in: how much there is, and what to do next.

mod figures;

use actix_web::web::{self, ServiceConfig};
use serde::Serialize;

use crate::web::{Page, PageResult, Viewer, Visit};
use figures::Figures;

/// Mounts `/`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/").get(show));
}

/// The home page.
#[derive(Debug, Serialize)]
pub(in crate::web) struct HomePage {
    figures: Figures,
    /// Empty when all are done.
    steps: Vec<Step>,
}

/// One line of the list for beginners.
#[derive(Debug, Serialize)]
struct Step {
    title: &'static str,
    text: &'static str,
    link: &'static str,
    action: &'static str,
    done: bool,
}

async fn show(visit: Visit<Viewer>) -> PageResult {
    let figures = Figures::load(&mut *visit.conn().await?, visit.now()).await?;
    visit.page(&HomePage::new(figures))
}

impl HomePage {
    fn new(figures: Figures) -> Self {
        let step = |title, text, link, action, done| Step { title, text, link, action, done };
        let mut steps = vec![
            step("Connect Twilio", "Your own account and the number that you send from.", "/connections", "Connect", figures.has_sender),
            step(
                "Write a template",
                "The text of an SMS, with the contact’s name and more in it.",
                "/templates",
                "Write",
                figures.has_template,
            ),
            step("Add contacts", "By hand, or from your shop through the API.", "/contacts", "Add", figures.contacts.number > 0),
            step(
                "Switch on an automation",
                "Something happens, and the right SMS follows.",
                "/automations",
                "Automate",
                figures.has_active_automation,
            ),
        ];
        if steps.iter().all(|step| step.done) {
            steps.clear();
        }
        Self { figures, steps }
    }
}

impl Page for HomePage {
    const TEMPLATE: &'static str = "ui/home.html";

    fn samples() -> Vec<Self> {
        Figures::samples().into_iter().map(Self::new).collect()
    }
}
