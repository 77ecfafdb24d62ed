//! The preview in the box that sends a message: parts and price, and the text of a template.

use actix_web::web::Path;
use serde::Serialize;

use super::composer_form::ComposerForm;
use crate::contacts::{self, Contact};
use crate::db::Conn;
use crate::error::{Error, Result};
use crate::ledger::prices::{self, Price};
use crate::templates::{self, Rendered, Renderer, Variables};
use crate::twilio::parts::{self, Encoding};
use crate::types::id::{ContactId, TemplateId};
use crate::users::organization::Organization;
use crate::web::ui::templates::price_estimate::format_amount;
use crate::web::{Form, Marketer, Page, PageResult, Visit};

/// The part of the page that is updated while the user types.
#[derive(Debug, Serialize)]
pub(super) struct ComposerPreviewPart {
    pub(super) preview: ComposerPreview,
}

/// The preview of a message.
#[derive(Debug, Default, Serialize)]
pub(super) struct ComposerPreview {
    /// The text of a template as the contact would get it.
    text: Option<String>,
    /// How many pictures and other files the template adds.
    media: usize,
    /// Why the contact would get nothing from the template.
    problem: Option<String>,
    warnings: Vec<String>,
    /// How many characters are used of those that fit into the parts.
    used: usize,
    room: usize,
    parts: u16,
    too_long: bool,
    price: Option<String>,
    /// The character that makes the message one of fewer characters per part.
    forced_by: Option<String>,
}

/// Renders the preview while the user types.
pub(super) async fn show(
    visit: Visit<Marketer>,
    id: Path<ContactId>,
    form: Form<ComposerForm>,
) -> PageResult {
    let mut conn = visit.conn().await?;
    let contact = contacts::find(&mut conn, *id).await?;
    let preview = ComposerPreview::load(
        &mut conn,
        &contact,
        &form,
        &visit.context.renderer,
        &visit.organization,
    )
    .await?;
    drop(conn);
    visit.page(&ComposerPreviewPart { preview })
}

impl ComposerPreview {
    /// Renders and counts what the form asks for.
    pub(super) async fn load(
        conn: &mut Conn,
        contact: &Contact,
        form: &ComposerForm,
        renderer: &Renderer,
        organization: &Organization,
    ) -> Result<Self> {
        let price = match contact.phone.country() {
            Some(country) => prices::find(conn, country).await?,
            None => None,
        };
        let price = price.as_ref();
        if !form.is_template() {
            let text = form.plain_text();
            let warnings = templates::warnings_of_literal(&text);
            return Ok(Self { warnings, ..Self::counted(&text, price) });
        }
        // Nothing is chosen yet.
        let Ok(id) = form.template_id.parse::<TemplateId>() else {
            return Ok(Self::counted("", price));
        };
        Ok(match rendered(conn, contact, id, renderer, organization).await? {
            Ok(Rendered { text, media_urls }) => {
                let counted = Self::counted(&text, price);
                Self { media: media_urls.len(), text: Some(text), ..counted }
            }
            Err(problem) => Self { problem: Some(problem), ..Self::counted("", price) },
        })
    }

    /// Counts the parts of a text.
    pub(super) fn counted(text: &str, price: Option<&Price>) -> Self {
        let counted = parts::count(text);
        let room = counted.per_part * usize::from(counted.count.max(1));
        let forced_by = counted
            .forced_by
            .first()
            .filter(|_| counted.encoding == Encoding::Ucs2)
            .map(|(character, _)| character.to_string());
        Self {
            used: room.saturating_sub(counted.remaining_in_last),
            room,
            parts: counted.count,
            too_long: counted.too_long(),
            price: price.filter(|_| counted.count > 0).map(|price| {
                let amount = format_amount(price.per_part * f64::from(counted.count));
                format!("{amount} {}", price.unit)
            }),
            forced_by,
            ..Self::default()
        }
    }
}

/// Renders a template for a contact, or says as a sentence why it cannot be sent.
async fn rendered(
    conn: &mut Conn,
    contact: &Contact,
    id: TemplateId,
    renderer: &Renderer,
    organization: &Organization,
) -> Result<std::result::Result<Rendered, String>> {
    let template = match templates::find(conn, id).await {
        Ok(template) if template.archived_at.is_some() => {
            return Ok(Err("This template is archived. Choose another one.".to_owned()));
        }
        Ok(template) => template,
        Err(Error::NotFound(_)) => {
            return Ok(Err("This template no longer exists. Choose another one.".to_owned()));
        }
        Err(error) => return Err(error),
    };
    let variables = Variables::new(contact, None).with_organization(&organization.name);
    Ok(renderer
        .render(&template, &variables)
        .map_err(|reason| format!("No text for this contact: {reason}.")))
}

impl Page for ComposerPreviewPart {
    const TEMPLATE: &'static str = "ui/contacts/_composer_preview.html";
}

#[cfg(debug_assertions)]
#[path = "samples/composer_preview.rs"]
mod samples;

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::types::public_url::PublicUrl;
    use crate::web::ui::layout::Layout;
    use crate::web::{Pages, Samples};

    #[test]
    fn the_part_renders_in_each_of_its_states() {
        let pages = Pages::load(&PublicUrl::parse("https://sms.example.com").unwrap()).unwrap();
        let visit = Layout::sample();
        let html: Vec<_> = ComposerPreviewPart::samples()
            .iter()
            .map(|part| pages.render(part, &visit).unwrap())
            .collect();
        assert!(html[0].contains("31 of 160") && html[0].contains("0.011 USD"), "{}", html[0]);
        assert!(
            html[1].contains("Hi Lucía &lt;b&gt;") && !html[1].contains("of 70"),
            "{}",
            html[1]
        );
        assert!(html[2].contains("No text for this contact"), "{}", html[2]);
        assert!(html[3].contains("is sent as it is"), "{}", html[3]);
    }

    #[test]
    fn a_text_is_counted_against_the_room_of_its_parts() {
        let price = Price {
            per_part: 0.0079,
            unit: "USD".to_owned(),
            parts: 10,
            learned_at: DateTime::UNIX_EPOCH,
        };
        let shown = |text: &str| {
            let preview = ComposerPreview::counted(text, Some(&price));
            (preview.used, preview.room, preview.parts, preview.price, preview.forced_by)
        };
        assert_eq!(shown(""), (0, 160, 0, None, None));
        assert_eq!(shown("Hello"), (5, 160, 1, Some("0.0079 USD".to_owned()), None));
        assert_eq!(shown(&"x".repeat(170)), (170, 306, 2, Some("0.0158 USD".to_owned()), None));
        let (.., forced_by) = shown("Lucía");
        assert_eq!(forced_by.as_deref(), Some("í"));
    }
}
