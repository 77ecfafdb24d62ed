//! The buttons of the box that sends a message: *Send*, and *Preview* for browsers without scripts.

use actix_web::web::Path;

use super::composer_form::ComposerForm;
use super::show::{self, FormInput};
use crate::contacts;
use crate::error::Error;
use crate::types::id::ContactId;
use crate::web::ui::messages::new_message;
use crate::web::{Form, Marketer, PageResult, Visit};

/// Sends the message, or without scripts shows its preview.
pub(super) async fn send(
    visit: Visit<Marketer>,
    id: Path<ContactId>,
    form: Form<ComposerForm>,
) -> PageResult {
    let mut form = form.into_inner();
    if form.action == "preview" {
        return show::show_preview(visit, *id, form).await;
    }
    let mut conn = visit.conn().await?;
    let contact = contacts::find(&mut conn, *id).await?;
    let sent = match form.request(&mut conn, &contact).await {
        Ok(request) => new_message::send(&mut conn, &visit, &request, &form.key(*id)).await,
        Err(error) => Err(error),
    };
    drop(conn);
    match sent {
        Ok(_) => visit.redirect(format!("/contacts/{id}")).flash("Message on its way."),
        Err(Error::Invalid(errors)) => {
            if errors.iter().any(|(field, _)| field == "form") {
                form.request_key.clear();
            }
            let input = FormInput { message: form, ..FormInput::default() };
            show::show_with_errors(visit, *id, input, errors).await
        }
        Err(error) => Err(error.into()),
    }
}
