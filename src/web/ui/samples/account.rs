//! Samples of the account page: with one session, and with errors.

use super::AccountPage;
use crate::error::FieldErrors;
use crate::types::id::SessionId;
use crate::users;
use crate::users::sessions::Session;
use crate::web::ui::samples;
use crate::web::{Samples, Varies};

impl Samples for AccountPage {
    const VARIES: Varies =
        Varies { texts: &["account.name", "account.email", "profile.name"], lists: &["sessions"] };

    fn samples() -> Vec<Self> {
        let account = samples::user("Ada <Lovelace>", users::Role::Marketer);
        let session = |browser: &str, here| Session {
            id: SessionId::new(),
            browser: browser.to_owned(),
            created_at: chrono::DateTime::UNIX_EPOCH,
            seen_at: chrono::DateTime::UNIX_EPOCH,
            here,
        };
        let errors = FieldErrors::default()
            .with("current_password", "This is not your current password.")
            .with("name", "Enter a name.");
        let two = vec![session("Firefox on Linux", true), session("Safari on iPhone", false)];
        vec![
            Self::new(
                account.clone(),
                vec![session("Firefox on Linux", true)],
                FieldErrors::default(),
            ),
            Self::new(account, two, errors),
        ]
    }
}
