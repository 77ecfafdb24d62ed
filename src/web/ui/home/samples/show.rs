//! Samples of the home page: before anything is set up, with figures, and without recent messages.

use super::HomeShowPage;
use crate::automations::SetupProgress;
use crate::users::Role;
use crate::web::ui::home::attention::Attention;
use crate::web::ui::home::dashboard::Dashboard;
use crate::web::ui::home::recent_replies::RecentReply;
use crate::web::ui::home::setup_steps;
use crate::web::ui::home::try_next::TryNext;
use crate::web::{Samples, Varies};

impl Samples for HomeShowPage {
    const VARIES: Varies = Varies {
        texts: &[
            "attention.title",
            "attention.detail",
            "dashboard.sources.rows.label",
            "dashboard.causes.title",
            "replies.who",
            "replies.text",
            "next.title",
        ],
        lists: &["attention", "dashboard.sources.rows", "dashboard.causes", "replies"],
    };

    fn samples() -> Vec<Self> {
        let new_installation = |role| {
            let progress = SetupProgress { sender: true, ..SetupProgress::default() };
            Self::new(30, setup_steps::steps(progress, role), None)
        };
        let busy = |dashboard| {
            let steps = setup_steps::steps(SetupProgress::COMPLETE, Role::Admin);
            Self {
                lead: "Both senders are ready. 108 messages are on the way.".to_owned(),
                attention: Attention::samples(),
                replies: RecentReply::samples(),
                next: Some(TryNext::sample()),
                ..Self::new(30, steps, Some(dashboard))
            }
        };
        [Role::Admin, Role::Viewer]
            .map(new_installation)
            .into_iter()
            .chain(Dashboard::samples().into_iter().map(busy))
            .collect()
    }
}
