//! An error code of Twilio: its classification, and how Carillon reacts.

use serde::Serialize;

/// An error code of Twilio with Carillon's interpretation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct ErrorCode {
    /// Twilio's error code.
    pub code: i32,
    /// Class of the error.
    pub class: Class,
    /// Whether and when the same message may be sent again.
    pub retry: Retry,
    /// What the error implies for the contact's number.
    pub contact: ContactEffect,
    /// Short title for lists.
    pub title: &'static str,
    /// Explanation for marketers and admins.
    pub means: &'static str,
    /// Advice.
    pub advice: &'static str,
}

/// Classes of errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// The recipient has opted out.
    OptOut,
    /// The number can never receive messages.
    BadNumber,
    /// The handset is currently unreachable.
    Unreachable,
    /// The carrier or the recipient blocks messages.
    Blocked,
    /// Filtered as spam.
    Filtered,
    /// The text or media cause the error.
    Content,
    /// The request is malformed.
    Request,
    /// The sender cannot send.
    Sender,
    /// The sender works, but may not send to this destination until a setting changes.
    Destination,
    /// The account or its keys cause the error.
    Account,
    /// A rate limit or a full queue.
    Rate,
    /// A failure at Twilio or a carrier.
    Provider,
    /// Blocked by fraud protection.
    Fraud,
    /// Blocked by a compliance rule.
    Compliance,
    /// Concerns inbound messages.
    Inbound,
    /// The cause is unknown.
    Unknown,
}

/// Whether the same message may be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Retry {
    /// It would fail again.
    Never,
    /// Soon, with exponential backoff.
    Backoff,
    /// When the sender's queue at Twilio has capacity again, without a limit on attempts.
    QueueFull,
    /// Hours later, a few times.
    Later,
    /// When the daily cap resets.
    NextDay,
    /// After a user has fixed the cause.
    AfterFix,
    /// It was not sent; a user may send it again if it still matters.
    Optional,
    /// Possibly from another sender.
    OtherSender,
    /// Possibly by another channel.
    OtherChannel,
    /// As an approved template.
    WithTemplate,
    /// Only after finding out whether it was sent.
    Ambiguous,
}

/// What an error implies for the contact's number.
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
    /// Must not be texted again.
    Suppress,
    /// Repeated errors indicate an inactive number.
    Count,
}

/// How Carillon reacts to an error of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Send it again, at this time.
    RetryAfter(Wait),
    /// It failed permanently.
    Reject,
    /// It failed because of a STOP that Carillon did not receive: suppress the number.
    OptedOut,
    /// It failed: mark the number invalid.
    BadNumber,
    /// It failed, as will later messages: suppress the number as blocked.
    NumberBlocked,
    /// Stop the sender, and notify the admins.
    SenderBroken,
    /// Stop the connection, and notify the admins.
    AccountBroken,
    /// It may have been sent: reconcile before sending it again.
    Ambiguous,
}

/// When to send again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wait {
    /// Soon, with exponential backoff.
    Backoff,
    /// When the sender's queue at Twilio has capacity again; until then the sender slows down.
    QueueFull,
    /// Hours later, a few times.
    Later,
    /// After midnight in Pacific time, when the carriers' daily caps reset.
    NextDay,
}

impl ErrorCode {
    /// URL of Twilio's documentation of the code.
    #[must_use]
    pub fn link(&self) -> String {
        format!("https://www.twilio.com/docs/api/errors/{}", self.code)
    }

    /// Title, explanation and advice in sentences.
    #[must_use]
    pub fn explained(&self) -> String {
        format!("{} ({}): {} {}", self.title, self.code, self.means, self.advice)
    }

    /// How Carillon reacts if Twilio refuses a message with this code, so that it does not have the
    /// message.
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

    /// How Carillon reacts if a message that Twilio had accepted fails with this code.
    ///
    /// Only messages stopped by a rate limit or a queue have certainly not left Twilio and are
    /// retried automatically. Others may still turn out to be delivered, so users decide about
    /// sending them again.
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
    /// The name of the class.
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
