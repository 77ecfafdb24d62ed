//! Parses and stores numbers in E.164.

use super::error::PhoneError;
use super::number::PhoneNumber;

impl PhoneNumber {
    /// Accepts only E.164, without checking the numbering plan: for stored and internal values.
    pub fn from_e164(text: &str) -> Result<Self, PhoneError> {
        if is_e164(text) { Ok(Self(text.to_owned())) } else { Err(PhoneError::NotE164) }
    }

    /// Whether an address is this number on any channel: `whatsapp:+14155550123` is +14155550123.
    #[must_use]
    pub fn is_at(&self, address: &str) -> bool {
        let number = address.rsplit_once(':').map_or(address, |(_, number)| number);
        Self::from_e164(number).is_ok_and(|other| other == *self)
    }
}

/// Whether a text is `+` and 7 to 15 digits.
pub(super) fn is_e164(text: &str) -> bool {
    text.strip_prefix('+').is_some_and(|digits| {
        (7..=15).contains(&digits.len())
            && !digits.starts_with('0')
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = PhoneError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_e164(&text)
    }
}

impl diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg> for PhoneNumber {
    fn to_sql<'b>(
        &'b self,
        out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
    ) -> diesel::serialize::Result {
        <str as diesel::serialize::ToSql<diesel::sql_types::Text, diesel::pg::Pg>>::to_sql(
            &self.0, out,
        )
    }
}

impl diesel::deserialize::FromSql<diesel::sql_types::Text, diesel::pg::Pg> for PhoneNumber {
    fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
        let text = <String as diesel::deserialize::FromSql<
            diesel::sql_types::Text,
            diesel::pg::Pg,
        >>::from_sql(bytes)?;
        Ok(Self::try_from(text)?)
    }
}
