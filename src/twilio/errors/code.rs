//! An error code of Twilio's: what kind of trouble it is, and what the program does about it.

use serde::Serialize;

/// One of Twilio's error codes with our reading of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ErrorCode {
    /// Twilio's number.
    pub code: i32,
    /// What kind of trouble it is.
    pub class: Class,
    /// Whether and when the same message may be sent again.
    pub retry: Retry,
    /// What it says about the contact's number.
    pub contact: ContactEffect,
    /// A few words for lists.
    pub title: &'static str,
    /// What it means, for marketers and admins.
    pub means: &'static str,
    /// What to do now.
    pub advice: &'static str,
}

/// Kinds of trouble.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The person does not want messages.
    OptOut,
    /// The number cannot get messages, ever.
    BadNumber,
    /// The handset cannot be reached now.
    Unreachable,
    /// The carrier or the person blocks messages.
    Blocked,
    /// Taken for spam.
    Filtered,
    /// The text or media are at fault.
    Content,
    /// The request is malformed.
    Request,
    /// The sender cannot send.
    Sender,
    /// The sender works, but may not send to this destination until a setting changes.
    Destination,
    /// The account or its keys are at fault.
    Account,
    /// Too fast, or too many.
    Rate,
    /// Twilio or a carrier has trouble.
    Provider,
    /// Protection against fraud stepped in.
    Fraud,
    /// A compliance rule stepped in.
    Compliance,
    /// It concerns inbound messages.
    Inbound,
    /// Nobody says.
    Unknown,
}

/// Whether the same message may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// It would fail again.
    Never,
    /// Soon, in growing steps.
    Backoff,
    /// When the sender's queue at Twilio has room again, however often that takes.
    QueueFull,
    /// Hours later, a few times.
    Later,
    /// When the daily cap resets.
    NextDay,
    /// Once somebody has fixed the cause.
    AfterFix,
    /// It was not sent and may be, if it still matters.
    Optional,
    /// From another sender, perhaps.
    OtherSender,
    /// By another channel, perhaps.
    OtherChannel,
    /// As an approved template.
    WithTemplate,
    /// Only after finding out whether it was sent.
    Ambiguous,
}

/// What an error says about the contact's number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ContactEffect {
    /// Nothing.
    None,
    /// Opted out of this sender or service.
    OptedOut,
    /// Opted out of this channel (WhatsApp).
    OptedOutOfChannel,
    /// Invalid.
    Invalid,
    /// Not on this channel.
    InvalidForChannel,
    /// Not to be texted any more.
    Suppress,
    /// Repeats add up to an inactive number.
    Count,
}

/// What the program does when a message meets this error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Send it again, at this time.
    RetryAfter(Wait),
    /// It failed for good.
    Reject,
    /// It failed, and is a STOP that we missed: suppress the number.
    OptedOut,
    /// It failed: mark the number invalid.
    BadNumber,
    /// It failed, and so will the next one: suppress the number as blocked.
    NumberBlocked,
    /// Stop the sender, and tell the admins.
    SenderBroken,
    /// Stop the connection, and tell the admins.
    AccountBroken,
    /// It may have been sent: find out, never just repeat.
    Ambiguous,
}

/// When to send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Soon, in growing steps.
    Backoff,
    /// When the sender's queue at Twilio has room again; meanwhile the sender slows down.
    QueueFull,
    /// Hours later, a few times.
    Later,
    /// After midnight in Pacific time, when the carriers' daily caps reset.
    NextDay,
}

impl ErrorCode {
    /// Twilio's page about the code.
    #[must_use]
    pub fn link(&self) -> String {
        format!("https://www.twilio.com/docs/api/errors/{}", self.code)
    }

    /// The code in sentences: what it is, what it means, what to do.
    #[must_use]
    pub fn explained(&self) -> String {
        format!("{} ({}): {} {}", self.title, self.code, self.means, self.advice)
    }

    /// What the program does when Twilio refuses a message with this code, and so does not have it.
    #[must_use]
    pub const fn on_refusal(&self) -> Disposition {
        match (self.class, self.contact, self.retry) {
            (Class::OptOut, ..) => Disposition::OptedOut,
            (_, ContactEffect::Invalid, _) => Disposition::BadNumber,
            (_, ContactEffect::Suppress, _) => Disposition::NumberBlocked,
            (_, _, Retry::Ambiguous) => Disposition::Ambiguous,
            (_, _, Retry::Backoff) => Disposition::RetryAfter(Wait::Backoff),
            (_, _, Retry::QueueFull) => Disposition::RetryAfter(Wait::QueueFull),
            (_, _, Retry::Later) => Disposition::RetryAfter(Wait::Later),
            (_, _, Retry::NextDay) => Disposition::RetryAfter(Wait::NextDay),
            (Class::Sender, ..) => Disposition::SenderBroken,
            (Class::Account, ..) => Disposition::AccountBroken,
            _ => Disposition::Reject,
        }
    }

    /// What the program does when a message that Twilio had accepted comes to nothing with this
    /// code.
    ///
    /// Only what stopped at a rate or a queue has certainly never left Twilio, and is sent again by
    /// itself; anything else may yet turn out to have arrived, so that sending it again is for
    /// people to decide.
    #[must_use]
    pub const fn on_report(&self) -> Disposition {
        match (self.on_refusal(), self.class) {
            (Disposition::RetryAfter(wait), Class::Rate) => Disposition::RetryAfter(wait),
            (Disposition::RetryAfter(_) | Disposition::Ambiguous, _) => Disposition::Reject,
            (other, _) => other,
        }
    }
}

impl Class {
    /// The kind in words.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OptOut => "opted out",
            Self::BadNumber => "bad number",
            Self::Unreachable => "unreachable",
            Self::Blocked => "blocked",
            Self::Filtered => "filtered",
            Self::Content => "content",
            Self::Request => "request",
            Self::Sender => "sender",
            Self::Destination => "destination",
            Self::Account => "account",
            Self::Rate => "rate limit",
            Self::Provider => "provider",
            Self::Fraud => "fraud protection",
            Self::Compliance => "compliance",
            Self::Inbound => "inbound",
            Self::Unknown => "unknown",
        }
    }
}
