//! The cookie of a browser with which users have logged in before: there, failed log-ins of others
//! do not slow them down.
//!
//! It proves nothing else: a thief still needs the password, and has few tries.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use hmac::Mac;

use crate::types::id::UserId;
use crate::types::sealed::SecretKey;
use crate::users::log_in::KnownBrowser;

/// How long a browser stays known after the last log-in.
pub(in crate::web) const LIFETIME: TimeDelta = TimeDelta::days(365);
/// How many users of one browser are remembered, the latest log-ins first.
const MAX_USERS: usize = 5;

/// The value of the cookie after `user` has logged in, including the users before.
pub(in crate::web) fn cookie_of(
    key: &SecretKey,
    before: Vec<KnownBrowser>,
    user: UserId,
    now: DateTime<Utc>,
) -> String {
    let (mine, others): (Vec<_>, Vec<_>) = before.into_iter().partition(|known| known.user == user);
    let new = || KnownBrowser { user, browser: URL_SAFE_NO_PAD.encode(rand::random::<[u8; 12]>()) };
    let users =
        std::iter::once(mine.into_iter().next().unwrap_or_else(new)).chain(others).take(MAX_USERS);
    let one = |known: KnownBrowser| {
        let text = format!("{}.{}.{}", known.user, known.browser, (now + LIFETIME).timestamp());
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(mac(key, &text).finalize().into_bytes()))
    };
    users.map(one).collect::<Vec<_>>().join("~")
}

/// The users that a cookie names; entries that are expired or not signed by us are left out.
pub(in crate::web) fn read(key: &SecretKey, cookie: &str, now: DateTime<Utc>) -> Vec<KnownBrowser> {
    let one = |text: &str| {
        let (text, signature) = text.rsplit_once('.')?;
        mac(key, text).verify_slice(&URL_SAFE_NO_PAD.decode(signature).ok()?).ok()?;
        let [user, browser, until] = text.split('.').collect::<Vec<_>>().try_into().ok()?;
        let until: i64 = until.parse().ok()?;
        (until > now.timestamp())
            .then_some(KnownBrowser { user: user.parse().ok()?, browser: browser.to_owned() })
    };
    cookie.split('~').take(MAX_USERS).filter_map(one).collect()
}

fn mac(key: &SecretKey, text: &str) -> impl Mac {
    key.mac("known browser", text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_is_known_only_to_users_who_logged_in_with_it() {
        let (key, now) =
            (SecretKey::generate(), DateTime::from_timestamp(1_800_000_000, 0).unwrap());
        let (ada, ben) = (UserId::new(), UserId::new());
        let first = cookie_of(&key, Vec::new(), ada, now);
        let known = read(&key, &first, now);
        assert_eq!(known.len(), 1);
        let both = read(&key, &cookie_of(&key, known.clone(), ben, now), now);
        assert_eq!(both.iter().map(|known| known.user).collect::<Vec<_>>(), [ben, ada]);
        let again = read(&key, &cookie_of(&key, both.clone(), ada, now), now);
        assert_eq!((again.len(), &again[0]), (2, &known[0]), "the same browser of the same user");
        assert!(read(&key, &first, now + LIFETIME).is_empty(), "too long ago");
        assert!(read(&SecretKey::generate(), &first, now).is_empty());
        let forged = first.replace(&ada.to_string(), &ben.to_string());
        for bad in [forged.as_str(), "", "~~", "a.b.c.d", &first[1..], &first[..first.len() - 2]] {
            assert!(read(&key, bad, now).is_empty(), "{bad}");
        }
        let many = (0..9).fold(Vec::new(), |before, _| {
            read(&key, &cookie_of(&key, before, UserId::new(), now), now)
        });
        assert_eq!(many.len(), MAX_USERS);
    }
}
