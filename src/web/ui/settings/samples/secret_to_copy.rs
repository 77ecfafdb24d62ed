//! Samples of the page that shows a secret once: an invitation, a password reset link, an API key.

use super::SecretToCopyPage;
use crate::types::public_url::PublicUrl;
use crate::users::Role;
use crate::web::{Samples, Varies};

impl Samples for SecretToCopyPage {
    const VARIES: Varies = Varies { texts: &["lead"], lists: &[] };

    fn samples() -> Vec<Self> {
        let key = PublicUrl::parse("https://sms.example.com").map(|public_url| {
            Self::key("Shop <1>", Role::Marketer, "ck_abc".to_owned(), &public_url)
        });
        let links = [
            Self::invitation(
                "<ben>@example.com",
                "https://sms.example.com/join?token=abc".to_owned(),
            ),
            Self::reset(
                "Ben <Osei>",
                "https://sms.example.com/reset?token=abc".to_owned(),
                "/settings/users/1".to_owned(),
            ),
        ];
        links.into_iter().chain(key).collect()
    }
}
