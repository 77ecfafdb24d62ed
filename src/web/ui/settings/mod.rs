//! Settings, for admins: who may sign in, which programs may call, what the organization is called,
//! and who changed what.

pub(super) mod invite;
pub(super) mod keys;
pub(super) mod link;
pub(super) mod log;
pub(super) mod new_key;
pub(super) mod opt_out_words;
pub(super) mod organization;
mod roles;
pub(super) mod user;
pub(super) mod users;

use actix_web::web::{self, ServiceConfig};

use crate::web::{Admin, PageResult, Visit};

/// Mounts `/settings`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/settings").get(first))
        .service(web::resource("/settings/users").get(users::show))
        .service(web::resource("/settings/users/invite").get(invite::show).post(invite::create))
        .service(web::resource("/settings/invitations/{id}/renew").post(invite::renew))
        .service(web::resource("/settings/invitations/{id}/withdraw").post(invite::withdraw))
        .service(web::resource("/settings/users/{id}").get(user::show))
        .service(web::resource("/settings/users/{id}/role").post(user::change_role))
        .service(web::resource("/settings/users/{id}/disable").post(user::disable))
        .service(web::resource("/settings/users/{id}/enable").post(user::enable))
        .service(web::resource("/settings/users/{id}/reset").post(user::reset))
        .service(web::resource("/settings/keys").get(keys::list))
        .service(web::resource("/settings/keys/new").get(new_key::new).post(new_key::create))
        .service(web::resource("/settings/keys/{id}/revoke").post(keys::revoke))
        .service(
            web::resource("/settings/organization")
                .get(organization::show)
                .post(organization::change),
        )
        .service(
            web::resource("/settings/opt-out-words")
                .get(opt_out_words::show)
                .post(opt_out_words::add),
        )
        .service(web::resource("/settings/opt-out-words/{id}/remove").post(opt_out_words::remove))
        .service(web::resource("/settings/log").get(log::show));
}

async fn first(visit: Visit<Admin>) -> PageResult {
    visit.redirect("/settings/users").silently()
}
