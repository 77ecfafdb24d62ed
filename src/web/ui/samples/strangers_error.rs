//! Samples of the error page of a visitor who is not signed in.

use super::StrangersErrorPage;
use crate::web::http::error::PageError;
use crate::web::http::page::{Samples, Varies};
use crate::web::ui::error::ErrorPage;

impl Samples for StrangersErrorPage {
    const VARIES: Varies = Varies::NOTHING;

    fn samples() -> Vec<Self> {
        let errors = [
            PageError::NotFound("page"),
            PageError::Expired,
            PageError::Away("No answer.".to_owned()),
        ];
        errors.iter().map(|error| Self(ErrorPage::of(error))).collect()
    }
}
