//! The settings pages, for admins: users and invitations, API keys, organization, opt-out words and
//! audit log. Each page is in the file of its name, such as [`user_list::UserListPage`];
//! [`secret_to_copy::SecretToCopyPage`] shows links and keys once. Start with [`user_list`].

pub(super) mod api_keys;
pub(super) mod audit_log;
pub(super) mod invite;
pub(super) mod new_api_key;
pub(super) mod opt_out_words;
pub(super) mod organization;
mod role_choices;
pub(super) mod secret_to_copy;
mod user_buttons;
pub(super) mod user_list;
pub(super) mod user_show;

use actix_web::web::{self, ServiceConfig};

/// Mounts `/settings`.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/settings").get(user_list::redirect_to_list))
        .service(web::resource("/settings/users").get(user_list::show))
        .service(web::resource("/settings/users/invite").get(invite::show).post(invite::create))
        .service(web::resource("/settings/invitations/{id}/renew").post(invite::renew))
        .service(web::resource("/settings/invitations/{id}/withdraw").post(invite::withdraw))
        .service(web::resource("/settings/users/{id}").get(user_show::show))
        .service(web::resource("/settings/users/{id}/role").post(user_buttons::change_role))
        .service(web::resource("/settings/users/{id}/disable").post(user_buttons::disable))
        .service(web::resource("/settings/users/{id}/enable").post(user_buttons::enable))
        .service(web::resource("/settings/users/{id}/reset").post(user_buttons::reset))
        .service(web::resource("/settings/keys").get(api_keys::list))
        .service(
            web::resource("/settings/keys/new").get(new_api_key::new).post(new_api_key::create),
        )
        .service(web::resource("/settings/keys/{id}/revoke").post(api_keys::revoke))
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
