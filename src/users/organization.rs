//! The organization: name, default country for phone numbers, time zone for times and days.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::audit::{self, Actor, AuditKind, Differences};
use crate::db::Conn;
use crate::db::schema::organization;
use crate::error::{FieldErrors, Result};
use crate::types::country::Country;
use crate::types::invisible_characters::is_invisible;

/// The settings of the whole installation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Organization {
    /// Its name, shown in the header of every page.
    pub name: String,
    /// The country by which numbers without a country code are read; without it, they are refused.
    pub default_country: Option<Country>,
    /// The time zone in which times are shown.
    pub time_zone: Tz,
    /// The time zone of the days by which everything is counted and filtered: `time_zone`, once the
    /// ledger has been recounted for it.
    pub day_zone: Tz,
}

/// The organization's settings.
pub async fn find(mut conn: &Conn) -> Result<Organization> {
    let columns = (
        organization::name,
        organization::default_country,
        organization::time_zone,
        organization::ledger_time_zone,
    );
    let (name, default_country, time_zone, day_zone): (String, Option<Country>, String, String) =
        organization::table.select(columns).first(&mut conn).await?;
    let zone = |name: String| name.parse().unwrap_or(Tz::UTC);
    Ok(Organization { name, default_country, time_zone: zone(time_zone), day_zone: zone(day_zone) })
}

/// Replaces the settings; the zone of days stays until the ledger is recounted.
pub async fn update(conn: &mut Conn, settings: &Organization) -> Result<()> {
    diesel::update(organization::table)
        .set((
            organization::name.eq(&settings.name),
            organization::default_country.eq(settings.default_country),
            organization::time_zone.eq(settings.time_zone.name()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Replaces the settings, and records the differences in the audit log; writes nothing if nothing
/// differs. Needs the caller's transaction.
pub async fn change(
    conn: &mut Conn,
    actor: &Actor,
    settings: &Organization,
    now: DateTime<Utc>,
) -> Result<()> {
    lock(conn).await?;
    let before = find(conn).await?;
    let country = |settings: &Organization| settings.default_country.map_or("none", Country::name);
    let changed = Differences::default()
        .compare("the name", before.name.as_str(), settings.name.as_str())
        .compare("the default country", country(&before), country(settings))
        .compare("the default time zone", before.time_zone.name(), settings.time_zone.name());
    if changed.is_empty() {
        return Ok(());
    }
    update(conn, settings).await?;
    audit::record(conn, actor, AuditKind::Organization, None, &format!("changed {changed}"), now)
        .await
}

/// Locks the settings: other transactions that call this wait until the caller's has ended.
pub async fn lock(conn: &mut Conn) -> Result<()> {
    let _: bool = organization::table.select(organization::id).for_update().first(conn).await?;
    Ok(())
}

impl Organization {
    /// Parses the settings as they are typed; an empty country means none, an empty time zone UTC.
    pub fn parse(name: &str, default_country: &str, time_zone: &str) -> Result<Self> {
        let mut errors = FieldErrors::default();
        let name = name.trim();
        if is_invisible(name) || name.chars().count() > 100 || name.chars().any(char::is_control) {
            errors.add("organization", "Enter a name of up to 100 characters.");
        }
        let default_country = match default_country.trim() {
            "" => None,
            code => errors.check("default_country", Country::parse(code)),
        };
        let time_zone = match time_zone.trim() {
            "" => Tz::UTC,
            name => errors
                .check(
                    "time_zone",
                    name.parse::<Tz>()
                        .map_err(|_| "Unknown time zone. Use a name such as Europe/Berlin."),
                )
                .unwrap_or(Tz::UTC),
        };
        errors.into_result()?;
        Ok(Self { name: name.to_owned(), default_country, time_zone, day_zone: time_zone })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Error;

    #[test]
    fn settings_are_parsed_as_typed_and_errors_name_their_field() {
        let settings = Organization::parse(" Bells ", "DE", "Europe/Berlin").unwrap();
        assert_eq!((settings.name.as_str(), settings.time_zone), ("Bells", Tz::Europe__Berlin));
        assert_eq!(Organization::parse("Bells", "", "").unwrap().default_country, None);
        let Error::Invalid(errors) = Organization::parse("", "Germany", "Berlin").unwrap_err()
        else {
            panic!("no field errors")
        };
        assert_eq!(errors.iter().count(), 3);
    }
}
