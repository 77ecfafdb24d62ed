//! Outcomes: the eight ways in which a message can count in the ledger.

use crate::types::text_enum::text_enum;

text_enum! {
    /// How a message counts in the ledger; every outbound message has exactly one outcome.
    pub enum Outcome {
        /// The carrier, or the handset, confirmed it.
        Delivered = "delivered",
        /// Twilio or a carrier has it and has not confirmed its delivery.
        Sent = "sent",
        /// It did not arrive.
        Failed = "failed",
        /// Not sent: the number may not be texted.
        Suppressed = "suppressed",
        /// Not sent: a rule left it out, its time had passed, or a user canceled it.
        Skipped = "skipped",
        /// It is unknown whether Twilio has it.
        Unconfirmed = "unconfirmed",
        /// Not yet submitted to Twilio.
        Pending = "pending",
        /// It never reached its recipient, and another message replaced it, which counts
        /// separately.
        Retried = "retried",
    }
}

impl Outcome {
    /// The word for users, the same as for the statuses of its messages.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Delivered => "Delivered",
            Self::Sent => "On the way",
            Self::Failed => "Not delivered",
            Self::Suppressed => "Suppressed",
            Self::Skipped => "Skipped",
            Self::Unconfirmed => "Uncertain",
            Self::Pending => "Waiting",
            Self::Retried => "Sent again",
        }
    }

    /// What the outcome means, in a sentence for pages.
    #[must_use]
    pub const fn meaning(self) -> &'static str {
        match self {
            Self::Delivered => "The carrier confirmed that it arrived.",
            Self::Sent => "Twilio or a carrier has it. Some carriers never confirm delivery.",
            Self::Failed => "It didn’t arrive.",
            Self::Suppressed => "Not sent: this number can’t be texted.",
            Self::Skipped => "Not sent: a rule left it out, or its time had passed.",
            Self::Unconfirmed => {
                "Twilio gave no clear answer. It is uncertain whether it has the message."
            }
            Self::Pending => "Waiting to go to Twilio.",
            Self::Retried => "It never arrived, and another message took its place.",
        }
    }
}
