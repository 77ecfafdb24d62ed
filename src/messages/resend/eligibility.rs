//! Which messages may be resent: only those that certainly reached no recipient, and that may still
//! be sent.

use crate::ledger::Cause;
use crate::ledger::outcome::Outcome;
use crate::messages::claim::EXPIRED;
use crate::messages::status::MessageStatus;
use crate::twilio::error_codes::{self, Class, ContactEffect, Retry};
use crate::types::text_enum::text_enum;

text_enum! {
    /// Why an undelivered message is not resent.
    pub enum LeftOutReason {
        /// It is uncertain whether Twilio has it.
        Unconfirmed = "unconfirmed",
        /// A carrier had it, or an attempt was never answered.
        MayHaveArrived = "may_have_arrived",
        /// The number may not be texted.
        Suppressed = "suppressed",
        /// The contact was deleted, or there never was one.
        NoContact = "no_contact",
        /// Twilio's error code says that it would fail again.
        WouldFailAgain = "would_fail_again",
        /// Twilio gave no reason.
        Unexplained = "unexplained",
        /// It has no text or no recipient.
        NothingToSend = "nothing_to_send",
        /// A rule left it out, or it was canceled.
        OnPurpose = "on_purpose",
        /// It was resent already.
        AlreadyResent = "retried",
    }
}

/// What is known about an undelivered message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Circumstances {
    /// Its final status.
    pub status: MessageStatus,
    /// Twilio's error code.
    pub error_code: Option<i32>,
    /// The first 200 characters of our reason.
    pub reason: Option<String>,
    /// The facts that may rule out a resend.
    pub facts: Facts,
}

/// Facts about a message, as the database has them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "independent facts, named where they are read and written"
)]
pub struct Facts {
    /// Another message resends it.
    pub resent: bool,
    /// Its contact exists.
    pub has_contact: bool,
    /// It has a recipient, and a text or media.
    pub has_content: bool,
    /// Twilio accepted it.
    pub accepted: bool,
    /// The number is suppressed now.
    pub suppressed: bool,
    /// A report shows that a carrier had it.
    pub at_carrier: bool,
    /// An attempt may have reached Twilio without a response to us.
    pub doubtful: bool,
}

impl Circumstances {
    /// Checks whether the message may be resent; the error says why not.
    ///
    /// `undelivered` is excluded on purpose: carriers also report it for messages that arrived.
    pub fn check(&self) -> Result<(), LeftOutReason> {
        let facts = self.facts;
        if facts.resent {
            return Err(LeftOutReason::AlreadyResent);
        }
        match self.status {
            MessageStatus::Unconfirmed => return Err(LeftOutReason::Unconfirmed),
            MessageStatus::Suppressed => return Err(LeftOutReason::Suppressed),
            MessageStatus::Skipped | MessageStatus::Canceled => {
                return Err(LeftOutReason::OnPurpose);
            }
            MessageStatus::Failed | MessageStatus::Undelivered => {
                self.error_code.map_or(Ok(()), check_code)?;
            }
            // It waited in `pending` after any earlier attempt, so earlier error codes do not
            // matter.
            MessageStatus::Expired => {}
            _ => return Err(LeftOutReason::MayHaveArrived),
        }
        if self.status == MessageStatus::Undelivered || facts.at_carrier || facts.doubtful {
            return Err(LeftOutReason::MayHaveArrived);
        }
        if facts.suppressed {
            return Err(LeftOutReason::Suppressed);
        }
        if !facts.has_content {
            return Err(LeftOutReason::NothingToSend);
        }
        if !facts.has_contact {
            return Err(LeftOutReason::NoContact);
        }
        if self.status == MessageStatus::Failed && self.error_code.is_none() && facts.accepted {
            return Err(LeftOutReason::Unexplained);
        }
        Ok(())
    }
}

/// What an error code says about sending the same text to the same person from the same sender.
fn check_code(code: i32) -> Result<(), LeftOutReason> {
    let error = error_codes::lookup(code);
    match (error.class, error.contact, error.retry) {
        (_, _, Retry::Ambiguous) => Err(LeftOutReason::MayHaveArrived),
        (Class::OptOut | Class::BadNumber | Class::Blocked, ..) => {
            Err(LeftOutReason::WouldFailAgain)
        }
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
        _ => Err(LeftOutReason::WouldFailAgain),
    }
}

/// Whether messages that failed for this cause may be eligible; each is still checked by itself.
#[must_use]
pub fn may_be_eligible(cause: &Cause) -> bool {
    check_cause(cause).is_ok()
}

/// What the cause alone says about all of its messages.
pub(crate) fn check_cause(cause: &Cause) -> Result<(), LeftOutReason> {
    match (cause.outcome, cause.error_code) {
        (Outcome::Failed, Some(code)) => check_code(code),
        (Outcome::Failed, None) => Ok(()),
        (Outcome::Skipped, _) if cause.reason.as_deref() == Some(EXPIRED) => Ok(()),
        (Outcome::Suppressed, _) => Err(LeftOutReason::Suppressed),
        (Outcome::Unconfirmed, _) => Err(LeftOutReason::Unconfirmed),
        (Outcome::Retried, _) => Err(LeftOutReason::AlreadyResent),
        (Outcome::Skipped, _) => Err(LeftOutReason::OnPurpose),
        (Outcome::Delivered | Outcome::Sent | Outcome::Pending, _) => {
            Err(LeftOutReason::MayHaveArrived)
        }
    }
}

/// The error codes after which the same message may succeed.
pub(crate) fn resendable_codes() -> Vec<i32> {
    error_codes::all()
        .iter()
        .map(|error| error.code)
        .filter(|code| check_code(*code).is_ok())
        .collect()
}

impl LeftOutReason {
    /// The explanation for users.
    #[must_use]
    pub const fn explanation(self) -> &'static str {
        match self {
            Self::Unconfirmed => {
                "It is uncertain whether Twilio accepted it. Carillon finds out first."
            }
            Self::MayHaveArrived => {
                "It may have arrived: a carrier had it, or an attempt to send it got no answer."
            }
            Self::Suppressed => "This number can’t be texted.",
            Self::NoContact => "Its contact is deleted, or it never had one.",
            Self::WouldFailAgain => {
                "It would fail again: this text can’t reach this number, Twilio says."
            }
            Self::Unexplained => "Twilio accepted it, then failed it without an error code.",
            Self::NothingToSend => {
                "It has no text or no recipient, since its template lacked a \
                                    value."
            }
            Self::OnPurpose => "A rule left it out, or a user canceled it.",
            Self::AlreadyResent => "It was sent again already.",
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
    fn only_failed_and_expired_messages_may_be_resent() {
        for status in MessageStatus::ALL {
            let may = matches!(status, MessageStatus::Failed | MessageStatus::Expired);
            assert_eq!(
                Circumstances { status: *status, ..failed(None) }.check().is_ok(),
                may,
                "{status}"
            );
        }
    }

    #[test]
    fn any_doubt_makes_a_message_ineligible() {
        let sure = failed(None);
        assert_eq!(sure.check(), Ok(()));
        let with = |change: fn(&mut Facts)| {
            let mut doubtful = sure.clone();
            change(&mut doubtful.facts);
            doubtful.check()
        };
        assert_eq!(with(|facts| facts.resent = true), Err(LeftOutReason::AlreadyResent));
        assert_eq!(with(|facts| facts.has_contact = false), Err(LeftOutReason::NoContact));
        assert_eq!(with(|facts| facts.has_content = false), Err(LeftOutReason::NothingToSend));
        assert_eq!(with(|facts| facts.accepted = true), Err(LeftOutReason::Unexplained));
        assert_eq!(with(|facts| facts.suppressed = true), Err(LeftOutReason::Suppressed));
        assert_eq!(with(|facts| facts.at_carrier = true), Err(LeftOutReason::MayHaveArrived));
        assert_eq!(with(|facts| facts.doubtful = true), Err(LeftOutReason::MayHaveArrived));
    }

    #[test]
    fn a_cause_may_be_eligible_when_some_of_its_messages_are() {
        let cause = |outcome, error_code, reason: Option<&str>| Cause {
            outcome,
            error_code,
            reason: reason.map(str::to_owned),
            count: 1,
        };
        assert!(
            may_be_eligible(&cause(Outcome::Failed, Some(30001), None))
                && may_be_eligible(&cause(Outcome::Failed, None, Some("?")))
        );
        assert!(may_be_eligible(&cause(Outcome::Skipped, None, Some(EXPIRED))));
        assert!(
            !may_be_eligible(&cause(Outcome::Failed, Some(21610), None))
                && !may_be_eligible(&cause(Outcome::Suppressed, None, Some("stop")))
        );
        assert!(!may_be_eligible(&cause(Outcome::Skipped, None, Some("A rule left it out."))));
    }

    #[test]
    fn the_error_code_decides_what_may_be_resent() {
        for code in [30001, 30002, 30022, 30023, 30034, 30036, 21606, 21408] {
            assert_eq!(failed(Some(code)).check(), Ok(()), "{code}");
        }
        for code in [21610, 21211, 21614, 30004, 30005, 30006, 30007, 21617, 21612, 63016, 99_999] {
            assert_eq!(failed(Some(code)).check(), Err(LeftOutReason::WouldFailAgain), "{code}");
        }
        for code in [20500, 20503, 21619] {
            assert_eq!(failed(Some(code)).check(), Err(LeftOutReason::MayHaveArrived), "{code}");
        }
    }
}
