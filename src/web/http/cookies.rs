//! The cookies of a browser: session, visitor's token, message, known users, folded sidebar.

use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};

use super::known_browser;
use crate::types::public_url::PublicUrl;
use crate::types::token::RandomToken;
use crate::users::sessions;

const SESSION: &str = "carillon_session";
const VISITOR: &str = "carillon_visitor";
const FLASH: &str = "carillon_flash";
const KNOWN: &str = "carillon_known";
const SIDEBAR: &str = "carillon_sidebar";

/// Names and flags of the cookies. Over https they are `Secure` and carry the `__Host-` prefix,
/// which no subdomain can forge.
#[derive(Debug, Clone, Copy)]
pub(in crate::web) struct Cookies {
    secure: bool,
}

impl Cookies {
    pub(in crate::web) fn of(public_url: &PublicUrl) -> Self {
        Self { secure: public_url.is_https() }
    }

    /// The session's token, if the browser presents one.
    pub(in crate::web) fn session(self, request: &HttpRequest) -> Option<RandomToken> {
        self.read(request, SESSION).as_deref().and_then(RandomToken::parse)
    }

    /// The token of a browser without a session, to which its forms are bound.
    pub(in crate::web) fn visitor(self, request: &HttpRequest) -> Option<RandomToken> {
        self.read(request, VISITOR).as_deref().and_then(RandomToken::parse)
    }

    pub(in crate::web) fn flash(self, request: &HttpRequest) -> Option<String> {
        self.read(request, FLASH)
    }

    /// The signed names of the users who have logged in with this browser before.
    pub(in crate::web) fn known(self, request: &HttpRequest) -> Option<String> {
        self.read(request, KNOWN)
    }

    pub(in crate::web) fn set_known(self, value: String) -> Cookie<'static> {
        self.cookie(KNOWN, value, Some(Duration::days(known_browser::LIFETIME.num_days())))
    }

    pub(in crate::web) fn set_session(self, token: &RandomToken) -> Cookie<'static> {
        self.cookie(
            SESSION,
            token.expose().to_owned(),
            Some(Duration::seconds(sessions::LIFETIME.num_seconds())),
        )
    }

    pub(in crate::web) fn set_visitor(self, token: &RandomToken) -> Cookie<'static> {
        self.cookie(VISITOR, token.expose().to_owned(), None)
    }

    pub(in crate::web) fn set_flash(self, value: String) -> Cookie<'static> {
        self.cookie(FLASH, value, Some(Duration::minutes(2)))
    }

    /// Whether the sidebar is folded in this browser.
    pub(in crate::web) fn is_sidebar_folded(self, request: &HttpRequest) -> bool {
        self.read(request, SIDEBAR).is_some_and(|value| value == "folded")
    }

    pub(in crate::web) fn set_sidebar(self, is_folded: bool) -> Cookie<'static> {
        if is_folded {
            self.cookie(SIDEBAR, "folded".to_owned(), Some(Duration::days(365)))
        } else {
            self.cleared(SIDEBAR)
        }
    }

    pub(in crate::web) fn clear_session(self) -> Cookie<'static> {
        self.cleared(SESSION)
    }

    pub(in crate::web) fn clear_flash(self) -> Cookie<'static> {
        self.cleared(FLASH)
    }

    fn read(self, request: &HttpRequest, name: &str) -> Option<String> {
        request.cookie(&self.name(name)).map(|cookie| cookie.value().to_owned())
    }

    fn cleared(self, name: &str) -> Cookie<'static> {
        let mut cookie = self.cookie(name, String::new(), None);
        cookie.make_removal();
        cookie
    }

    fn name(self, name: &str) -> String {
        if self.secure { format!("__Host-{name}") } else { name.to_owned() }
    }

    fn cookie(self, name: &str, value: String, max_age: Option<Duration>) -> Cookie<'static> {
        let mut cookie = Cookie::build(self.name(name), value)
            .path("/")
            .http_only(true)
            .same_site(SameSite::Lax)
            .secure(self.secure)
            .finish();
        cookie.set_max_age(max_age);
        cookie
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_bound_to_the_host_over_https() {
        let token = RandomToken::generate();
        let https = Cookies::of(&PublicUrl::parse("https://sms.example.com").unwrap())
            .set_session(&token)
            .to_string();
        assert!(https.starts_with("__Host-carillon_session="), "{https}");
        for flag in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=2592000"] {
            assert!(https.contains(flag), "{https}");
        }
        assert!(!https.contains("Domain"));
    }

    #[test]
    fn plain_http_still_works_on_a_local_machine() {
        let http = Cookies::of(&PublicUrl::parse("http://127.0.0.1:8080").unwrap())
            .set_session(&RandomToken::generate())
            .to_string();
        assert!(http.starts_with("carillon_session=") && !http.contains("Secure"), "{http}");
    }
}
