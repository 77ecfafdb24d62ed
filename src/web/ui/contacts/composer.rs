//! The box on the page of a contact that sends a text or a template, with its choices.

use serde::Serialize;

use super::composer_form::ComposerForm;
use super::composer_preview::ComposerPreview;
use crate::contacts::Contact;
use crate::db::Conn;
use crate::error::Result;
use crate::senders;
use crate::templates::{self, Renderer};
use crate::types::id::SenderId;
use crate::users::organization::Organization;
use crate::web::ui::Choice;

/// The largest number of templates to choose from.
const MAX_TEMPLATES: i64 = 200;

/// The box, with its choices.
#[derive(Debug, Serialize)]
pub(super) struct Composer {
    pub(super) form: ComposerForm,
    pub(super) senders: Vec<Choice>,
    pub(super) templates: Vec<Choice>,
    pub(super) preview: ComposerPreview,
}

impl Composer {
    /// Loads the box; none if no sender can send. `known` is the sender of the contact's newest
    /// message.
    pub(super) async fn load(
        conn: &mut Conn,
        contact: &Contact,
        form: ComposerForm,
        known: Option<SenderId>,
        renderer: &Renderer,
        organization: &Organization,
    ) -> Result<Option<Self>> {
        let senders = senders::usable(conn).await?;
        if senders.is_empty() {
            return Ok(None);
        }
        let templates = templates::list(conn, None, MAX_TEMPLATES).await?;
        let form = form.with_defaults(&senders, known);
        let preview = ComposerPreview::load(conn, contact, &form, renderer, organization).await?;
        Ok(Some(Self {
            form,
            senders: senders
                .iter()
                .map(|sender| Choice::new(sender.id.to_string(), sender.label()))
                .collect(),
            templates: templates
                .into_iter()
                .map(|template| Choice::new(template.id.to_string(), template.name))
                .collect(),
            preview,
        }))
    }
}
