//! The form for the organization: name, default country of phone numbers, and default time zone.

use diesel_async::AsyncConnection;
use serde::{Deserialize, Serialize};

use crate::db;
use crate::error::{Error, FieldErrors};
use crate::ledger::{self, ZoneChange};
use crate::types::country::Country;
use crate::users::organization::{self, Organization};
use crate::web::ui::{Choice, locale_choices};
use crate::web::{Admin, Form, Page, PageResult, Visit};

/// The form's input.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct OrganizationForm {
    organization: String,
    default_country: String,
    time_zone: String,
}

/// The page with the settings of the organization.
#[derive(Debug, Serialize)]
pub(in crate::web) struct OrganizationPage {
    form: OrganizationForm,
    countries: Vec<Choice>,
    time_zones: Vec<Choice>,
    errors: FieldErrors,
}

pub(super) async fn show(visit: Visit<Admin>) -> PageResult {
    let page =
        OrganizationPage::new(OrganizationForm::of(&visit.organization), FieldErrors::default());
    visit.page(&page)
}

pub(super) async fn change(visit: Visit<Admin>, form: Form<OrganizationForm>) -> PageResult {
    let (actor, now) = (visit.actor(), visit.now());
    let settings =
        match Organization::parse(&form.organization, &form.default_country, &form.time_zone) {
            Ok(settings) => settings,
            Err(Error::Invalid(errors)) => {
                return visit.invalid(&OrganizationPage::new(form.into_inner(), errors));
            }
            Err(error) => return Err(error.into()),
        };
    let mut conn = visit.conn().await?;
    conn.transaction::<_, Error, _>(async |conn| {
        organization::change(conn, &actor, &settings, now).await
    })
    .await?;
    // In its own transaction, since it may take long. If it is too much work, the routine that
    // folds the ledger continues it.
    let following = db::transaction(&mut conn, async |tx| {
        ledger::follow_zone(tx, ledger::INLINE_RECOUNT_LIMIT, now).await
    })
    .await?;
    let zone = settings.time_zone.name();
    visit.redirect("/settings/organization").flash(match following {
        ZoneChange::UpToDate => "Settings saved.".to_owned(),
        ZoneChange::Deferred => {
            format!(
                "Settings saved. Carillon counts the reports anew for days in {zone}. Until then, \
                 pages show days of the former zone."
            )
        }
    })
}

impl OrganizationForm {
    fn of(settings: &Organization) -> Self {
        Self {
            organization: settings.name.clone(),
            default_country: settings
                .default_country
                .map(Country::code)
                .unwrap_or_default()
                .to_owned(),
            time_zone: settings.time_zone.name().to_owned(),
        }
    }
}

impl OrganizationPage {
    fn new(form: OrganizationForm, errors: FieldErrors) -> Self {
        Self {
            form,
            countries: locale_choices::countries(),
            time_zones: locale_choices::time_zones(),
            errors,
        }
    }
}

impl Page for OrganizationPage {
    const TEMPLATE: &'static str = "ui/settings/organization.html";
}

#[cfg(debug_assertions)]
#[path = "samples/organization.rs"]
mod samples;
