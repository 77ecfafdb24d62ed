//! A phone number in E.164 and its properties.

use diesel::deserialize::FromSqlRow;
use diesel::expression::AsExpression;
use rlibphonenumber::PhoneNumberType;
use serde::{Deserialize, Serialize};

use super::{line_forms, numbering_plan};
use crate::types::country::Country;

/// A phone number in E.164, such as `+14155550123`: of a possible length in its country, and
/// usually valid; see [`PhoneNumber::is_valid`].
///
/// It has no `Display`, and its `Debug` masks the middle, so that numbers do not reach logs by
/// accident.
#[derive(
    Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, AsExpression, FromSqlRow,
)]
#[diesel(sql_type = diesel::sql_types::Text)]
#[serde(try_from = "String", into = "String")]
pub struct PhoneNumber(pub(super) String);

/// Area codes of North American toll-free numbers, for which carriers handle STOP themselves.
const TOLL_FREE: [&str; 7] = ["800", "833", "844", "855", "866", "877", "888"];

impl PhoneNumber {
    /// Whether it is in a range of its country's numbering plan that is in use; otherwise only its
    /// length is possible.
    #[must_use]
    pub fn is_valid(&self) -> bool {
        numbering_plan::is_valid(&self.0)
    }

    /// A warning if the number is not valid, such as “This is not a valid number for Germany. Check
    /// it.”
    #[must_use]
    pub fn warning(&self) -> Option<String> {
        let for_country =
            || self.country().map(|country| format!(" for {}", country.name())).unwrap_or_default();
        (!self.is_valid())
            .then(|| format!("This is not a valid number{}. Check it.", for_country()))
    }

    /// The current number of the same line: `+5215512345678` became `+525512345678` when Mexico
    /// renumbered.
    ///
    /// Contacts and suppressions are stored under it. [`PhoneNumber::parse`] already returns it;
    /// call this for addresses from Twilio.
    #[must_use]
    pub fn current(self) -> Self {
        line_forms::current(&self.0).map_or(self, Self)
    }

    /// The other valid form of the same line's number: an Argentine mobile with and without its 9.
    #[must_use]
    pub fn other_form(&self) -> Option<Self> {
        line_forms::other_form(&self.0).map(Self)
    }

    /// All forms of the line's number, starting with this one.
    #[must_use]
    pub fn forms(&self) -> Vec<Self> {
        std::iter::once(self.clone()).chain(self.other_form()).collect()
    }

    /// The number in E.164.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The country, if the number determines it: `None` for satellite and other worldwide numbers,
    /// and for unassigned North American area codes, which twenty countries share.
    #[must_use]
    pub fn country(&self) -> Option<Country> {
        numbering_plan::country(&self.0)
    }

    /// The number in international format, such as `+1 415 555 0123`.
    #[must_use]
    pub fn international(&self) -> String {
        numbering_plan::grouped(&self.0).unwrap_or_else(|| match numbering_plan::split(&self.0) {
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

    /// Whether this is an ordinary number of the United States or Canada (a “10DLC”), whose use for
    /// texting must be registered.
    #[must_use]
    pub fn is_ten_digit_long_code(&self) -> bool {
        // +1 500 and similar codes are personal numbers without a region.
        let kind = || numbering_plan::kind(&self.0);
        let is_geographic = || {
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
        self.0.len() == 12 && self.0.starts_with("+1") && is_geographic() && is_american()
    }
}

impl std::fmt::Debug for PhoneNumber {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let code = numbering_plan::split(&self.0).map_or(0, |(code, _)| code);
        let end = self.0.get(self.0.len().saturating_sub(2)..).unwrap_or_default();
        write!(f, "+{code}***{end}")
    }
}
