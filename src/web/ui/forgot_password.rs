//! The page for users who have forgotten their password. With a mail server, it emails a link;
//! without one, it says who can help.
//!
//! What it answers, and how long that takes, is the same with and without an account: the user is
//! looked up and the link is emailed in the background.

use actix_web::http::StatusCode;
use actix_web::http::header::{HeaderValue, RETRY_AFTER};
use actix_web::rt;
use actix_web::web::{self, ServiceConfig};
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::context::Context;
use crate::error::FieldErrors;
use crate::mail::{Mailer, OutgoingEmail};
use crate::users::{self, password_link_requests, password_resets};
use crate::web::http::error::PageError;
use crate::web::{Anyone, Form, Page, PageResult, Visit};

/// The connections to the mail server that one process has at a time.
static MAIL_CONNECTIONS: Semaphore = Semaphore::const_new(4);

/// Mounts `/login/forgot`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/login/forgot").get(show).post(request_link));
}

/// The form that requests a link.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct LinkRequestForm {
    email: String,
}

/// The page for a forgotten password.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ForgotPasswordPage {
    content: Content,
    email: String,
    /// Why no link can be requested now.
    problem: Option<String>,
    errors: FieldErrors,
}

/// What the page shows.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum Content {
    /// Who can help, without a mail server.
    Helpers,
    /// The form that requests a link.
    Form,
    /// That a link is on its way, if there is an account.
    Requested,
}

async fn show(visit: Visit<Anyone>) -> PageResult {
    let has_mailer = visit.context.mailer.is_some();
    let content = if has_mailer { Content::Form } else { Content::Helpers };
    visit.page(&ForgotPasswordPage::new(content))
}

async fn request_link(visit: Visit<Anyone>, form: Form<LinkRequestForm>) -> PageResult {
    let Some(mailer) = visit.context.mailer.clone() else {
        return Err(PageError::NotFound("page"));
    };
    let email = form.email.clone();
    let page = ForgotPasswordPage { email, ..ForgotPasswordPage::new(Content::Form) };
    let email = match users::parse_email(&form.email) {
        Ok(email) => email,
        Err(error) => {
            let errors = FieldErrors::default().with("email", error);
            return visit.invalid(&ForgotPasswordPage { errors, ..page });
        }
    };
    let (now, address) = (visit.now(), visit.address());
    let mut conn = visit.conn().await?;
    let admission = conn
        .transaction::<_, PageError, _>(async |conn| {
            Ok(password_link_requests::admit(conn, &email, address, now).await?)
        })
        .await?;
    drop(conn);
    if let Err(refusal) = admission {
        let problem = Some(refusal.to_string());
        let page = ForgotPasswordPage { problem, ..page };
        let mut response = visit.answer(StatusCode::TOO_MANY_REQUESTS, &page)?;
        let wait = HeaderValue::from(refusal.0.num_seconds());
        response.headers_mut().insert(RETRY_AFTER, wait);
        return Ok(response);
    }
    let context = visit.context.clone();
    rt::spawn(async move {
        if let Err(error) = email_link(&context, &mailer, &email).await {
            tracing::warn!(%error, "a password link could not be created");
        }
    });
    visit.page(&ForgotPasswordPage::new(Content::Requested))
}

/// Emails a link to the active user with this address, if there is one. If the email fails, admins
/// see the reason.
async fn email_link(context: &Context, mailer: &Mailer, email: &str) -> Result<(), PageError> {
    let now = context.clock.now();
    let mut conn = context.db.get().await?;
    let created = conn
        .transaction::<_, PageError, _>(async |conn| {
            Ok(password_resets::create_for_email(conn, email, now).await?)
        })
        .await?;
    drop(conn);
    let Some((user, token)) = created else { return Ok(()) };
    let link = context.config.public_url.join(&format!("/reset?token={}", token.expose()));
    let text = email_text(&link);
    let email =
        OutgoingEmail { to: &user.email, subject: "Reset your Carillon password", text: &text };
    let permit = MAIL_CONNECTIONS.acquire().await;
    let sent = mailer.send(&email, now).await;
    drop(permit);
    if let Err(error) = sent {
        tracing::warn!(user.id = %user.id, %error, "a password link could not be emailed");
        let mut conn = context.db.get().await?;
        password_resets::record_unsent(&mut conn, &token, &error.to_string()).await?;
    }
    Ok(())
}

/// The text of the email, in ASCII, so that every mail server takes it as it is.
fn email_text(link: &str) -> String {
    format!(
        "Choose a new password for your Carillon account:\n\n{link}\n\nThis link works once, for \
         1 hour. A new password signs you out everywhere else.\n\nCarillon does not know who \
         requested this link. If it was not you, ignore this email. Your password stays the \
         same.\n"
    )
}

impl ForgotPasswordPage {
    fn new(content: Content) -> Self {
        Self { content, email: String::new(), problem: None, errors: FieldErrors::default() }
    }
}

impl Page for ForgotPasswordPage {
    const TEMPLATE: &'static str = "ui/forgot_password.html";
}

#[cfg(debug_assertions)]
#[path = "samples/forgot_password.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_ascii_with_the_link_on_a_line_of_its_own() {
        let link = "https://sms.example.com/reset?token=x";
        let text = email_text(link);
        assert!(text.is_ascii() && text.lines().any(|line| line == link), "{text}");
    }
}
