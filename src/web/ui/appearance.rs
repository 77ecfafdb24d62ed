//! How pages look to a user: the theme, and whether the sidebar is folded. The sidebar of every
//! page has the forms.

use actix_web::HttpRequest;
use actix_web::web::{self, ServiceConfig};
use diesel_async::AsyncConnection;
use serde::Deserialize;

use super::error_pages::submitting_page;
use crate::error::Error;
use crate::users::User;
use crate::users::profile::{self, Profile};
use crate::web::http::error::PageError;
use crate::web::{Form, PageResult, Viewer, Visit};

/// Mounts `/account/sidebar` and `/account/theme`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/account/sidebar").post(fold_sidebar))
        .service(web::resource("/account/theme").post(change_theme));
}

/// The form that folds and unfolds the sidebar.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct SidebarForm {
    folded: String,
}

/// The form with one button for each theme.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct ThemeForm {
    theme: String,
}

/// Folds or unfolds the sidebar in this browser, and returns to the page.
async fn fold_sidebar(
    visit: Visit<Viewer>,
    form: Form<SidebarForm>,
    request: HttpRequest,
) -> PageResult {
    let cookie = visit.cookies().set_sidebar(form.folded == "true");
    visit.redirect(page_before(&visit, &request)).cookie(cookie).without_message()
}

/// Changes the user's theme in all browsers, and returns to the page.
async fn change_theme(
    visit: Visit<Viewer>,
    form: Form<ThemeForm>,
    request: HttpRequest,
) -> PageResult {
    let user: &User = &visit.user;
    let time_zone = user.time_zone.as_deref().unwrap_or_default();
    let profile = Profile::parse(&user.name, time_zone, &form.theme).map_err(PageError::Invalid)?;
    let mut conn = visit.conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        profile::change(conn, user, &profile, visit.now()).await
    })
    .await?;
    visit.redirect(page_before(&visit, &request)).without_message()
}

/// The page with the form, or the home page.
fn page_before(visit: &Visit<Viewer>, request: &HttpRequest) -> String {
    submitting_page(request, visit.pages.base()).unwrap_or_else(|| "/".to_owned())
}
