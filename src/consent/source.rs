//! Sources: how it is known that a number was suppressed or lifted.

use crate::types::text_enum::text_enum;

text_enum! {
    /// How it is known that a number was suppressed or lifted.
    pub enum ConsentSource {
        /// The person texted a keyword.
        Keyword = "keyword",
        /// The person texted a keyword, which was found by polling Twilio, since its webhook did
        /// not arrive.
        Lookup = "lookup",
        /// The person texted something that is not a keyword and was read as an opt-out.
        Wording = "wording",
        /// The same, found by polling Twilio.
        WordingLookup = "wording_lookup",
        /// Twilio's response or status report.
        Twilio = "twilio",
        /// A signed-in user.
        Admin = "admin",
        /// A program that uses the JSON API.
        Api = "api",
        /// The contact's number was changed, and the suppression moved with it.
        NumberChange = "number_change",
    }
}

impl ConsentSource {
    /// The sources of what the person texted, whether by webhook or by polling.
    pub const TEXTED: &'static [Self] =
        &[Self::Keyword, Self::Lookup, Self::Wording, Self::WordingLookup];

    /// Whether the person texted it, whether it came by webhook or by polling.
    pub fn is_texted(self) -> bool {
        Self::TEXTED.contains(&self)
    }

    /// Whether the person texted it in wording that was read as an opt-out.
    pub fn is_wording(self) -> bool {
        matches!(self, Self::Wording | Self::WordingLookup)
    }
}
