//! Consent records: the evidence for each time that a number was suppressed or lifted. Rows are
//! only ever added.

use chrono::{DateTime, Utc};
use diesel::prelude::{
    ExpressionMethods, JoinOnDsl, NullableExpressionMethods, OptionalExtension, QueryDsl, Queryable,
};
use diesel_async::RunQueryDsl;

use super::evidence::Evidence;
use super::reason::Reason;
use super::source::ConsentSource;
use crate::clock::FAR_FUTURE;
use crate::db::Conn;
use crate::db::schema::{consent_records, messages, users};
use crate::error::Result;
use crate::types::id::MessageId;
use crate::types::phone::PhoneNumber;
use crate::types::text_enum::text_enum;

text_enum! {
    /// The direction in which consent changed.
    pub enum ConsentChange {
        /// The number may not be texted any more.
        Suppressed = "suppressed",
        /// The number may be texted again, as far as this reason goes.
        Lifted = "lifted",
    }
}

/// One piece of evidence.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct ConsentRecord {
    /// The direction in which consent changed.
    pub change: ConsentChange,
    /// How it is known.
    pub source: ConsentSource,
    /// The reason that began or ended.
    pub reason: Option<Reason>,
    /// The message that proves it.
    pub message_id: Option<MessageId>,
    /// The keyword as it was written, Twilio's error code, or the reason that a user gave.
    pub note: Option<String>,
    /// When it was recorded.
    pub recorded_at: DateTime<Utc>,
    /// The address to which the message that proves it was sent.
    pub message_to: Option<String>,
    /// The email address of the user who decided it, while the user exists.
    pub user_email: Option<String>,
}

impl ConsentRecord {
    /// The evidence in a sentence, without its time.
    pub fn sentence(&self) -> String {
        let note = self.note.as_deref().map(str::trim).filter(|note| !note.is_empty());
        let because = note.map(|note| format!(": {note}")).unwrap_or_default();
        let user = self.user_email.as_deref().unwrap_or("a former user");
        let ended = self.reason.map_or("Suppression", Reason::noun);
        match (self.change, self.source) {
            (ConsentChange::Suppressed, ConsentSource::Keyword) => {
                format!("Texted {}{}", keyword(note, "STOP"), self.to())
            }
            (ConsentChange::Suppressed, ConsentSource::Wording) => {
                format!("Texted {}{}{READ_SUFFIX}", keyword(note, "…"), self.to())
            }
            (ConsentChange::Suppressed, ConsentSource::WordingLookup) => {
                format!("Texted {}{}{READ_SUFFIX}{FOUND_SUFFIX}", keyword(note, "…"), self.to())
            }
            (ConsentChange::Suppressed, ConsentSource::Lookup) => {
                format!("Texted {}{}{FOUND_SUFFIX}", keyword(note, "STOP"), self.to())
            }
            (ConsentChange::Lifted, ConsentSource::Keyword | ConsentSource::Wording) => {
                format!("Texted {}{}: {ended} lifted", keyword(note, "START"), self.to())
            }
            (ConsentChange::Lifted, ConsentSource::Lookup | ConsentSource::WordingLookup) => {
                format!(
                    "Texted {}{}: {ended} lifted{FOUND_SUFFIX}",
                    keyword(note, "START"),
                    self.to()
                )
            }
            (ConsentChange::Suppressed, ConsentSource::Twilio) => self.refusal(note),
            (ConsentChange::Lifted, ConsentSource::Twilio) => {
                format!("Twilio reported an opt-in: {ended} lifted")
            }
            (ConsentChange::Suppressed, ConsentSource::Admin) => {
                format!("Suppressed by {user}{because}")
            }
            (ConsentChange::Lifted, ConsentSource::Admin) => {
                format!("{ended} lifted by {user}{because}")
            }
            (ConsentChange::Suppressed, ConsentSource::Api) => {
                format!("Suppressed through the API{because}")
            }
            (ConsentChange::Suppressed, ConsentSource::NumberChange) => {
                let by = self
                    .user_email
                    .as_deref()
                    .map(|email| format!(" by {email}"))
                    .unwrap_or_default();
                format!(
                    "{ended} carried over from {} when the number was changed{by}",
                    note.unwrap_or("the former number")
                )
            }
            (ConsentChange::Lifted, ConsentSource::NumberChange) => {
                format!("{ended} lifted when the number was changed")
            }
            (ConsentChange::Lifted, ConsentSource::Api) => {
                format!("{ended} lifted through the API{because}")
            }
        }
    }

    fn refusal(&self, code: Option<&str>) -> String {
        let what = code.map_or_else(
            || "Twilio refused".to_owned(),
            |code| format!("Twilio refused with error {code}"),
        );
        match self.reason {
            Some(Reason::Stop | Reason::Carrier21610) => {
                format!("{what}: the person has opted out")
            }
            Some(Reason::InvalidNumber) => format!("{what}: the number can’t receive messages"),
            Some(Reason::CarrierBlocked) => {
                format!("{what}: the carrier blocks messages to the number")
            }
            Some(Reason::Manual) | None => what,
        }
    }

    fn to(&self) -> String {
        let Some(address) = &self.message_to else {
            return String::new();
        };
        // A short code or Messaging Service is shown as it is.
        let shown = PhoneNumber::from_e164(address)
            .map_or_else(|_| address.clone(), |phone| phone.international());
        format!(" to {shown}")
    }
}

/// The newest evidence about a number, newest first.
pub async fn of_number(
    conn: &mut Conn,
    phone: &PhoneNumber,
    limit: i64,
) -> Result<Vec<ConsentRecord>> {
    of_number_until(conn, phone, FAR_FUTURE, limit).await
}

/// The newest evidence about a number that was recorded until `time`, newest first.
pub async fn of_number_until(
    conn: &mut Conn,
    phone: &PhoneNumber,
    time: DateTime<Utc>,
    limit: i64,
) -> Result<Vec<ConsentRecord>> {
    let records = consent_records::table
        .left_join(users::table)
        .left_join(messages::table.on(consent_records::message_id.eq(messages::id.nullable())))
        .filter(consent_records::phone.eq_any(phone.forms()))
        .filter(consent_records::recorded_at.le(time))
        .order(consent_records::id.desc())
        .limit(limit)
        .select((
            consent_records::change,
            consent_records::source,
            consent_records::reason,
            consent_records::message_id,
            consent_records::note,
            consent_records::recorded_at,
            messages::to_address.nullable(),
            users::email.nullable(),
        ))
        .load(conn)
        .await?;
    Ok(records)
}

/// Adds a piece of evidence.
pub(super) async fn add(
    conn: &mut Conn,
    change: ConsentChange,
    evidence: &Evidence,
    now: DateTime<Utc>,
) -> Result<()> {
    diesel::insert_into(consent_records::table)
        .values((
            consent_records::phone.eq(&evidence.phone),
            consent_records::change.eq(change),
            consent_records::source.eq(evidence.source),
            consent_records::reason.eq(evidence.reason),
            consent_records::message_id.eq(evidence.message_id),
            consent_records::user_id.eq(evidence.user_id),
            consent_records::note.eq(&evidence.note),
            consent_records::recorded_at.eq(now),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// The message that proves why a number is suppressed for a reason, if any.
pub(super) async fn proving_message(
    conn: &mut Conn,
    phone: &PhoneNumber,
    reason: Reason,
) -> Result<Option<MessageId>> {
    let found: Option<Option<MessageId>> = consent_records::table
        .filter(consent_records::phone.eq_any(phone.forms()))
        .filter(consent_records::change.eq(ConsentChange::Suppressed))
        .filter(consent_records::reason.eq(reason))
        .order(consent_records::id.desc())
        .select(consent_records::message_id)
        .first(conn)
        .await
        .optional()?;
    Ok(found.flatten())
}

/// Appended if the text is not a keyword.
const READ_SUFFIX: &str = ", read as an opt-out";

/// Appended if the webhook of the text did not arrive.
const FOUND_SUFFIX: &str = " (found by asking Twilio: its webhook didn’t arrive)";

/// The keyword as it was written, or the usual one if that is unknown.
fn keyword(note: Option<&str>, usual: &str) -> String {
    format!("“{}”", note.unwrap_or(usual))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(change: ConsentChange, source: ConsentSource, reason: Reason) -> ConsentRecord {
        ConsentRecord {
            change,
            source,
            reason: Some(reason),
            message_id: None,
            note: None,
            recorded_at: DateTime::UNIX_EPOCH,
            message_to: None,
            user_email: None,
        }
    }

    #[test]
    fn a_keyword_is_quoted_with_the_number_it_was_sent_to() {
        let stop = ConsentRecord {
            note: Some("Stop!".to_owned()),
            message_to: Some("+14155550123".to_owned()),
            ..record(ConsentChange::Suppressed, ConsentSource::Keyword, Reason::Stop)
        };
        assert_eq!(stop.sentence(), "Texted “Stop!” to +1 415 555 0123");
        let start = record(ConsentChange::Lifted, ConsentSource::Keyword, Reason::Stop);
        assert_eq!(start.sentence(), "Texted “START”: STOP lifted");
    }

    #[test]
    fn a_stop_that_moved_names_the_old_number() {
        let moved = ConsentRecord {
            note: Some("+1 415 555 0123".to_owned()),
            user_email: Some("anna@example.com".to_owned()),
            ..record(ConsentChange::Suppressed, ConsentSource::NumberChange, Reason::Stop)
        };
        assert_eq!(
            moved.sentence(),
            "STOP carried over from +1 415 555 0123 when the number was changed by \
             anna@example.com"
        );
    }

    #[test]
    fn a_text_that_was_read_as_an_opt_out_says_so() {
        let read = ConsentRecord {
            note: Some("please remove me".to_owned()),
            ..record(ConsentChange::Suppressed, ConsentSource::Wording, Reason::Stop)
        };
        assert_eq!(read.sentence(), "Texted “please remove me”, read as an opt-out");
    }

    #[test]
    fn twilios_refusal_names_its_code() {
        let refused =
            record(ConsentChange::Suppressed, ConsentSource::Twilio, Reason::Carrier21610);
        let refused = ConsentRecord { note: Some("21610".to_owned()), ..refused };
        assert_eq!(refused.sentence(), "Twilio refused with error 21610: the person has opted out");
    }

    #[test]
    fn a_user_is_named_with_their_reason_even_after_they_left() {
        let by_hand = ConsentRecord {
            note: Some("asked on the phone".to_owned()),
            user_email: Some("anna@example.com".to_owned()),
            ..record(ConsentChange::Suppressed, ConsentSource::Admin, Reason::Manual)
        };
        assert_eq!(by_hand.sentence(), "Suppressed by anna@example.com: asked on the phone");
        let left = record(ConsentChange::Lifted, ConsentSource::Admin, Reason::Stop);
        assert_eq!(left.sentence(), "STOP lifted by a former user");
    }
}
