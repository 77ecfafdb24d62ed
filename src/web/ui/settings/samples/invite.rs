//! Samples of the form for an invitation: empty, and with errors.

use super::{InviteForm, InvitePage};
use crate::error::FieldErrors;
use crate::web::{Samples, Varies};

impl Samples for InvitePage {
    const VARIES: Varies = Varies { texts: &["form.email"], lists: &[] };

    fn samples() -> Vec<Self> {
        let wrong = InviteForm { email: "\"<ben>".to_owned(), role: "boss".to_owned() };
        let errors = wrong.parse().err().unwrap_or_default();
        vec![Self::new(InviteForm::default(), FieldErrors::default()), Self::new(wrong, errors)]
    }
}
