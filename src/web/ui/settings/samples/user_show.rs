//! Samples of the page of a user: the admin's own with an error, a disabled user, and one to whom a
//! link could not be emailed.

use super::UserShowPage;
use crate::error::FieldErrors;
use crate::users::password_resets::UnsentLink;
use crate::users::{Role, User};
use crate::web::ui::samples;
use crate::web::{Samples, Varies};

impl Samples for UserShowPage {
    const VARIES: Varies = Varies { texts: &["account.name", "account.email"], lists: &[] };

    fn samples() -> Vec<Self> {
        let ada = samples::user("Ada <Lovelace>", Role::Admin);
        let ben = User {
            disabled_at: Some(chrono::DateTime::UNIX_EPOCH),
            ..samples::user("Ben", Role::Viewer)
        };
        let errors = FieldErrors::default().with("role", "Ada is the only admin who can sign in.");
        let eve = samples::user("Eve", Role::Viewer);
        let unsent_link = UnsentLink {
            user_id: eve.id,
            created_at: chrono::DateTime::UNIX_EPOCH,
            error: "The mail server refused with code 535.".to_owned(),
        };
        vec![
            Self::new(ada.clone(), ada.id, errors),
            Self::new(ben, ada.id, FieldErrors::default()),
            Self {
                unsent_link: Some(unsent_link),
                ..Self::new(eve, ada.id, FieldErrors::default())
            },
        ]
    }
}
