//! Samples of the page for a new source: the cards, a form, and one with errors.

use super::{NewSourceForm, NewSourcePage};
use crate::error::FieldErrors;
use crate::web::ui::sources::source_choices::SourceChoice;
use crate::web::ui::typed_secret::TypedSecret;
use crate::web::{Samples, Varies};

impl Samples for NewSourcePage {
    const VARIES: Varies = Varies { texts: &["form.name"], lists: &[] };

    fn samples() -> Vec<Self> {
        let form = |from: &str| NewSourceForm {
            from: from.to_owned(),
            name: "Shop <1>".to_owned(),
            secret: TypedSecret::default(),
        };
        let errors = FieldErrors::default()
            .with("name", "Another source has this name. Choose a different one.")
            .with("secret", "Enter the secret.")
            .with("form", "The mapping of this preset is out of date.");
        vec![
            Self::new(None, NewSourceForm::default(), FieldErrors::default()),
            Self::new(SourceChoice::find("segment"), form("segment"), FieldErrors::default()),
            Self::new(SourceChoice::find("shopify"), form("shopify"), errors),
        ]
    }
}
