//! *Send a test*: the text as it stands, filled in for the contact of the preview, to a number of
//! one's own.

use super::form::TemplateForm;
use super::recipient::TrialRecipient;
use super::saved::Way;
use super::trial::TemplateTrial;
use crate::db::Conn;
use crate::error::FieldErrors;
use crate::messages::test_message::TestMessage;
use crate::senders;
use crate::templates::{self, NewTemplate, RenderError, Template, Variables};
use crate::types::id::MessageId;
use crate::types::phone::PhoneNumber;
use crate::web::{Marketer, PageError, PageResult, Visit};

/// Leads to the test message that was sent.
pub(super) fn lead_to(
    visit: &Visit<Marketer>,
    message: MessageId,
    template: Option<&Template>,
    form: &TemplateForm,
) -> PageResult {
    let kept = if form.is_saved(template) {
        ""
    } else {
        " What you have not saved of the template is kept."
    };
    visit
        .redirect(format!("/messages/{message}"))
        .flash(format!("The test message is on its way.{kept}"))
}

/// Sends what is typed, saved or not, as one message; pressing the button twice sends it once. The
/// inner error is what is wrong with the fields.
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
        errors.add("sender_id", "Choose what to send from.");
    }
    let new = form.parse_text().map_err(|found| take(&mut errors, &found)).ok();
    let way = Way::to(conn, template).await?;
    let mut wrong = FieldErrors::default();
    let trial =
        TemplateTrial::load(conn, &visit.organization, visit.zone(), &way, form, &mut wrong)
            .await?;
    if let Some(sentences) =
        wrong.iter().find(|(field, _)| *field == "event").map(|(_, sentences)| sentences)
    {
        for sentence in sentences {
            errors.add("event", sentence);
        }
    }
    // Somebody of whom only the number is known has the number that it goes to.
    let recipient = match (&trial.recipient, &to) {
        (TrialRecipient::Number(_), Some(to)) => TrialRecipient::Number(to.clone()),
        (chosen, _) => chosen.clone(),
    };
    let variables = recipient.variables(trial.event.as_ref(), &visit.organization.name);
    let text = new.as_ref().and_then(|new| rendered(new, &recipient, &variables, &mut errors));
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

/// The text and the addresses of its media.
fn rendered(
    new: &NewTemplate,
    recipient: &TrialRecipient,
    variables: &Variables<'_>,
    errors: &mut FieldErrors,
) -> Option<(String, Vec<String>)> {
    let sentence =
        |reason: RenderError| format!("This cannot be sent to {}: {reason}.", recipient.label());
    let text = errors.check("body", new.body().render(variables).map_err(sentence));
    let media_urls = errors
        .check("media_urls", templates::render_media(new.media(), variables).map_err(sentence));
    text.zip(media_urls)
}

fn take(errors: &mut FieldErrors, found: &FieldErrors) {
    for (field, sentences) in found.iter() {
        for sentence in sentences {
            errors.add(field, sentence);
        }
    }
}
