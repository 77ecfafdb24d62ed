//! Phone numbers in E.164, and the short codes that may send but are no contact.

mod characters;
mod error;
mod line;
mod parse;
pub(super) mod plan;

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use rlibphonenumber::PhoneNumberType;
use serde::{Deserialize, Serialize};

use super::country::Country;
pub use error::PhoneError;
pub use parse::ParsedPhone;

/// A phone number in E.164, e.g. `+14155550123`: possible in its country, and mostly valid, see
/// [`PhoneNumber::is_valid`].
///
/// It has no `Display`, and its `Debug` hides the middle, so that it does not reach a log by
/// accident.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(String);

/// A short code, e.g. `12345`: digits without a country that can be sent from.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ShortCode(String);

/// The text is no short code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a short code is 3 to 8 digits")]
pub struct ShortCodeError;

/// Area codes of the North American toll-free numbers, where the networks themselves handle STOP.
const TOLL_FREE: [&str; 7] = ["800", "833", "844", "855", "866", "877", "888"];

impl PhoneNumber {
    /// Reads a number as people write it: with `+` or `00` and the country code, or nationally for
    /// `default_country`.
    ///
    /// Without a country a national number is an error; none is assumed silently. A valid reading
    /// is preferred to one that is merely possible, and two valid ones are an error.
    pub fn parse(raw: &str, default_country: Option<Country>) -> Result<Self, PhoneError> {
        parse::parse(raw, default_country).map(|parsed| parsed.number)
    }

    /// The same, and says whether the number is valid: what is stored or sent to without being
    /// valid is to be pointed out.
    pub fn parse_and_judge(
        raw: &str,
        default_country: Option<Country>,
    ) -> Result<ParsedPhone, PhoneError> {
        parse::parse(raw, default_country)
    }

    /// Accepts only what is in E.164 already, without looking at the numbering plan: for stored and
    /// internal values.
    pub fn from_e164(text: &str) -> Result<Self, PhoneError> {
        if parse::is_e164(text) { Ok(Self(text.to_owned())) } else { Err(PhoneError::NotE164) }
    }

    /// Whether it lies in a range of its country's numbering plan that is in use; otherwise it only
    /// has the length of a number there.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        plan::is_valid(&self.0)
    }

    /// What to say of a number that is not valid, e.g. “This is not a valid number for Germany.
    /// Check it.”
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let place =
            || self.country().map(|country| format!(" for {}", country.name())).unwrap_or_default();
        (!self.is_valid()).then(|| format!("This is not a valid number{}. Check it.", place()))
    }

    /// The number of the same line by today's numbering plan: `+5215512345678` is `+525512345678`
    /// since Mexico's change.
    ///
    /// Contacts and suppressions are kept by it. [`PhoneNumber::parse`] answers with it already; it
    /// is for addresses as Twilio gives them.
    #[must_use]
    pub fn current(self) -> Self {
        line::current(&self.0).map_or(self, Self)
    }

    /// The other way to write the number of the same line, where both are valid: an Argentine
    /// mobile with and without its 9.
    #[must_use]
    pub fn other_form(&self) -> Option<Self> {
        line::other_form(&self.0).map(Self)
    }

    /// All ways to write the number of this line, itself first.
    #[must_use]
    pub fn forms(&self) -> Vec<Self> {
        std::iter::once(self.clone()).chain(self.other_form()).collect()
    }

    /// The number in E.164.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The country, where the number tells: not for satellite and other worldwide numbers, nor for
    /// unassigned North American area codes, which twenty countries share.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        plan::country(&self.0)
    }

    /// The number as people read it, e.g. `+1 415 555 0123`.
    #[must_use]
    pub fn international(&self) -> String {
        plan::grouped(&self.0).unwrap_or_else(|| match plan::split(&self.0) {
            Some((code, national)) => format!("+{code} {national}"),
            None => self.0.clone(),
        })
    }

    /// Whether an address is this number, on whichever channel: `whatsapp:+14155550123` is
    /// +14155550123.
    #[must_use]
    pub fn is_at(&self, address: &str) -> bool {
        let number = address.rsplit_once(':').map_or(address, |(_, number)| number);
        Self::from_e164(number).is_ok_and(|other| other == *self)
    }

    /// Whether this is a North American toll-free number (+1 800, 833 …).
    #[must_use]
    pub fn is_toll_free(&self) -> bool {
        self.0.len() == 12
            && self
                .0
                .strip_prefix("+1")
                .is_some_and(|national| TOLL_FREE.iter().any(|area| national.starts_with(area)))
    }

    /// Whether this is an ordinary number of the United States or Canada (a “10DLC”): who texts
    /// Americans from one has to register what for.
    #[must_use]
    pub fn is_ten_digit_long_code(&self) -> bool {
        // +1 500 and the like are personal numbers, without a place.
        let kind = || plan::kind(&self.0);
        let has_place = || {
            matches!(
                kind(),
                Some(
                    PhoneNumberType::FixedLine
                        | PhoneNumberType::Mobile
                        | PhoneNumberType::FixedLineOrMobile
                )
            )
        };
        let is_american =
            || self.country().is_some_and(|country| matches!(country.code(), "US" | "CA"));
        self.0.len() == 12 && self.0.starts_with("+1") && has_place() && is_american()
    }
}

impl ShortCode {
    /// Reads 3 to 8 digits.
    pub fn parse(text: &str) -> Result<Self, ShortCodeError> {
        let text = text.trim();
        let shape = (3..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit());
        if shape { Ok(Self(text.to_owned())) } else { Err(ShortCodeError) }
    }

    /// The digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let code = plan::split(&self.0).map_or(0, |(code, _)| code);
        let end = self.0.get(self.0.len().saturating_sub(2)..).unwrap_or_default();
        write!(f, "+{code}***{end}")
    }
}

/// Short codes belong to companies and are printed on posters: nothing to hide.
impl std::fmt::Debug for ShortCode {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for PhoneNumber {
    type Error = PhoneError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::from_e164(&text)
    }
}

impl From<PhoneNumber> for String {
    fn from(number: PhoneNumber) -> Self {
        number.0
    }
}

impl TryFrom<String> for ShortCode {
    type Error = ShortCodeError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::parse(&text)
    }
}

impl From<ShortCode> for String {
    fn from(code: ShortCode) -> Self {
        code.0
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

#[cfg(test)]
mod tests;
