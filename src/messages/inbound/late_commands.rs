//! Late commands, found by a lookup after newer ones: an old STOP does not undo a newer START, and
//! an old START does not undo a newer STOP.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::max;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::inbound_command::lifts_suppression;
use crate::consent::opt_out::own_words::OwnWords;
use crate::consent::opt_out::{self, Command};
use crate::consent::{ConsentChange, ConsentSource, Reason};
use crate::db::Conn;
use crate::db::schema::{attempts, consent_records, contacts, messages};
use crate::error::Result;
use crate::twilio::Address;
use crate::types::id::MessageId;
use crate::types::phone::PhoneNumber;

/// The largest difference between our time of receipt and Twilio's time of sending. In doubt, the
/// person wants no messages.
const CLOCK_TOLERANCE: TimeDelta = TimeDelta::minutes(2);

/// How many messages, and how many consent records, of one person are read.
const SCAN_LIMIT: i64 = 500;

/// The times at which inbound messages of a lookup were sent, by Twilio's clock.
#[derive(Debug, Clone, Copy)]
pub struct LookupTimes<'a> {
    /// When the message in question was sent.
    pub sent_at: DateTime<Utc>,
    /// When each message of the same list was sent, by SID. These times are exact; all other
    /// messages are dated by our receipt.
    pub dates: &'a HashMap<String, DateTime<Utc>>,
}

/// What a person wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Preference {
    Messages,
    NoMessages,
}

/// A statement of a person about messages, or of Twilio about that person.
#[derive(Debug, Clone)]
struct Statement {
    sid: Option<String>,
    at: DateTime<Utc>,
    preference: Preference,
}

/// Whether a command that was found late has no effect, because the person said the opposite later.
pub(in crate::messages::inbound) async fn is_overruled(
    conn: &mut Conn,
    phone: &PhoneNumber,
    command: Command,
    own_sid: &str,
    times: LookupTimes<'_>,
    own: &OwnWords,
) -> Result<bool> {
    let opposite = match command {
        Command::Stop(_) => Preference::Messages,
        Command::Start(_) => Preference::NoMessages,
        Command::Help => return Ok(false),
    };
    let since = times.sent_at - CLOCK_TOLERANCE;
    let said = [
        from_messages(conn, phone, since, own).await?,
        from_consent_records(conn, phone, since).await?,
    ]
    .concat();
    Ok(said.iter().any(|said| {
        said.sid.as_deref() != Some(own_sid) && said.preference == opposite && said.is_later(times)
    }))
}

/// Whether the person has opted in since the last attempt to send this message: Twilio's report of
/// an opt-out is then out of date. If it still holds, Twilio repeats it for the next message.
pub async fn has_opted_in_since_the_attempt(
    conn: &mut Conn,
    phone: &PhoneNumber,
    message_id: MessageId,
) -> Result<bool> {
    let of_message = attempts::table.filter(attempts::message_id.eq(message_id));
    let last: Option<DateTime<Utc>> =
        of_message.select(max(attempts::claimed_at)).first(conn).await?;
    let Some(sent_at) = last else { return Ok(false) };
    let own = opt_out::own_words::load(conn).await?;
    is_overruled(
        conn,
        phone,
        Command::Stop(opt_out::OptOutForm::Word),
        "",
        LookupTimes { sent_at, dates: &HashMap::new() },
        &own,
    )
    .await
}

impl Statement {
    fn is_later(&self, times: LookupTimes<'_>) -> bool {
        let exact = self.sid.as_ref().and_then(|sid| times.dates.get(sid));
        match (self.preference, exact) {
            (Preference::Messages, Some(at)) => *at > times.sent_at,
            (Preference::Messages, None) => self.at > times.sent_at + CLOCK_TOLERANCE,
            (Preference::NoMessages, Some(at)) => *at >= times.sent_at,
            (Preference::NoMessages, None) => self.at >= times.sent_at - CLOCK_TOLERANCE,
        }
    }
}

/// The commands in a person's messages.
async fn from_messages(
    conn: &mut Conn,
    phone: &PhoneNumber,
    since: DateTime<Utc>,
    own: &OwnWords,
) -> Result<Vec<Statement>> {
    let rows: Vec<(Option<String>, DateTime<Utc>, String, String)> = messages::table
        .inner_join(contacts::table)
        .filter(contacts::phone.eq_any(phone.forms()))
        .filter(messages::direction.eq("inbound"))
        .filter(messages::created_at.ge(since))
        .order(messages::id.desc())
        .limit(SCAN_LIMIT)
        .select((messages::twilio_sid, messages::created_at, messages::body, messages::to_address))
        .load(conn)
        .await?;
    let said = rows.into_iter().filter_map(|(sid, at, body, to)| {
        let preference = match Command::of_text(&body, own)? {
            Command::Stop(_) => Preference::NoMessages,
            command @ Command::Start(_) if lifts_suppression(command, &Address::parse(&to)) => {
                Preference::Messages
            }
            _ => return None,
        };
        Some(Statement { sid, at, preference })
    });
    Ok(said.collect())
}

/// The opt-outs and opt-ins in the consent records, including those by custom keywords, and
/// Twilio's refusals.
async fn from_consent_records(
    conn: &mut Conn,
    phone: &PhoneNumber,
    since: DateTime<Utc>,
) -> Result<Vec<Statement>> {
    type Row = (
        ConsentChange,
        Option<Reason>,
        DateTime<Utc>,
        Option<String>,
        Option<DateTime<Utc>>,
        Option<String>,
    );
    let rows: Vec<Row> = consent_records::table
        .left_join(messages::table.on(consent_records::message_id.eq(messages::id.nullable())))
        .filter(consent_records::phone.eq_any(phone.forms()))
        .filter(
            consent_records::source
                .eq_any(ConsentSource::TEXTED.iter().chain([&ConsentSource::Twilio])),
        )
        .filter(consent_records::recorded_at.ge(since))
        .order(consent_records::id.desc())
        .limit(SCAN_LIMIT)
        .select((
            consent_records::change,
            consent_records::reason,
            consent_records::recorded_at,
            messages::direction.nullable(),
            messages::created_at.nullable(),
            messages::twilio_sid.nullable(),
        ))
        .load(conn)
        .await?;
    let said = rows
        .into_iter()
        .filter(|(_, reason, ..)| reason.is_some_and(Reason::is_opt_out))
        .map(|row| {
            let (change, _, recorded_at, direction, created_at, sid) = row;
            // A refusal names the refused message, not a text of the person, who had opted out some
            // time before.
            let is_theirs = direction.as_deref() == Some("inbound");
            Statement {
                sid: sid.filter(|_| is_theirs),
                at: created_at.filter(|_| is_theirs).unwrap_or(recorded_at),
                preference: if change == ConsentChange::Lifted {
                    Preference::Messages
                } else {
                    Preference::NoMessages
                },
            }
        });
    Ok(said.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
    }

    #[test]
    fn in_doubt_the_person_wants_no_messages() {
        let dates = HashMap::from([("SM1".to_owned(), at(1_001)), ("SM2".to_owned(), at(1_000))]);
        let times = LookupTimes { sent_at: at(1_000), dates: &dates };
        let said = |sid: Option<&str>, seconds, preference| {
            Statement { sid: sid.map(str::to_owned), at: at(seconds), preference }.is_later(times)
        };
        assert!(said(Some("SM1"), 0, Preference::Messages), "by Twilio's clock one second later");
        assert!(!said(Some("SM2"), 0, Preference::Messages), "in the same second");
        assert!(said(Some("SM2"), 0, Preference::NoMessages), "in the same second");
        assert!(!said(None, 1_060, Preference::Messages), "by another clock");
        assert!(said(None, 1_121, Preference::Messages));
        assert!(said(None, 940, Preference::NoMessages), "by another clock");
        assert!(!said(None, 870, Preference::NoMessages));
    }
}
