//! The conditions of `GET /contacts`.

use serde::Deserialize;

use crate::contacts::tags::TagName;
use crate::contacts::{ContactFilter, ExternalId};
use crate::error::{FieldErrors, Result};
use crate::types::country::Country;
use crate::types::id::ContactId;
use crate::types::phone::PhoneNumber;
use crate::web::Cursor;
use crate::web::api::Paging;

/// Which contacts to list; all conditions hold together.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct ContactsQuery {
    /// The contact with this number.
    phone: Option<String>,
    /// The contact with this id in another system.
    external_id: Option<String>,
    /// Contacts with this tag.
    tag: Option<String>,
    /// Contacts whose name, number, email or external id starts with this, or whose number ends
    /// with it.
    q: Option<String>,
    /// The `next_cursor` of the previous page.
    #[param(value_type = Option<String>)]
    pub(super) cursor: Option<Cursor<ContactId>>,
    /// How many rows to return, 1 to 500; 50 by default.
    #[serde(default)]
    #[param(value_type = Option<u16>)]
    pub(super) limit: Paging,
}

impl ContactsQuery {
    /// Returns the filter, or the errors of the fields.
    pub(super) fn parse(self, default_country: Option<Country>) -> Result<ContactFilter> {
        let filled = |text: Option<String>| text.filter(|text| !text.trim().is_empty());
        let mut errors = FieldErrors::default();
        // In a query, a `+` that is not written as `%2B` arrives as a space.
        let phone = filled(self.phone).map(|raw| {
            raw.strip_prefix(' ').map_or_else(|| raw.clone(), |digits| format!("+{digits}"))
        });
        let filter = ContactFilter {
            phone: phone
                .and_then(|raw| errors.check("phone", PhoneNumber::parse(&raw, default_country))),
            external_id: filled(self.external_id)
                .and_then(|raw| errors.check("external_id", ExternalId::parse(&raw)))
                .map(|id| id.as_str().to_owned()),
            tag: filled(self.tag).and_then(|raw| errors.check("tag", TagName::existing(&raw))),
            search: self.q.unwrap_or_default(),
            default_country,
        };
        errors.into_result()?;
        Ok(filter)
    }
}
