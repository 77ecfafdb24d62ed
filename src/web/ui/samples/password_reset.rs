//! Samples of the page for a new password: empty, with an error, and with a dead link.

use super::PasswordResetPage;
use crate::error::FieldErrors;
use crate::types::token::RandomToken;
use crate::users::Role;
use crate::web::ui::samples;
use crate::web::{Samples, Varies};

impl Samples for PasswordResetPage {
    const VARIES: Varies = Varies { texts: &["whose.name", "whose.email"], lists: &[] };

    fn samples() -> Vec<Self> {
        let (user, token) = (samples::user("Ben <Osei>", Role::Viewer), RandomToken::generate());
        let errors = FieldErrors::default().with("password", "Use at least 10 characters.");
        vec![
            Self::of(&user, &token, FieldErrors::default()),
            Self::of(&user, &token, errors),
            Self::gone(),
        ]
    }
}
