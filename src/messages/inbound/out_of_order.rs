//! What a person said after a keyword that was found late: an old STOP does not undo a newer START,
//! an old START no newer STOP.

use std::collections::HashMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::dsl::max;
use diesel::prelude::*;
use diesel_async::RunQueryDsl;

use super::command::lifts;
use crate::consent::opt_out::own::OwnWords;
use crate::consent::opt_out::{self, Command};
use crate::consent::{ConsentChange, Reason, Source};
use crate::db::Conn;
use crate::db::schema::{attempts, consent_records, contacts, messages};
use crate::error::Result;
use crate::twilio::Address;
use crate::types::id::MessageId;
use crate::types::phone::PhoneNumber;

/// Our time of receipt and Twilio's time of sending may differ by this much; in doubt, the person
/// wants no messages.
const DOUBT: TimeDelta = TimeDelta::minutes(2);

/// More keywords than this from one person in the time in question are not read.
const MAX: i64 = 500;

/// What is known of an inbound message that was found by asking Twilio.
#[derive(Debug, Clone, Copy)]
pub struct ListedInbound<'a> {
    /// When it was sent, by Twilio's clock.
    pub sent_at: DateTime<Utc>,
    /// The same of the messages that Twilio listed with it, by SID: exact, while others are dated
    /// by our receipt.
    pub dates: &'a HashMap<String, DateTime<Utc>>,
}

/// What somebody wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Will {
    Messages,
    NoMessages,
}

/// Something that a person said, or that Twilio said of them.
#[derive(Debug, Clone)]
struct Said {
    sid: Option<String>,
    at: DateTime<Utc>,
    will: Will,
}

/// Whether a keyword that was found late counts for nothing, because the person said the opposite
/// later.
pub(in crate::messages::inbound) async fn is_overruled(
    conn: &mut Conn,
    phone: &PhoneNumber,
    command: Command,
    own_sid: &str,
    found: ListedInbound<'_>,
    own: &OwnWords,
) -> Result<bool> {
    let opposite = match command {
        Command::Stop(_) => Will::Messages,
        Command::Start(_) => Will::NoMessages,
        Command::Help => return Ok(false),
    };
    let since = found.sent_at - DOUBT;
    let said =
        [by_message(conn, phone, since, own).await?, by_record(conn, phone, since).await?].concat();
    Ok(said.iter().any(|said| {
        said.sid.as_deref() != Some(own_sid) && said.will == opposite && said.is_later(found)
    }))
}

/// Whether a person has asked for messages since the last attempt to send them this one: Twilio's
/// word that they had opted out is then out of date. Should it still hold, Twilio says so of the
/// next message.
pub async fn has_opted_in_since_the_attempt(
    conn: &mut Conn,
    phone: &PhoneNumber,
    message_id: MessageId,
) -> Result<bool> {
    let of_message = attempts::table.filter(attempts::message_id.eq(message_id));
    let last: Option<DateTime<Utc>> =
        of_message.select(max(attempts::claimed_at)).first(conn).await?;
    let Some(sent_at) = last else { return Ok(false) };
    let own = opt_out::own::load(conn).await?;
    is_overruled(
        conn,
        phone,
        Command::Stop(opt_out::Said::Word),
        "",
        ListedInbound { sent_at, dates: &HashMap::new() },
        &own,
    )
    .await
}

impl Said {
    fn is_later(&self, found: ListedInbound<'_>) -> bool {
        let exact = self.sid.as_ref().and_then(|sid| found.dates.get(sid));
        match (self.will, exact) {
            (Will::Messages, Some(at)) => *at > found.sent_at,
            (Will::Messages, None) => self.at > found.sent_at + DOUBT,
            (Will::NoMessages, Some(at)) => *at >= found.sent_at,
            (Will::NoMessages, None) => self.at >= found.sent_at - DOUBT,
        }
    }
}

/// The keywords among the messages of a person.
async fn by_message(
    conn: &mut Conn,
    phone: &PhoneNumber,
    since: DateTime<Utc>,
    own: &OwnWords,
) -> Result<Vec<Said>> {
    let rows: Vec<(Option<String>, DateTime<Utc>, String, String)> = messages::table
        .inner_join(contacts::table)
        .filter(contacts::phone.eq_any(phone.forms()))
        .filter(messages::direction.eq("inbound"))
        .filter(messages::created_at.ge(since))
        .order(messages::id.desc())
        .limit(MAX)
        .select((messages::twilio_sid, messages::created_at, messages::body, messages::to_address))
        .load(conn)
        .await?;
    let said = rows.into_iter().filter_map(|(sid, at, body, to)| {
        let will = match Command::of_text(&body, own)? {
            Command::Stop(_) => Will::NoMessages,
            command @ Command::Start(_) if lifts(command, &Address::parse(&to)) => Will::Messages,
            _ => return None,
        };
        Some(Said { sid, at, will })
    });
    Ok(said.collect())
}

/// The opt-outs and opt-ins that we have evidence of; also those by words of the account's own, and
/// Twilio's refusals.
async fn by_record(
    conn: &mut Conn,
    phone: &PhoneNumber,
    since: DateTime<Utc>,
) -> Result<Vec<Said>> {
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
        .filter(consent_records::source.eq_any(Source::TEXTED.iter().chain([&Source::Twilio])))
        .filter(consent_records::recorded_at.ge(since))
        .order(consent_records::id.desc())
        .limit(MAX)
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
            // A refusal names the message that was refused: the person had said so at some time
            // before.
            let is_theirs = direction.as_deref() == Some("inbound");
            Said {
                sid: sid.filter(|_| is_theirs),
                at: created_at.filter(|_| is_theirs).unwrap_or(recorded_at),
                will: if change == ConsentChange::Lifted {
                    Will::Messages
                } else {
                    Will::NoMessages
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
        let found = ListedInbound { sent_at: at(1_000), dates: &dates };
        let said = |sid: Option<&str>, seconds, will| {
            Said { sid: sid.map(str::to_owned), at: at(seconds), will }.is_later(found)
        };
        assert!(said(Some("SM1"), 0, Will::Messages), "by Twilio's clock one second later");
        assert!(!said(Some("SM2"), 0, Will::Messages), "in the same second");
        assert!(said(Some("SM2"), 0, Will::NoMessages), "in the same second");
        assert!(!said(None, 1_060, Will::Messages), "by another clock");
        assert!(said(None, 1_121, Will::Messages));
        assert!(said(None, 940, Will::NoMessages), "by another clock");
        assert!(!said(None, 870, Will::NoMessages));
    }
}
