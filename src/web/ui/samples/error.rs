//! Samples of the error page of a user who is signed in.

use super::ErrorPage;
use crate::error::FieldErrors;
use crate::users::Role;
use crate::web::http::error::PageError;
use crate::web::http::page::{Samples, Varies};

impl Samples for ErrorPage {
    const VARIES: Varies = Varies::NOTHING;

    fn samples() -> Vec<Self> {
        let errors = [
            PageError::NotFound("contact"),
            PageError::Forbidden(Role::Admin),
            PageError::Expired,
            PageError::Invalid(FieldErrors::default().with("tag", "This must not be blank.")),
            PageError::Unstorable("name".to_owned()),
            PageError::Refused("The last admin stays.".to_owned()),
            PageError::Internal("Row <7> is missing.".to_owned()),
        ];
        errors.iter().map(Self::of).collect()
    }
}
