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
            let disposition = entry.on_refusal();
            match (entry.class, entry.contact) {
                (Class::OptOut, _) => {
                    assert_eq!(disposition, Disposition::OptedOut, "{}", entry.code)
                }
                (Class::BadNumber, ContactEffect::Invalid) => {
                    assert_eq!(disposition, Disposition::BadNumber, "{}", entry.code)
                }
                (_, ContactEffect::Suppress) => {
                    assert_eq!(disposition, Disposition::NumberBlocked, "{}", entry.code)
                }
                (Class::Account, _) => {
                    assert_eq!(disposition, Disposition::AccountBroken, "{}", entry.code)
                }
                (Class::Request | Class::Inbound | Class::BadNumber, _) => {
                    assert_eq!(disposition, Disposition::Reject, "{}", entry.code)
                }
                (Class::Sender, _) => {
                    let stops = matches!(
                        disposition,
                        Disposition::SenderBroken | Disposition::RetryAfter(Wait::Later)
                    );
                    assert!(stops, "{}", entry.code);
                }
                (Class::Rate, _) => {
                    let waits = matches!(disposition, Disposition::RetryAfter(_))
                        || entry.retry == Retry::Optional;
                    assert!(waits, "{}", entry.code);
                }
                _ => {
                    let mild = matches!(
                        disposition,
                        Disposition::RetryAfter(_) | Disposition::Reject | Disposition::Ambiguous
                    );
                    assert!(mild, "{}", entry.code);
                }
            }
        }
    }

    #[test]
    fn the_codes_that_matter_most_do_what_the_design_says() {
        let of = |code| lookup(code).on_refusal();
        assert_eq!(of(21610), Disposition::OptedOut);
        assert_eq!(of(21211), Disposition::BadNumber);
        assert_eq!(of(30005), Disposition::BadNumber);
        assert_eq!(of(30004), Disposition::NumberBlocked);
        assert_eq!(of(63003), Disposition::Reject, "a number without WhatsApp can still get SMS");
        assert_eq!(of(20429), Disposition::RetryAfter(Wait::Backoff));
        assert_eq!(of(21611), Disposition::RetryAfter(Wait::QueueFull));
        assert_eq!(of(30003), Disposition::RetryAfter(Wait::Later));
        assert_eq!(of(30023), Disposition::RetryAfter(Wait::NextDay));
        assert_eq!(of(21606), Disposition::SenderBroken);
        assert_eq!(of(20003), Disposition::AccountBroken);
        assert_eq!(of(20500), Disposition::Ambiguous);
        assert_eq!(of(21617), Disposition::Reject);
    }

    #[test]
    fn of_what_twilio_had_accepted_only_rates_and_queues_are_sent_again() {
        let of = |code| lookup(code).on_report();
        assert_eq!(of(30001), Disposition::RetryAfter(Wait::QueueFull));
        assert_eq!(of(30022), Disposition::RetryAfter(Wait::Backoff));
        assert_eq!([of(30023), of(30027), of(63038)], [Disposition::RetryAfter(Wait::NextDay); 3]);
        assert_eq!(
            [of(30003), of(30008), of(30017), of(30035), of(30410), of(20500)],
            [Disposition::Reject; 6]
        );
        assert_eq!(
            (of(21610), of(30006), of(30004)),
            (Disposition::OptedOut, Disposition::BadNumber, Disposition::NumberBlocked)
        );
        assert_eq!((of(30034), of(30002)), (Disposition::SenderBroken, Disposition::AccountBroken));
        for entry in all() {
            let again = matches!(entry.on_report(), Disposition::RetryAfter(_));
            assert!(!again || entry.class == Class::Rate, "{}", entry.code);
        }
    }

    #[test]
    fn a_setting_for_one_destination_stops_neither_sender_nor_account() {
        for code in [21408, 21608, 21703, 30018, 63015] {
            assert_eq!(
                (lookup(code).on_refusal(), lookup(code).on_report()),
                (Disposition::Reject, Disposition::Reject),
                "{code}"
            );
        }
    }

    #[test]
    fn an_unknown_code_is_rejected_with_its_own_link() {
        let entry = lookup(99_999);
        assert_eq!(
            (entry.code, entry.on_refusal(), entry.on_report()),
            (99_999, Disposition::Reject, Disposition::Reject)
        );
        assert!(entry.link().ends_with("/99999"));
    }
}
