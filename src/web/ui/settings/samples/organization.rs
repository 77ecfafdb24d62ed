//! Samples of the settings of the organization: filled, and with errors.

use super::{OrganizationForm, OrganizationPage};
use crate::error::FieldErrors;
use crate::web::{Samples, Varies};

impl Samples for OrganizationPage {
    const VARIES: Varies = Varies { texts: &["form.organization"], lists: &[] };

    fn samples() -> Vec<Self> {
        let form = OrganizationForm {
            organization: "Bells & <Sons>".to_owned(),
            default_country: "DE".to_owned(),
            time_zone: "Europe/Berlin".to_owned(),
        };
        let errors =
            FieldErrors::default().with("organization", "Enter a name of up to 100 characters.");
        vec![
            Self::new(form, FieldErrors::default()),
            Self::new(OrganizationForm::default(), errors),
        ]
    }
}
