//! Samples of the settings of a source: of both kinds, disabled, and with errors.

use super::{SourceForm, SourceSettingsPage};
use crate::error::FieldErrors;
use crate::sources::Source;
use crate::web::ui::sources::show::KeyView;
use crate::web::ui::sources::source_view::SourceView;
use crate::web::ui::sources::verification_form::VerificationMethod;
use crate::web::{Samples, Varies};

impl SourceSettingsPage {
    fn sample(source: &Source, errors: FieldErrors, active_actions: usize) -> Option<Self> {
        Some(Self {
            source: SourceView::of(source)?,
            form: SourceForm::of(source),
            errors,
            methods: VerificationMethod::choices(),
            has_secret: active_actions > 0,
            keys: KeyView::samples(),
            active_actions,
        })
    }
}

impl Samples for SourceSettingsPage {
    const VARIES: Varies = Varies { texts: &["source.name", "form.name"], lists: &[] };

    fn samples() -> Vec<Self> {
        let signed = |verification| Source { verification, ..Source::shopify_sample() };
        let hmac = signed(serde_json::json!({ "type": "hmac", "header": "X-Sign <1>" }));
        let errors = FieldErrors::default()
            .with("name", "Enter a name of up to 100 characters.")
            .with("hmac_header", "A header’s name has no spaces.")
            .with("tolerance_seconds", "Enter a whole number of seconds, such as 300.")
            .with("secret", "Enter the secret.");
        let none = FieldErrors::default;
        let pages = [
            Self::sample(&Source::sample(), none(), 2),
            Self::sample(&Source::webhook_sample(), none(), 0),
            Self::sample(&Source::shopify_sample(), none(), 0),
            Self::sample(&hmac, errors, 1),
        ];
        pages.into_iter().flatten().collect()
    }
}
