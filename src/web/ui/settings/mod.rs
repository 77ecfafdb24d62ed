//! The settings pages, for admins: users and invitations, API keys, organization, opt-out words and
//! audit log. Each page is in the file of its name, such as [`users::UsersPage`];
//! [`secret::SecretPage`] shows links and keys once. Start with [`users`].

pub(super) mod audit_log;
pub(super) mod invite;
pub(super) mod keys;
pub(super) mod new_key;
pub(super) mod opt_out_words;
pub(super) mod organization;
mod roles;
pub(super) mod secret;
pub(super) mod user;
pub(super) mod users;

use actix_web::web::{self, ServiceConfig};

use crate::web::{Admin, PageResult, Visit};

/// Mounts `/settings`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/settings").get(redirect_to_users))
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
        .service(web::resource("/settings/log").get(audit_log::show));
}

async fn redirect_to_users(visit: Visit<Admin>) -> PageResult {
    visit.redirect("/settings/users").silently()
}
