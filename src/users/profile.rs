//! A user's profile: their name, time zone and theme, which they set for themselves.

use chrono::{DateTime, Utc};
use chrono_tz::Tz;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::account_fields::parse_name;
use super::audit::{self, AuditKind};
use super::user::{Theme, User};
use crate::db::Conn;
use crate::db::schema::users;
use crate::error::{FieldErrors, Result};

/// The settings that users change for themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Their name.
    pub name: String,
    /// The time zone in which times are shown; `None` means that of the organization.
    pub time_zone: Option<Tz>,
    /// The theme of the pages.
    pub theme: Theme,
}

impl Profile {
    /// Parses a profile as it is typed; an empty time zone means that of the organization.
    pub fn parse(
        name: &str,
        time_zone: &str,
        theme: &str,
    ) -> std::result::Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let name = errors.check("name", parse_name(name));
        let time_zone = match time_zone.trim() {
            "" => None,
            zone => errors.check(
                "time_zone",
                zone.parse::<Tz>().map_err(|_| "Unknown time zone. Choose one from the list."),
            ),
        };
        let theme = errors.check("theme", theme.parse::<Theme>());
        match (name, theme, errors.is_empty()) {
            (Some(name), Some(theme), true) => Ok(Self { name, time_zone, theme }),
            _ => Err(errors),
        }
    }
}

/// Changes a user's own profile. A new name is recorded in the audit log; a time zone or theme is
/// not. Needs the caller's transaction.
pub async fn change(
    conn: &mut Conn,
    user: &User,
    profile: &Profile,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::update(users::table.find(user.id))
        .set((
            users::name.eq(&profile.name),
            users::time_zone.eq(profile.time_zone.map(Tz::name)),
            users::theme.eq(profile.theme),
        ))
        .execute(conn)
        .await?;
    if profile.name != user.name {
        let summary = format!("changed their name to {}", profile.name);
        audit::record(conn, &user.into(), AuditKind::User, Some(user.id.0), &summary, now).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_is_parsed_as_typed_and_errors_name_their_field() {
        let profile = Profile::parse(" Ada ", "Asia/Tokyo", "dark").unwrap();
        assert_eq!(
            profile,
            Profile {
                name: "Ada".to_owned(),
                time_zone: Some(Tz::Asia__Tokyo),
                theme: Theme::Dark
            }
        );
        assert_eq!(Profile::parse("Ada", "", "automatic").unwrap().time_zone, None);
        let errors = Profile::parse(" ", "Tokyo", "pink").unwrap_err();
        assert_eq!(
            errors.iter().map(|(field, _)| field).collect::<Vec<_>>(),
            ["name", "theme", "time_zone"]
        );
    }
}
