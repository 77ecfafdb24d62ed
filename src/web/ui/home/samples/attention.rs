//! Samples of the list of problems.

use super::Attention;

impl Attention {
    /// Three problems, one of them without a link.
    pub(in crate::web::ui::home) fn samples() -> Vec<Self> {
        let line = |icon, title: &str, detail: &str, link: Option<&str>| {
            Self::new(icon, title.to_owned(), detail.to_owned(), link.map(str::to_owned))
        };
        let page = Some("/connections/1");
        vec![
            line(
                "webhook",
                "Carillon rejected 3 webhooks of Shop <1>",
                "Replies are missing.",
                page,
            ),
            line("timer", "About 1,200 messages will wait too long and expire", "Raise it.", page),
            line("server", "3 jobs have failed", "Ask Ada <1> to look at it.", None),
        ]
    }
}
