//! Samples of the page for a forgotten password: without a mail server, and with one before and
//! after a request, and when it is refused.

use super::{Content, ForgotPasswordPage};
use crate::error::FieldErrors;
use crate::web::{Samples, Varies};

impl Samples for ForgotPasswordPage {
    const VARIES: Varies = Varies { texts: &["email"], lists: &[] };

    fn samples() -> Vec<Self> {
        let errors =
            FieldErrors::default().with("email", "Enter an email address such as ada@example.com.");
        let problem = "Too many requests for a link. Try again in 5 minutes.".to_owned();
        vec![
            Self::new(Content::Helpers),
            Self::new(Content::Form),
            Self { email: "\"><b>".to_owned(), errors, ..Self::new(Content::Form) },
            Self {
                email: "ada@example.com".to_owned(),
                problem: Some(problem),
                ..Self::new(Content::Form)
            },
            Self::new(Content::Requested),
        ]
    }
}
