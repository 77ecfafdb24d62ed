//! Search, as a page and as the suggestions of the command palette (`static/palette.js`), which
//! share their results. [`show`] is the page; [`results`] turns what a search finds into links, and
//! [`destinations`] are the pages and actions of a role. Start with [`results`].

mod destinations;
mod query;
mod results;
pub(super) mod show;
mod suggestions;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/search` and below.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/search").get(show::show))
        .service(web::resource("/search/suggestions").get(suggestions::show));
}
