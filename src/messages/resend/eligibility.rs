//! Which messages may be sent again: only those of which it is certain that they reached nobody,
//! and that may be sent.

use crate::ledger::Cause;
use crate::ledger::outcome::Outcome;
use crate::messages::claim::EXPIRED;
use crate::messages::status::MessageStatus;
use crate::twilio::errors::{self, Class, ContactEffect, Retry};
use crate::types::text_enum::text_enum;

text_enum! {
    /// Why a message that did not arrive is not sent again.
    pub enum LeftOut {
        /// Nobody knows whether Twilio has it.
        Unconfirmed = "unconfirmed",
        /// A carrier had it, or an attempt to send it was never answered.
        MayHaveArrived = "may_have_arrived",
        /// The number may not be texted.
        Suppressed = "suppressed",
        /// The contact was deleted, or never was one.
        NoContact = "no_contact",
        /// Twilio's error code says so.
        WouldFailAgain = "would_fail_again",
        /// Twilio gave no reason.
        Unexplained = "unexplained",
        /// There is no text or no recipient.
        NothingToSend = "nothing_to_send",
        /// A rule left it out, or somebody canceled it.
        OnPurpose = "on_purpose",
        /// Another message took its place.
        Retried = "retried",
    }
}

/// What is known of a message that did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// Where it ended.
    pub status: MessageStatus,
    /// Twilio's error code.
    pub error_code: Option<i32>,
    /// The first 200 characters of our reason.
    pub reason: Option<String>,
    /// What stands against it.
    pub facts: Facts,
}

/// Facts about a message, as the database finds them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, named where they are read and written"
)]
pub struct Facts {
    /// Another message repeats it.
    pub retried: bool,
    /// Its contact exists.
    pub has_contact: bool,
    /// It has a recipient and something to say.
    pub has_content: bool,
    /// Twilio once took it.
    pub accepted: bool,
    /// The number is suppressed now.
    pub suppressed: bool,
    /// A report says that a carrier had it.
    pub at_carrier: bool,
    /// An attempt may have reached Twilio without our ever hearing of it.
    pub doubtful: bool,
}

impl Circumstances {
    /// Whether the message may be sent again; if not, why.
    ///
    /// `undelivered` is left out on purpose: carriers report it of messages that arrived, too.
    pub fn judge(&self) -> Result<(), LeftOut> {
        let facts = self.facts;
        if facts.retried {
            return Err(LeftOut::Retried);
        }
        match self.status {
            MessageStatus::Unconfirmed => return Err(LeftOut::Unconfirmed),
            MessageStatus::Suppressed => return Err(LeftOut::Suppressed),
            MessageStatus::Skipped | MessageStatus::Canceled => return Err(LeftOut::OnPurpose),
            MessageStatus::Failed | MessageStatus::Undelivered => {
                self.error_code.map_or(Ok(()), by_code)?;
            }
            // Whatever Twilio said to earlier attempts left it waiting here.
            MessageStatus::Expired => {}
            _ => return Err(LeftOut::MayHaveArrived),
        }
        if self.status == MessageStatus::Undelivered || facts.at_carrier || facts.doubtful {
            return Err(LeftOut::MayHaveArrived);
        }
        if facts.suppressed {
            return Err(LeftOut::Suppressed);
        }
        if !facts.has_content {
            return Err(LeftOut::NothingToSend);
        }
        if !facts.has_contact {
            return Err(LeftOut::NoContact);
        }
        if self.status == MessageStatus::Failed && self.error_code.is_none() && facts.accepted {
            return Err(LeftOut::Unexplained);
        }
        Ok(())
    }
}

/// What the table of error codes says about sending the same text to the same person from the same
/// sender.
fn by_code(code: i32) -> Result<(), LeftOut> {
    let error = errors::lookup(code);
    match (error.class, error.contact, error.retry) {
        (_, _, Retry::Ambiguous) => Err(LeftOut::MayHaveArrived),
        (Class::OptOut | Class::BadNumber | Class::Blocked, ..) => Err(LeftOut::WouldFailAgain),
        (
            _,
            ContactEffect::None | ContactEffect::Count,
            Retry::Backoff
            | Retry::QueueFull
            | Retry::Later
            | Retry::NextDay
            | Retry::AfterFix
            | Retry::Optional,
        ) => Ok(()),
        _ => Err(LeftOut::WouldFailAgain),
    }
}

/// Whether messages that did not arrive for this cause may be worth another try; what else is true
/// of each of them stays to be seen.
#[must_use]
pub fn may_be_worth_it(cause: &Cause) -> bool {
    of_cause(cause).is_ok()
}

/// What the cause alone says about all of its messages.
pub(crate) fn of_cause(cause: &Cause) -> Result<(), LeftOut> {
    match (cause.outcome, cause.error_code) {
        (Outcome::Failed, Some(code)) => by_code(code),
        (Outcome::Failed, None) => Ok(()),
        (Outcome::Skipped, _) if cause.reason.as_deref() == Some(EXPIRED) => Ok(()),
        (Outcome::Suppressed, _) => Err(LeftOut::Suppressed),
        (Outcome::Unconfirmed, _) => Err(LeftOut::Unconfirmed),
        (Outcome::Retried, _) => Err(LeftOut::Retried),
        (Outcome::Skipped, _) => Err(LeftOut::OnPurpose),
        (Outcome::Delivered | Outcome::Sent | Outcome::Pending, _) => Err(LeftOut::MayHaveArrived),
    }
}

/// The codes after which the same message may succeed.
pub(crate) fn codes_worth_another_try() -> Vec<i32> {
    errors::all().iter().map(|error| error.code).filter(|code| by_code(*code).is_ok()).collect()
}

impl LeftOut {
    /// Why, in words for people.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Unconfirmed => {
                "Nobody knows whether Twilio has it. Carillon finds out, and never sends on a \
                 guess."
            }
            Self::MayHaveArrived => {
                "It may have arrived: a carrier had it, and carriers sometimes report as \
                 undelivered what was read, or an attempt to send it was never answered."
            }
            Self::Suppressed => "The number may not be texted.",
            Self::NoContact => "There is no contact any more, or there never was one.",
            Self::WouldFailAgain => {
                "It would fail again: Twilio’s error code says that this text cannot reach this \
                 number."
            }
            Self::Unexplained => "Twilio took it and then failed it without an error code.",
            Self::NothingToSend => {
                "It has no text or no recipient: its template could not be filled in."
            }
            Self::OnPurpose => "It was left out or canceled on purpose.",
            Self::Retried => "It was sent again already.",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed(error_code: Option<i32>) -> Circumstances {
        let facts = Facts { has_contact: true, has_content: true, ..Facts::default() };
        Circumstances { status: MessageStatus::Failed, error_code, reason: None, facts }
    }

    #[test]
    fn only_failed_and_expired_messages_are_sent_again() {
        for status in MessageStatus::ALL {
            let may = matches!(status, MessageStatus::Failed | MessageStatus::Expired);
            assert_eq!(
                Circumstances { status: *status, ..failed(None) }.judge().is_ok(),
                may,
                "{status}"
            );
        }
    }

    #[test]
    fn every_doubt_is_a_no() {
        let sure = failed(None);
        assert_eq!(sure.judge(), Ok(()));
        let with = |change: fn(&mut Facts)| {
            let mut doubtful = sure.clone();
            change(&mut doubtful.facts);
            doubtful.judge()
        };
        assert_eq!(with(|facts| facts.retried = true), Err(LeftOut::Retried));
        assert_eq!(with(|facts| facts.has_contact = false), Err(LeftOut::NoContact));
        assert_eq!(with(|facts| facts.has_content = false), Err(LeftOut::NothingToSend));
        assert_eq!(with(|facts| facts.accepted = true), Err(LeftOut::Unexplained));
        assert_eq!(with(|facts| facts.suppressed = true), Err(LeftOut::Suppressed));
        assert_eq!(with(|facts| facts.at_carrier = true), Err(LeftOut::MayHaveArrived));
        assert_eq!(with(|facts| facts.doubtful = true), Err(LeftOut::MayHaveArrived));
    }

    #[test]
    fn a_cause_is_worth_asking_about_when_some_of_its_messages_may_be_sent_again() {
        let cause = |outcome, error_code, reason: Option<&str>| Cause {
            outcome,
            error_code,
            reason: reason.map(str::to_owned),
            count: 1,
        };
        assert!(
            may_be_worth_it(&cause(Outcome::Failed, Some(30001), None))
                && may_be_worth_it(&cause(Outcome::Failed, None, Some("?")))
        );
        assert!(may_be_worth_it(&cause(Outcome::Skipped, None, Some(EXPIRED))));
        assert!(
            !may_be_worth_it(&cause(Outcome::Failed, Some(21610), None))
                && !may_be_worth_it(&cause(Outcome::Suppressed, None, Some("stop")))
        );
        assert!(!may_be_worth_it(&cause(Outcome::Skipped, None, Some("A rule left it out."))));
    }

    #[test]
    fn the_error_code_decides_what_is_worth_another_try() {
        for code in [30001, 30002, 30022, 30023, 30034, 30036, 21606, 21408] {
            assert_eq!(failed(Some(code)).judge(), Ok(()), "{code}");
        }
        for code in [21610, 21211, 21614, 30004, 30005, 30006, 30007, 21617, 21612, 63016, 99_999] {
            assert_eq!(failed(Some(code)).judge(), Err(LeftOut::WouldFailAgain), "{code}");
        }
        for code in [20500, 20503, 21619] {
            assert_eq!(failed(Some(code)).judge(), Err(LeftOut::MayHaveArrived), "{code}");
        }
    }
}
