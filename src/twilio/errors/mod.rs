//! Twilio's error codes: what each means, what to do about it, and what the program does by itself.

mod table;

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

/// What the program does with a message that met this error.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disposition {
    /// Send it again, at this time.
    RetryAfter(Wait),
    /// It failed for good.
    Reject,
    /// A STOP that we missed: suppress the number.
    OptedOut,
    /// Mark the number invalid.
    BadNumber,
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
    /// Hours later, a few times.
    Later,
    /// After midnight in Pacific time, when the carriers' daily caps reset.
    NextDay,
}

/// All codes that are known here, ascending.
#[must_use]
pub fn all() -> &'static [ErrorCode] {
    table::TABLE
}

/// What is known of a code; new codes come without notice, and get a careful entry.
#[must_use]
pub fn lookup(code: i32) -> ErrorCode {
    match table::TABLE.binary_search_by_key(&code, |entry| entry.code) {
        Ok(at) => table::TABLE[at],
        Err(_) => ErrorCode { code, ..UNKNOWN },
    }
}

const UNKNOWN: ErrorCode = ErrorCode {
    code: 0,
    class: Class::Unknown,
    retry: Retry::Never,
    contact: ContactEffect::None,
    title: "An error that Carillon does not know",
    means: "Twilio reports a code that was not known when this version of Carillon was made.",
    advice: "Follow the link to Twilio's page about it. Nothing is sent again by itself.",
};

impl ErrorCode {
    /// Twilio's page about the code.
    #[must_use]
    pub fn link(&self) -> String {
        format!("https://www.twilio.com/docs/api/errors/{}", self.code)
    }

    /// What the program does with the message.
    #[must_use]
    pub fn disposition(&self) -> Disposition {
        match (self.class, self.retry) {
            (Class::OptOut, _) => Disposition::OptedOut,
            (Class::BadNumber, _) => Disposition::BadNumber,
            (_, Retry::Ambiguous) => Disposition::Ambiguous,
            (_, Retry::Backoff) => Disposition::RetryAfter(Wait::Backoff),
            (_, Retry::Later) => Disposition::RetryAfter(Wait::Later),
            (_, Retry::NextDay) => Disposition::RetryAfter(Wait::NextDay),
            (Class::Sender, _) => Disposition::SenderBroken,
            (Class::Account, _) => Disposition::AccountBroken,
            _ => Disposition::Reject,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_without_repeats() {
        assert_eq!(all().len(), 109);
        assert!(all().is_sorted_by(|one, next| one.code < next.code));
    }

    #[test]
    fn every_code_is_explained_in_sentences() {
        for entry in all() {
            assert!(!entry.title.is_empty() && !entry.title.ends_with('.'), "{}", entry.code);
            for text in [entry.means, entry.advice] {
                assert!(text.ends_with('.') && text.len() > 15, "{}: {text}", entry.code);
            }
            assert!(entry.link().ends_with(&format!("/{}", entry.code)));
            assert!(!entry.class.name().is_empty());
        }
    }

    #[test]
    fn every_class_is_disposed_of_as_it_deserves() {
        for entry in all() {
            let disposition = entry.disposition();
            match entry.class {
                Class::OptOut => assert_eq!(disposition, Disposition::OptedOut, "{}", entry.code),
                Class::BadNumber => assert_eq!(disposition, Disposition::BadNumber, "{}", entry.code),
                Class::Account => assert_eq!(disposition, Disposition::AccountBroken, "{}", entry.code),
                Class::Request | Class::Inbound | Class::Blocked => {
                    assert_eq!(disposition, Disposition::Reject, "{}", entry.code);
                }
                Class::Sender => {
                    let stops = matches!(disposition, Disposition::SenderBroken | Disposition::RetryAfter(Wait::Later));
                    assert!(stops, "{}", entry.code);
                }
                Class::Rate => {
                    let waits = matches!(disposition, Disposition::RetryAfter(_)) || entry.retry == Retry::Optional;
                    assert!(waits, "{}", entry.code);
                }
                _ => {
                    let mild = matches!(disposition, Disposition::RetryAfter(_) | Disposition::Reject | Disposition::Ambiguous);
                    assert!(mild, "{}", entry.code);
                }
            }
        }
    }

    #[test]
    fn the_codes_that_matter_most_do_what_the_design_says() {
        let of = |code| lookup(code).disposition();
        assert_eq!(of(21610), Disposition::OptedOut);
        assert_eq!(of(21211), Disposition::BadNumber);
        assert_eq!(of(30005), Disposition::BadNumber);
        assert_eq!(of(20429), Disposition::RetryAfter(Wait::Backoff));
        assert_eq!(of(21611), Disposition::RetryAfter(Wait::Backoff));
        assert_eq!(of(30003), Disposition::RetryAfter(Wait::Later));
        assert_eq!(of(30023), Disposition::RetryAfter(Wait::NextDay));
        assert_eq!(of(21606), Disposition::SenderBroken);
        assert_eq!(of(20003), Disposition::AccountBroken);
        assert_eq!(of(20500), Disposition::Ambiguous);
        assert_eq!(of(21617), Disposition::Reject);
    }

    #[test]
    fn a_setting_for_one_destination_stops_neither_sender_nor_account() {
        for code in [21408, 21608, 21703, 30018, 63015] {
            assert_eq!(lookup(code).disposition(), Disposition::Reject, "{code}");
        }
    }

    #[test]
    fn an_unknown_code_is_rejected_with_its_own_link() {
        let entry = lookup(99_999);
        assert_eq!((entry.code, entry.disposition()), (99_999, Disposition::Reject));
        assert!(entry.link().ends_with("/99999"));
    }
}
