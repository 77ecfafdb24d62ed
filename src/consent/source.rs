//! By which way it is known that a number was suppressed or lifted, as it is stored.

use crate::types::text_enum::text_enum;

text_enum! {
    /// By which way we know that a number was suppressed or lifted.
    pub enum Source {
        /// The person texted a keyword.
        Keyword = "keyword",
        /// The person texted a keyword, and we found it by asking Twilio, since its webhook had not
        /// come.
        Lookup = "lookup",
        /// The person texted something that is no keyword, and was read as an opt-out.
        Wording = "wording",
        /// The same, and we found it by asking Twilio.
        WordingLookup = "wording_lookup",
        /// Twilio's answer or status report.
        Twilio = "twilio",
        /// A signed-in user.
        Admin = "admin",
        /// A program that uses the JSON API.
        Api = "api",
        /// The person's number was changed, and what they had said moved along.
        NumberChange = "number_change",
    }
}

impl Source {
    /// What the person has texted by, however we came to know.
    pub const TEXTED: &'static [Self] =
        &[Self::Keyword, Self::Lookup, Self::Wording, Self::WordingLookup];

    /// Whether the person texted it, however we came to know.
    pub fn is_texted(self) -> bool {
        Self::TEXTED.contains(&self)
    }

    /// Whether the person texted it in words that had to be read as an opt-out.
    pub fn is_wording(self) -> bool {
        matches!(self, Self::Wording | Self::WordingLookup)
    }
}
