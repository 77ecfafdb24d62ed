//! Samples of the page that shows a secret once: an invitation, a password reset link, an API key.

use super::SecretToCopyPage;
use crate::web::{Samples, Varies};

impl Samples for SecretToCopyPage {
    const VARIES: Varies = Varies { texts: &["lead"], lists: &[] };

    fn samples() -> Vec<Self> {
        vec![
            Self::invitation(
                "<ben>@example.com",
                "https://sms.example.com/join?token=abc".to_owned(),
            ),
            Self::reset(
                "Ben <Osei>",
                "https://sms.example.com/reset?token=abc".to_owned(),
                "/settings/users/1".to_owned(),
            ),
            Self::key("Shop <1>", "ck_abc".to_owned()),
        ]
    }
}
