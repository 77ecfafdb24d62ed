//! What an item is read by if it says less: the organization's country and time zone.

use chrono_tz::Tz;

use crate::types::country::Country;
use crate::users::organization::Organization;

/// The organization's settings for national phone numbers, and for dates without a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ItemDefaults {
    /// The country of a number without a country code.
    pub country: Option<Country>,
    /// The time zone of a date.
    pub zone: Tz,
}

impl From<&Organization> for ItemDefaults {
    fn from(organization: &Organization) -> Self {
        Self { country: organization.default_country, zone: organization.time_zone }
    }
}
