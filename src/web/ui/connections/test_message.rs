//! *Send test message*: one SMS from a sender of the connection, to a phone of the admin.

use actix_web::web::{self, Path, ServiceConfig};

use super::show::{ConnectionShowPage, ConnectionTab};
use super::test_message_input::TestMessageInput;
use crate::db::Conn;
use crate::error::FieldErrors;
use crate::messages::test_message::TestMessage;
use crate::senders;
use crate::twilio::parts;
use crate::types::id::{ConnectionId, MessageId};
use crate::types::phone::PhoneNumber;
use crate::web::{Admin, Form, PageError, PageResult, Visit};

/// Mounts the target of the form, which is on a tab of the connection's page.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/connections/{id}/test-message").post(send));
}

async fn send(
    visit: Visit<Admin>,
    id: Path<ConnectionId>,
    form: Form<TestMessageInput>,
) -> PageResult {
    let mut conn = visit.conn().await?;
    match compose(&mut conn, &visit, *id, &form).await? {
        Ok(message) => visit
            .redirect(format!("/messages/{message}"))
            .flash("Test message queued. This page shows its delivery."),
        Err(errors) => {
            let tab = ConnectionTab::Test;
            let mut page =
                ConnectionShowPage::load(&visit.context, &mut conn, *id, tab, visit.now()).await?;
            drop(conn);
            page.test = form.into_inner();
            page.errors = errors;
            visit.invalid(&page)
        }
    }
}

async fn compose(
    conn: &mut Conn,
    visit: &Visit<Admin>,
    id: ConnectionId,
    form: &TestMessageInput,
) -> Result<Result<MessageId, FieldErrors>, PageError> {
    let mut errors = FieldErrors::default();
    let to = errors.check("to", PhoneNumber::parse(&form.to, visit.organization.default_country));
    let sender = senders::list_for_connection(conn, id)
        .await?
        .into_iter()
        .find(|sender| sender.id.to_string() == form.sender_id);
    if sender.is_none() {
        errors.add("sender_id", "Choose a sender.");
    }
    // Forms end lines with CR and LF, which would cost characters.
    let text = form.text.replace("\r\n", "\n");
    let text = text.trim();
    if text.is_empty() {
        errors.add("text", "Write a text.");
    } else if parts::count(text).too_long() {
        errors.add(
            "text",
            format!("The text is too long. Shorten it to at most {} characters.", parts::MAX_BODY),
        );
    }
    let (Some(to), Some(sender), true) = (to, sender, errors.is_empty()) else {
        return Ok(Err(errors));
    };
    let test = TestMessage {
        to,
        sender_id: sender.id,
        text: text.to_owned(),
        template: None,
        media_urls: Vec::new(),
    };
    Ok(Ok(test.send(conn, visit.user.id, visit.now(), &form.request_key).await?))
}
