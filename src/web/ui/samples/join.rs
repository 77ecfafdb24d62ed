//! Samples of the page for an invited user: invited, with errors, and with a dead link.

use super::{Invited, JoinPage};
use crate::error::FieldErrors;
use crate::users::Role;
use crate::web::{Samples, Varies};

impl Samples for JoinPage {
    const VARIES: Varies = Varies { texts: &["invited.email", "name"], lists: &[] };

    fn samples() -> Vec<Self> {
        let invited = |role| {
            Some(Invited { token: "token".to_owned(), email: "ben@example.com".to_owned(), role })
        };
        let errors = FieldErrors::default()
            .with("name", "Enter a name.")
            .with("password", "Use at least 10 characters.");
        vec![
            Self {
                invited: invited(Role::Marketer),
                name: String::new(),
                errors: FieldErrors::default(),
            },
            Self { invited: invited(Role::Viewer), name: "<Ben>".to_owned(), errors },
            Self::gone(),
        ]
    }
}
