//! Samples of the log-in page: empty, and after a wrong password.

use super::LogInPage;
use crate::web::{Samples, Varies};

impl Samples for LogInPage {
    const VARIES: Varies = Varies { texts: &["email"], lists: &[] };

    fn samples() -> Vec<Self> {
        vec![
            Self { email: String::new(), next: "/".to_owned(), problem: None },
            Self {
                email: "\"><b>".to_owned(),
                next: "/contacts".to_owned(),
                problem: Some("Incorrect email or password.".to_owned()),
            },
        ]
    }
}
