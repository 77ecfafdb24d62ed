//! Samples of the home page: before anything is set up, with figures, and without recent messages.

use super::HomeShowPage;
use crate::automations::SetupProgress;
use crate::users::Role;
use crate::web::ui::home::attention::Attention;
use crate::web::ui::home::dashboard::Dashboard;
use crate::web::ui::home::setup_steps;
use crate::web::{Samples, Varies};

impl Samples for HomeShowPage {
    const VARIES: Varies = Varies {
        texts: &[
            "attention.text",
            "dashboard.senders.rows.label",
            "dashboard.automations.rows.label",
            "dashboard.errors.rows.words",
        ],
        lists: &[
            "attention",
            "dashboard.senders.rows",
            "dashboard.automations.rows",
            "dashboard.errors.rows",
        ],
    };

    fn samples() -> Vec<Self> {
        let new_installation = |role| Self {
            steps: setup_steps::steps(SetupProgress::default(), role),
            attention: Vec::new(),
            dashboard: None,
        };
        let busy = |dashboard| Self {
            steps: setup_steps::steps(SetupProgress::COMPLETE, Role::Admin),
            attention: Attention::samples(),
            dashboard: Some(dashboard),
        };
        [Role::Admin, Role::Viewer]
            .map(new_installation)
            .into_iter()
            .chain(Dashboard::samples().into_iter().map(busy))
            .collect()
    }
}
