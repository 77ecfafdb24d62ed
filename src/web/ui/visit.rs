//! A visit: a request for a page with its visitor, and the ways to answer it.
//!
//! Authorisation is part of the handler's signature: `visit: Visit<Marketer>` admits marketers and
//! admins only.

use std::net::IpAddr;

use actix_web::cookie::Cookie;
use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::http::header::{ContentType, USER_AGENT};
use actix_web::web::Data;
use actix_web::{FromRequest, HttpRequest, HttpResponse};
use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use futures::future::LocalBoxFuture;
use futures::{FutureExt, try_join};

use super::layout::Layout;
use crate::context::Context;
use crate::db::PooledConn;
use crate::ledger::days_input::Today;
use crate::senders::{self, Stopped};
use crate::types::id::UserId;
use crate::types::token::RandomToken;
use crate::users::audit::Actor;
use crate::users::log_in::KnownBrowser;
use crate::users::organization::{self, Organization};
use crate::users::{Role, Theme, User, sessions};
use crate::web::http::access::Access;
use crate::web::http::client_address::{client_address, warn_of_unknown_proxy};
use crate::web::http::cookies::Cookies;
use crate::web::http::error::{PageError, PageResult};
use crate::web::http::flash::Flash;
use crate::web::http::page::{Page, Pages};
use crate::web::http::redirect::Redirect;
use crate::web::http::{csrf, known_browser, user_agent};

/// A request for a page from a visitor whom `R` admits.
pub struct Visit<R: Access> {
    /// The shared state of the process.
    pub context: Data<Context>,
    /// The page templates.
    pub(in crate::web) pages: Data<Pages>,
    /// The user; with [`Anyone`](crate::web::Anyone), an `Option`.
    pub user: R::Who,
    /// The organization's settings, such as default country and time zone.
    pub organization: Organization,
    /// The stopped connections and senders, for the head of every page; empty if no user is signed
    /// in.
    stops: Vec<Stopped>,
    anchor: RandomToken,
    session: Option<RandomToken>,
    flash: Option<Flash>,
    cookies: Cookies,
    set: Vec<Cookie<'static>>,
    path: String,
    /// Whether the sidebar is folded in this browser.
    folded: bool,
    address: Option<IpAddr>,
    browser: String,
    known_browsers: Vec<KnownBrowser>,
}

impl<R: Access> Visit<R> {
    /// Answers with a page.
    pub fn page<P: Page>(self, page: &P) -> PageResult {
        self.answer(StatusCode::OK, page)
    }

    /// Answers with a form that could not be accepted (422): the input, and what is wrong with it.
    pub fn invalid<P: Page>(self, page: &P) -> PageResult {
        self.answer(StatusCode::UNPROCESSABLE_ENTITY, page)
    }

    /// Answers with a page and another status.
    pub fn answer<P: Page>(self, status: StatusCode, page: &P) -> PageResult {
        let invalid =
            matches!(status, StatusCode::UNPROCESSABLE_ENTITY | StatusCode::TOO_MANY_REQUESTS);
        let layout = Layout { flash: self.flash.as_ref(), invalid, ..self.layout() };
        let html = self
            .pages
            .render(page, &layout)
            .map_err(|error| PageError::Internal(with_causes(&error)))?;
        let mut response = HttpResponse::build(status);
        response.content_type(ContentType::html());
        for cookie in self.set {
            response.cookie(cookie);
        }
        Ok(response.body(html))
    }

    /// The data of the layout for this visitor. The message for the next page is not used up.
    pub(in crate::web) fn layout(&self) -> Layout<'_> {
        let user = R::user(&self.user);
        Layout {
            organization: &self.organization.name,
            time_zone: self.zone().name(),
            day_zone: self.organization.day_zone.name(),
            theme: user.map_or(Theme::Automatic, |user| user.theme),
            path: &self.path,
            csrf: csrf::token(&self.context.secret_key, &self.anchor),
            flash: None,
            stops: &self.stops,
            user,
            can_edit: user.is_some_and(|user| user.role >= Role::Marketer),
            can_administer: user.is_some_and(|user| user.role >= Role::Admin),
            folded: self.folded,
            has_style_guide: self.has_style_guide(),
            invalid: false,
        }
    }

    /// Redirects to one of our pages (303); `path` excludes the path prefix of the public URL.
    pub fn redirect(&self, path: impl Into<String>) -> Redirect {
        Redirect::to(self.context.clone(), self.pages.clone(), path)
    }

    /// Whether this process shows the style guide: the demo and debug builds do.
    pub(in crate::web) fn has_style_guide(&self) -> bool {
        cfg!(debug_assertions) || self.context.config.is_demo()
    }

    /// A connection to the database.
    pub async fn conn(&self) -> Result<PooledConn, PageError> {
        Ok(self.context.db.get().await?)
    }

    /// The current time.
    pub fn now(&self) -> DateTime<Utc> {
        self.context.clock.now()
    }

    /// The current time, and the time zone in which days begin.
    pub(in crate::web) fn today(&self) -> Today {
        Today { now: self.now(), zone: self.organization.day_zone }
    }

    /// The time zone that times are shown in: the user's, or else the organization's.
    pub fn zone(&self) -> Tz {
        R::user(&self.user).and_then(User::zone).unwrap_or(self.organization.time_zone)
    }

    /// The visitor's browser and system, in words.
    pub(in crate::web) fn browser(&self) -> &str {
        &self.browser
    }

    /// The visitor's IP address, as far as the trusted proxies report it.
    pub(in crate::web) fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// The users who have logged in with this browser before.
    pub(in crate::web) fn known_browsers(&self) -> Vec<KnownBrowser> {
        self.known_browsers.clone()
    }

    /// Redirects a user who has just signed in, with the cookies of the new session.
    pub(in crate::web) fn signed_in(
        &self,
        user: UserId,
        session: &RandomToken,
        path: &str,
    ) -> Redirect {
        let known = known_browser::cookie_of(
            &self.context.secret_key,
            self.known_browsers(),
            user,
            self.now(),
        );
        self.redirect(path)
            .cookie(self.cookies.set_session(session))
            .cookie(self.cookies.set_known(known))
    }

    /// The token of the session; `None` if no user is signed in.
    pub(in crate::web) fn session(&self) -> Option<&RandomToken> {
        self.session.as_ref()
    }

    pub(in crate::web) fn cookies(&self) -> Cookies {
        self.cookies
    }
}

impl<R: Access<Who = User>> Visit<R> {
    /// The user as the audit log names them.
    pub fn actor(&self) -> Actor {
        Actor::from(&self.user)
    }
}

impl<R: Access> FromRequest for Visit<R> {
    type Error = PageError;
    type Future = LocalBoxFuture<'static, Result<Self, PageError>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let (Some(context), Some(pages)) = (
            request.app_data::<Data<Context>>().cloned(),
            request.app_data::<Data<Pages>>().cloned(),
        ) else {
            return async {
                Err(PageError::Internal(
                    "the application was not registered with the server".to_owned(),
                ))
            }
            .boxed_local();
        };
        let cookies = Cookies::of(&context.config.public_url);
        let presented = cookies.session(request);
        let visitor = cookies.visitor(request);
        let flash = cookies.flash(request);
        let folded = cookies.is_sidebar_folded(request);
        let path = request.path().to_owned();
        let address = client_address(request, &context.config.trusted_proxies);
        warn_of_unknown_proxy(request, &context.config.trusted_proxies);
        let known_browsers = cookies
            .known(request)
            .map(|cookie| known_browser::read(&context.secret_key, &cookie, context.clock.now()));
        let known_browsers = known_browsers.unwrap_or_default();
        let agent = request.headers().get(USER_AGENT).and_then(|agent| agent.to_str().ok());
        let browser = user_agent::in_words(agent.unwrap_or_default());
        async move {
            let now = context.clock.now();
            let mut conn = context.db.get().await?;
            let user = match &presented {
                Some(token) => sessions::find(&mut conn, token, now).await?,
                None => None,
            };
            let session = presented.clone().filter(|_| user.is_some());
            let user = R::admit(user)?;
            let stops = async {
                if session.is_some() { senders::list_stopped(&conn).await } else { Ok(Vec::new()) }
            };
            let (organization, stops) = try_join!(organization::find(&conn), stops)?;
            drop(conn);
            let mut set = Vec::new();
            let anchor = presented.or(visitor).unwrap_or_else(|| {
                let token = RandomToken::generate();
                set.push(cookies.set_visitor(&token));
                token
            });
            if flash.is_some() {
                set.push(cookies.clear_flash());
            }
            let flash = flash.and_then(|value| Flash::verify(&value, &context.secret_key));
            Ok(Self {
                context,
                pages,
                user,
                organization,
                stops,
                anchor,
                session,
                flash,
                cookies,
                set,
                path,
                folded,
                address,
                browser,
                known_browsers,
            })
        }
        .boxed_local()
    }
}

/// An error with its causes, which contain file and line of a template.
fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}
