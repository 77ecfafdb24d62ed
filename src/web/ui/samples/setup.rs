//! Samples of the set-up page: empty, and with errors.

use super::{SetupForm, SetupPage};
use crate::error::FieldErrors;
use crate::web::{Samples, Varies};

impl Samples for SetupPage {
    const VARIES: Varies =
        Varies { texts: &["form.name", "form.email", "form.organization"], lists: &[] };

    fn samples() -> Vec<Self> {
        let typed = SetupForm {
            name: "Ada <b>".to_owned(),
            default_country: "DE".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
            ..SetupForm::default()
        };
        let errors = typed.parse().err().unwrap_or_default();
        vec![Self::new(SetupForm::default(), FieldErrors::default()), Self::new(typed, errors)]
    }
}
