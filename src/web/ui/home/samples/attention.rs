//! Samples of the list of problems.

use super::Attention;

impl Attention {
    /// Three problems, one of them without a link.
    pub(in crate::web::ui::home) fn samples() -> Vec<Self> {
        let line =
            |text: &str| Self::with_link(text.to_owned(), "/connections/1".to_owned(), "See why");
        let without_link = Self::without_link(
            "3 jobs have failed. Ask an admin to look at it: Ada <1>.".to_owned(),
        );
        vec![
            line("3 webhooks of Shop <1> were rejected within a day."),
            line("About 1,200 messages would expire."),
            without_link,
        ]
    }
}
