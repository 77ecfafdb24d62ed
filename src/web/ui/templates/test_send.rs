//! *Send a test*: sends the current text, rendered for the contact of the preview, to a number of
//! the user.

use super::form::TemplateForm;
use super::preview_defaults::PreviewDefaults;
use super::preview_panel::PreviewPanel;
use super::preview_recipient::PreviewRecipient;
use crate::db::Conn;
use crate::error::FieldErrors;
use crate::messages::test_message::TestMessage;
use crate::senders;
use crate::templates::{self, NewTemplate, RenderError, Template, Variables};
use crate::types::id::MessageId;
use crate::types::phone::PhoneNumber;
use crate::web::{Marketer, PageError, PageResult, Visit};

/// Redirects to the page of the test message.
pub(super) fn redirect_to_message(
    visit: &Visit<Marketer>,
    message: MessageId,
    template: Option<&Template>,
    form: &TemplateForm,
) -> PageResult {
    let draft_note =
        if form.is_saved(template) { "" } else { " Your draft of the template is kept." };
    visit
        .redirect(format!("/messages/{message}"))
        .flash(format!("The test message is on its way.{draft_note}"))
}

/// Sends the input, saved or not, as one message; submitting twice sends it once. The inner error
/// contains the errors of the fields.
pub(super) async fn send(
    conn: &mut Conn,
    visit: &Visit<Marketer>,
    template: Option<&Template>,
    form: &mut TemplateForm,
) -> Result<Result<MessageId, FieldErrors>, PageError> {
    let mut errors = FieldErrors::default();
    let to = errors.check("to", PhoneNumber::parse(&form.to, visit.organization.default_country));
    let sender = senders::usable(conn)
        .await?
        .into_iter()
        .find(|sender| sender.id.to_string() == form.sender_id);
    if sender.is_none() {
        errors.add("sender_id", "Choose a sender.");
    }
    let new = form.parse_content().map_err(|found| add_all(&mut errors, &found)).ok();
    let defaults = PreviewDefaults::load(conn, template).await?;
    let mut preview_errors = FieldErrors::default();
    let preview_panel = PreviewPanel::load(
        conn,
        &visit.organization,
        visit.zone(),
        &defaults,
        form,
        &mut preview_errors,
    )
    .await?;
    if let Some(messages) =
        preview_errors.iter().find(|(field, _)| *field == "event").map(|(_, messages)| messages)
    {
        for message in messages {
            errors.add("event", message);
        }
    }
    // A recipient with only a number gets the number to which the test goes.
    let recipient = match (&preview_panel.recipient, &to) {
        (PreviewRecipient::Number(_), Some(to)) => PreviewRecipient::Number(to.clone()),
        (chosen, _) => chosen.clone(),
    };
    let variables = recipient.variables(preview_panel.event.as_ref(), &visit.organization.name);
    let text = new.as_ref().and_then(|new| render(new, &recipient, &variables, &mut errors));
    let (Some(to), Some(sender), Some(new), Some((text, media_urls)), true) =
        (to, sender, new, text, errors.is_empty())
    else {
        return Ok(Err(errors));
    };
    let test = TestMessage {
        to,
        sender_id: sender.id,
        text,
        template: template
            .filter(|saved| new.is_text_of(saved))
            .map(|saved| (saved.id, saved.version)),
        media_urls,
    };
    Ok(Ok(test.send(conn, visit.user.id, visit.now(), &form.request_key).await?))
}

/// Renders the text and the addresses of its media.
fn render(
    new: &NewTemplate,
    recipient: &PreviewRecipient,
    variables: &Variables<'_>,
    errors: &mut FieldErrors,
) -> Option<(String, Vec<String>)> {
    let message = |reason: RenderError| format!("No text for {}: {reason}.", recipient.label());
    let text = errors.check("body", new.body().render(variables).map_err(message));
    let media_urls = errors
        .check("media_urls", templates::render_media(new.media(), variables).map_err(message));
    text.zip(media_urls)
}

fn add_all(errors: &mut FieldErrors, found: &FieldErrors) {
    for (field, messages) in found.iter() {
        for message in messages {
            errors.add(field, message);
        }
    }
}
