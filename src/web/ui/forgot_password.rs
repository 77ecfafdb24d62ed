//! The page for users who have forgotten their password: it says who can help. Carillon sends no
//! e-mail, so that it cannot send a link itself.

use actix_web::web::{self, ServiceConfig};
use serde::Serialize;

use crate::web::{Anyone, Page, PageResult, Visit};

/// Mounts `/login/forgot`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/login/forgot").get(show));
}

/// The page that says who can help.
#[derive(Debug, Serialize)]
pub(in crate::web) struct ForgotPasswordPage {}

async fn show(visit: Visit<Anyone>) -> PageResult {
    visit.page(&ForgotPasswordPage {})
}

impl Page for ForgotPasswordPage {
    const TEMPLATE: &'static str = "ui/forgot_password.html";
}

#[cfg(debug_assertions)]
#[path = "samples/forgot_password.rs"]
mod samples;
