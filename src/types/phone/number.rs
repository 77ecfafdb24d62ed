//! A phone number in E.164: what can be told of it.

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use rlibphonenumber::PhoneNumberType;
use serde::{Deserialize, Serialize};

use super::{line, plan};
use crate::types::country::Country;

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
pub struct PhoneNumber(pub(super) String);

/// Area codes of the North American toll-free numbers, where the networks themselves handle STOP.
const TOLL_FREE: [&str; 7] = ["800", "833", "844", "855", "866", "877", "888"];

impl PhoneNumber {
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

impl std::fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let code = plan::split(&self.0).map_or(0, |(code, _)| code);
        let end = self.0.get(self.0.len().saturating_sub(2)..).unwrap_or_default();
        write!(f, "+{code}***{end}")
    }
}
