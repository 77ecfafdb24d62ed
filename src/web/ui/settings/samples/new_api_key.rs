//! Samples of the form for an API key: empty, and with errors.

use super::{KeyForm, NewApiKeyPage};
use crate::error::FieldErrors;
use crate::web::{Samples, Varies};

impl Samples for NewApiKeyPage {
    const VARIES: Varies = Varies { texts: &["form.name"], lists: &[] };

    fn samples() -> Vec<Self> {
        let errors = FieldErrors::default().with("name", "Enter a name of up to 100 characters.");
        vec![
            Self::new(KeyForm::default(), FieldErrors::default()),
            Self::new(KeyForm::default(), errors),
        ]
    }
}
