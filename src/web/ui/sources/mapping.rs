//! The editor of a mapping: where the requests of a source have the contact and the event, beside a
//! captured request and what Carillon makes of it.

use actix_web::web::Path;
use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use super::mapping_form::{MappingForm, shown_errors};
use super::mapping_result::TriedMapping;
use super::source_view::SourceView;
use crate::db::Conn;
use crate::error::{Error, FieldErrors};
use crate::sources::deliveries::{self, Delivery, MAX_DELIVERIES};
use crate::sources::{self, Source, SourceKind, SourcePatch};
use crate::types::id::SourceId;
use crate::users::User;
use crate::web::http::error::PageError;
use crate::web::ui::Choice;
use crate::web::{Access, Form, Marketer, Page, PageResult, Query, Viewer, Visit};

/// The editor of a mapping.
#[derive(Debug, Serialize)]
pub(in crate::web) struct SourceMappingPage {
    source: SourceView,
    form: MappingForm,
    errors: FieldErrors,
    /// The captured deliveries, the newest first.
    deliveries: Vec<Choice>,
    tried: TriedMapping,
}

/// The query of the editor.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MappingQuery {
    /// The number of a delivery to try the mapping with.
    delivery: String,
}

pub(super) async fn show(
    visit: Visit<Viewer>,
    id: Path<SourceId>,
    query: Query<MappingQuery>,
) -> PageResult {
    let source = sources::find(&mut *visit.conn().await?, *id).await?;
    let mut form = MappingForm::of(&source);
    form.delivery = query.into_inner().delivery;
    let page = SourceMappingPage::load(&visit, &source, form, Opened::Anew).await?;
    visit.page(&page)
}

pub(super) async fn submit(
    visit: Visit<Marketer>,
    id: Path<SourceId>,
    form: Form<MappingForm>,
) -> PageResult {
    let source = sources::find(&mut *visit.conn().await?, *id).await?;
    let form = form.into_inner();
    if form.action != "save" {
        let page = SourceMappingPage::load(&visit, &source, form, Opened::WithInput).await?;
        return if page.errors.is_empty() { visit.page(&page) } else { visit.invalid(&page) };
    }
    match save(&mut *visit.conn().await?, &visit, &source, &form).await {
        Ok(_) => visit
            .redirect(format!("/sources/{id}/mapping?delivery={}", form.number()))
            .flash("Mapping saved. It holds for the next request."),
        Err(Error::Invalid(errors)) => {
            let page = SourceMappingPage::load(&visit, &source, form, Opened::WithInput).await?;
            visit.invalid(&SourceMappingPage { errors: shown_errors(&errors), ..page })
        }
        Err(error) => Err(error.into()),
    }
}

async fn save(
    conn: &mut Conn,
    visit: &Visit<Marketer>,
    source: &Source,
    form: &MappingForm,
) -> Result<Source, Error> {
    let (actor, now, secret_key) = (visit.actor(), visit.now(), &visit.context.secret_key);
    let mapping = form.read(source.kind).map_err(Error::Invalid)?;
    let patch = SourcePatch { mapping: Some(mapping), ..SourcePatch::default() };
    conn.transaction::<_, Error, _>(async |conn| {
        sources::update(conn, &actor, source.id, patch, secret_key, now).await
    })
    .await
}

/// How the editor was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Opened {
    /// With the stored mapping; the newest delivery is shown unless another one was named.
    Anew,
    /// With the input of a user.
    WithInput,
}

impl MappingForm {
    /// The number of the chosen delivery; blank for the written sample.
    fn number(&self) -> String {
        self.delivery.parse::<i64>().map(|number| number.to_string()).unwrap_or_default()
    }
}

impl SourceMappingPage {
    async fn load<R: Access<Who = User>>(
        visit: &Visit<R>,
        source: &Source,
        mut form: MappingForm,
        opened: Opened,
    ) -> Result<Self, PageError> {
        let deliveries = match source.kind {
            SourceKind::Webhook => {
                let mut conn = visit.conn().await?;
                deliveries::list(&mut conn, source.id, MAX_DELIVERIES).await?
            }
            SourceKind::Segment => Vec::new(),
        };
        let newest = deliveries.first().filter(|_| opened == Opened::Anew);
        if let (Some(newest), true) = (newest, form.delivery.is_empty()) {
            form.delivery = newest.number.to_string();
        }
        let tried = match source.kind {
            SourceKind::Webhook => TriedMapping::new(visit, source, &form, &deliveries),
            SourceKind::Segment => TriedMapping::default(),
        };
        let errors = match opened {
            Opened::Anew => FieldErrors::default(),
            Opened::WithInput => tried.errors.clone(),
        };
        let view = SourceView::new(source, &visit.context.config.public_url);
        Ok(Self::new(view, form, errors, &deliveries, tried))
    }

    fn new(
        source: SourceView,
        form: MappingForm,
        errors: FieldErrors,
        deliveries: &[Delivery],
        tried: TriedMapping,
    ) -> Self {
        let choice = |delivery: &Delivery| {
            let label = format!("Delivery {}, {}", delivery.number, delivery.outcome);
            Choice::new(delivery.number.to_string(), label)
        };
        let deliveries = deliveries.iter().map(choice).collect();
        Self { source, form, errors, deliveries, tried }
    }
}

impl Page for SourceMappingPage {
    const TEMPLATE: &'static str = "ui/sources/mapping.html";
}

#[cfg(debug_assertions)]
#[path = "samples/mapping.rs"]
mod samples;
