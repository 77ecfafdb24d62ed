//! The home page: before anything is set up, busy, and quiet.

use super::HomePage;
use crate::users::Role;
use crate::web::ui::home::attention::Attention;
use crate::web::ui::home::dashboard::Dashboard;
use crate::web::ui::home::steps::{self, Done};
use crate::web::{Samples, Varies};

impl Samples for HomePage {
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
        let nothing = |role| Self {
            steps: steps::steps(Done::default(), role),
            attention: Vec::new(),
            dashboard: None,
        };
        let busy = |dashboard| Self {
            steps: steps::steps(Done::ALL, Role::Admin),
            attention: Attention::samples(),
            dashboard: Some(dashboard),
        };
        [Role::Admin, Role::Viewer]
            .map(nothing)
            .into_iter()
            .chain(Dashboard::samples().into_iter().map(busy))
            .collect()
    }
}
