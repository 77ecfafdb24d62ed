//! The demo's past: a month of a shop, lived through by the product and its simulated Twilio in a
//! few seconds, on a clock of their own. Nothing of it is written into tables by hand, so that it
//! adds up like anything else.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::web::Data;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;
use serde_json::{Map, Value, json};
use twilio_simulator::{Fault, LONG_CODE, Rule, Simulator, SimulatorOptions};
use url::Url;

use super::sample::{self, CONTACTS};
use crate::app::{AppError, Database, Duty, instant_simulator, start, worker};
use crate::automations::{self, consequences};
use crate::clock::Clock;
use crate::config::Config;
use crate::contacts;
use crate::contacts::tags::{self, TagName};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::events::{ContactRef, EventName, NewEvent, Properties};
use crate::queue::Receiver;
use crate::types::phone::PhoneNumber;
use crate::worker::Worker;

/// Days before today.
const DAYS: i64 = 29;
/// How many orders come on a day, over and over.
const ORDERS: [usize; 7] = [5, 7, 6, 9, 11, 4, 3];
/// Between two orders of a day.
const BETWEEN: TimeDelta = TimeDelta::minutes(37);
/// How long the network takes for each part of a message's way.
const HOP: TimeDelta = TimeDelta::milliseconds(740);
/// The same in the time of this machine, where the network does not have to hurry.
const HOP_AT_MOST: Duration = Duration::from_millis(150);
/// Longer than the wait of the automations, and than any message takes.
const A_WHILE: TimeDelta = TimeDelta::minutes(3);

/// What somebody does besides ordering: on which day, which of the contacts, what they text.
const TEXTS: [(i64, usize, &str); 6] = [
    (5, 0, "Love it! The best so far ☕"),
    (9, 4, "Which grind is it?"),
    (14, 8, "Thanks, arrived today"),
    (17, 7, "STOP"),
    (18, 7, "START"),
    (19, 6, "STOP"),
];
/// Who becomes a VIP on which day.
const VIPS: [(i64, usize); 2] = [(12, 2), (23, 11)];

/// A shop in the past.
struct Past {
    context: Data<Context>,
    worker: Worker,
    clock: Clock,
    twilio: Simulator,
    orders: usize,
}

/// Fills an empty database with sample data and with what became of it until now.
pub(super) async fn live(
    config: &Config,
    database: &Database,
    now: DateTime<Utc>,
) -> std::result::Result<(), AppError> {
    let begin = (now - TimeDelta::days(DAYS)).date_naive().and_time(NaiveTime::MIN).and_utc();
    let clock = Clock::manual(begin);
    let options =
        SimulatorOptions { hop: HOP_AT_MOST..=HOP_AT_MOST, seed: 1, ..instant_simulator(&clock) };
    let bind = SocketAddr::new(config.simulator_bind.ip(), 0);
    let network = Simulator::new(options).start(&bind.to_string()).await;
    let network = network.map_err(|error| {
        AppError::Other(format!("the simulated Twilio of the demo's past does not start: {error}"))
    })?;
    let twilio_api_url = Url::parse(&network.url)
        .map_err(|error| AppError::Other(format!("{}: {error}", network.url)))?;
    let mut config = config.clone();
    config.twilio_api_url = Some(twilio_api_url);
    let context = Data::new(Context::new(config, database.pool.clone(), clock.clone())?);
    let running = start(&context, Duty::Web)?;
    let twilio = network.simulator.clone();
    let past = Past { worker: worker(&context), context, clock, twilio, orders: 0 };
    let lived = Box::pin(past.live(now)).await;
    running.stop().await;
    network.stop().await;
    lived
}

impl Past {
    async fn live(mut self, now: DateTime<Utc>) -> std::result::Result<(), AppError> {
        sample::fill(&self.context).await?;
        self.worker.heartbeat().await?;
        let [_, _, _, wholesale, _, off, .., landline, _, _] = CONTACTS else { return Ok(()) };
        for (who, code) in [(off, 30003), (landline, 30006)] {
            self.twilio.inject(Rule::always(Fault::Undelivered { code }).for_handset(who.0));
        }
        self.twilio.inject(Rule::next(1, Fault::Failed { code: 30007 }).for_handset(wholesale.0));
        for day in 0..=DAYS {
            self.spend(day, now).await?;
        }
        Ok(())
    }

    /// One day of the shop, until `now` if that is today.
    async fn spend(&mut self, day: i64, now: DateTime<Utc>) -> std::result::Result<(), AppError> {
        let of_day = ORDERS
            .iter()
            .cycle()
            .nth(usize::try_from(day).unwrap_or_default())
            .copied()
            .unwrap_or_default();
        let morning = now.date_naive().and_time(NaiveTime::MIN).and_utc()
            + TimeDelta::days(day - DAYS)
            + TimeDelta::hours(15);
        self.until(morning.min(now - A_WHILE * 2)).await?;
        for (_, who) in VIPS.into_iter().filter(|(on, _)| *on == day) {
            self.make_vip(who).await?;
        }
        for order in 0..of_day {
            if self.clock.now() + BETWEEN + A_WHILE > now {
                break;
            }
            self.order((self.orders * 5 + order) % CONTACTS.len()).await?;
            self.until(self.clock.now()).await?;
            self.until(self.clock.now() + A_WHILE).await?;
            self.until(self.clock.now() + BETWEEN - A_WHILE).await?;
        }
        for (_, who, text) in TEXTS.into_iter().filter(|(on, ..)| *on == day) {
            let said = self.twilio.reply(CONTACTS[who].0, LONG_CODE, text).await;
            said.map_err(|error| {
                AppError::Other(format!("nobody could text in the demo's past: {error:?}"))
            })?;
            self.until(self.clock.now() + A_WHILE).await?;
        }
        Ok(())
    }

    /// Lets the time pass, and happen what becomes due.
    async fn until(&self, time: DateTime<Utc>) -> std::result::Result<(), AppError> {
        if time > self.clock.now() {
            self.clock.advance(time - self.clock.now());
        }
        while Box::pin(self.worker.perform_due()).await? > 0 {
            self.clock.advance(HOP);
            self.twilio.flush().await;
        }
        Ok(())
    }

    async fn order(&mut self, who: usize) -> std::result::Result<(), AppError> {
        self.orders += 1;
        let mut properties =
            Map::from_iter([("total".to_owned(), json!(18 + (self.orders * 7) % 140))]);
        // Once the shop's program forgets something, as programs do.
        if !self.orders.is_multiple_of(41) {
            properties
                .insert("order_id".to_owned(), Value::from(format!("A-{}", 1_000 + self.orders)));
        }
        let event = NewEvent {
            client_id: None,
            name: EventName::parse("order_completed")
                .map_err(|error| Error::field("name", error))?,
            contact: ContactRef::Phone(phone(who)?),
            properties: Properties::parse(properties)
                .map_err(|error| Error::field("properties", error))?,
            occurred_at: None,
        };
        let now = self.clock.now();
        let mut conn = self.context.db.get().await?;
        conn.transaction::<_, Error, _>(async |conn| {
            automations::report(conn, &[event], Receiver::Anyone, now).await
        })
        .await?;
        Ok(())
    }

    async fn make_vip(&self, who: usize) -> std::result::Result<(), AppError> {
        let (now, phone) = (self.clock.now(), phone(who)?);
        let tag = TagName::parse("vip").map_err(|error| Error::field("tag", error.to_string()))?;
        let mut conn = self.context.db.get().await?;
        conn.transaction::<_, Error, _>(async |conn| {
            let Some(contact) = contacts::find_by_phone(conn, &phone).await? else {
                return Err(Error::NotFound("contact"));
            };
            let changes: Vec<_> =
                tags::add(conn, contact.id, &tag, now).await?.into_iter().collect();
            consequences::follow(conn, &changes, None, now).await
        })
        .await?;
        Ok(())
    }
}

fn phone(who: usize) -> Result<PhoneNumber> {
    PhoneNumber::from_e164(CONTACTS[who].0)
        .map_err(|error| Error::field("phone", error.to_string()))
}
