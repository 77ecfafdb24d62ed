//! The log-in page. Attempts are throttled: a request may wait for its turn.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::web::{self, ServiceConfig};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use super::log_in_turn::wait_for_turn;
use crate::users::{self, log_in, sessions};
use crate::web::http::error::PageError;
use crate::web::{Anyone, Form, Page, PageResult, Query, Visit};

/// Mounts `/login`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/login").get(show).post(submit));
}

/// The log-in form.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LogInForm {
    email: String,
    password: String,
    next: String,
}

/// The log-in page.
#[derive(Debug, Serialize)]
pub(in crate::web) struct LogInPage {
    email: String,
    next: String,
    problem: Option<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Next {
    next: String,
}

async fn show(visit: Visit<Anyone>, query: Query<Next>) -> PageResult {
    let mut conn = visit.conn().await?;
    if !users::any(&mut conn).await? {
        return visit.redirect("/setup").without_message();
    }
    if visit.user.is_some() {
        return visit.redirect(local_path(&query.next)).without_message();
    }
    visit.page(&LogInPage {
        email: String::new(),
        next: local_path(&query.next).to_owned(),
        problem: None,
    })
}

async fn submit(visit: Visit<Anyone>, form: Form<LogInForm>) -> PageResult {
    let email = form.email.trim().to_lowercase();
    let page = |problem: String| LogInPage {
        email: form.email.clone(),
        next: local_path(&form.next).to_owned(),
        problem: Some(problem),
    };
    let (now, address, browsers) = (visit.now(), visit.address(), visit.known_browsers());
    let mut conn = visit.conn().await?;
    let admission = conn
        .transaction::<_, PageError, _>(async |conn| {
            Ok(log_in::begin(conn, &email, address, &browsers, now).await?)
        })
        .await?;
    drop(conn);
    let attempt = match wait_for_turn(&visit, admission).await {
        Ok(attempt) => attempt,
        Err(throttled) => {
            let mut response =
                visit.answer(StatusCode::TOO_MANY_REQUESTS, &page(throttled.to_string()))?;
            response
                .headers_mut()
                .insert(RETRY_AFTER, HeaderValue::from(throttled.0.num_seconds()));
            return Ok(response);
        }
    };
    let Some(verified) = attempt.verify(form.password.clone().into()).await? else {
        return visit.invalid(&page("Incorrect email or password.".to_owned()));
    };
    let mut conn = visit.conn().await?;
    let (user, token) = conn
        .transaction::<_, PageError, _>(async |conn| {
            let user = log_in::succeed(conn, verified).await?;
            Ok((user, sessions::start(conn, user, visit.browser(), visit.now()).await?))
        })
        .await?;
    visit.signed_in(user, &token, local_path(&form.next)).without_message()
}

/// Returns `path` if it is a path of this site, else `/`: never another host, however it is written
/// (`//evil`, `/\evil`).
fn local_path(path: &str) -> &str {
    let ours = path.starts_with('/')
        && !path[1..].starts_with(['/', '\\'])
        && !path.contains(|character: char| character.is_control() || character == '\\');
    if ours { path } else { "/" }
}

impl Page for LogInPage {
    const TEMPLATE: &'static str = "ui/log_in.html";
}

#[cfg(debug_assertions)]
#[path = "samples/log_in.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn log_in_never_redirects_to_another_host() {
        assert_eq!(local_path("/contacts?cursor=a"), "/contacts?cursor=a");
        for elsewhere in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "javascript:alert(1)",
            "/\n/evil",
            "/a\\b",
        ] {
            assert_eq!(local_path(elsewhere), "/", "{elsewhere}");
        }
    }
}
