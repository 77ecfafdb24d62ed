//! Sample history: the product itself runs one month of a shop against a simulated Twilio, in a few
//! seconds on a manual clock. It writes no rows directly, so that all numbers add up.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::web::Data;
use chrono::{DateTime, NaiveTime, TimeDelta, Utc};
use serde_json::{Map, Value, json};
use twilio_simulator::{Fault, LONG_CODE, Rule, Simulator, SimulatorOptions};
use url::Url;

use super::sample_data::{self, CONTACTS};
use crate::app::{AppError, Database, ProcessRole, instant_simulator, new_worker, start};
use crate::automations::{self, consequences};
use crate::clock::Clock;
use crate::config::Config;
use crate::contacts::tags::{self, TagName};
use crate::context::Context;
use crate::error::{Error, Result};
use crate::events::{ContactRef, EventName, NewEvent, Properties};
use crate::queue::Receiver;
use crate::types::phone::PhoneNumber;
use crate::worker::Worker;
use crate::{contacts, db};

/// How many days before today the history starts.
const DAYS: i64 = 29;
/// The number of orders on each day, as a repeating pattern.
const ORDERS_PER_DAY: [usize; 7] = [5, 7, 6, 9, 11, 4, 3];
/// The time between two orders of a day.
const ORDER_INTERVAL: TimeDelta = TimeDelta::minutes(37);
/// The time between two statuses of a message, on the manual clock.
const HOP: TimeDelta = TimeDelta::milliseconds(740);
/// The time between two statuses in real time, unless `flush` skips it.
const REAL_HOP: Duration = Duration::from_millis(150);
/// A duration that exceeds the wait of the automations and the delivery of any message.
const SETTLE_TIME: TimeDelta = TimeDelta::minutes(3);

/// Inbound texts: the day, the index of the contact, and the text.
const INBOUND_TEXTS: [(i64, usize, &str); 6] = [
    (5, 0, "Love it! The best so far ☕"),
    (9, 4, "Which grind is it?"),
    (14, 8, "Thanks, arrived today"),
    (17, 7, "STOP"),
    (18, 7, "START"),
    (19, 6, "STOP"),
];
/// Contacts that become VIPs: the day, and the index of the contact.
const VIPS: [(i64, usize); 2] = [(12, 2), (23, 11)];

/// The state of the shop while its history is generated.
struct History {
    context: Data<Context>,
    worker: Worker,
    clock: Clock,
    twilio: Simulator,
    orders: usize,
}

/// Fills an empty database with sample data and one month of history, up to now.
pub(super) async fn generate(
    config: &Config,
    database: &Database,
    now: DateTime<Utc>,
) -> std::result::Result<(), AppError> {
    let begin = (now - TimeDelta::days(DAYS)).date_naive().and_time(NaiveTime::MIN).and_utc();
    let clock = Clock::manual(begin);
    let options =
        SimulatorOptions { hop: REAL_HOP..=REAL_HOP, seed: 1, ..instant_simulator(&clock) };
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
    let running = start(&context, ProcessRole::Web)?;
    let twilio = network.simulator.clone();
    let history = History { worker: new_worker(&context), context, clock, twilio, orders: 0 };
    let done = Box::pin(history.run(now)).await;
    running.stop().await;
    network.stop().await;
    done
}

impl History {
    async fn run(mut self, now: DateTime<Utc>) -> std::result::Result<(), AppError> {
        sample_data::fill(&self.context).await?;
        self.worker.heartbeat().await?;
        let [_, _, _, wholesale, _, off, .., landline, _, _] = CONTACTS else { return Ok(()) };
        for (who, code) in [(off, 30003), (landline, 30006)] {
            self.twilio.inject(Rule::always(Fault::Undelivered { code }).for_handset(who.0));
        }
        self.twilio.inject(Rule::next(1, Fault::Failed { code: 30007 }).for_handset(wholesale.0));
        for day in 0..=DAYS {
            self.run_day(day, now).await?;
        }
        Ok(())
    }

    /// Runs one day of the shop, up to `now` if that is today.
    async fn run_day(&mut self, day: i64, now: DateTime<Utc>) -> std::result::Result<(), AppError> {
        let of_day = ORDERS_PER_DAY
            .iter()
            .cycle()
            .nth(usize::try_from(day).unwrap_or_default())
            .copied()
            .unwrap_or_default();
        let morning = now.date_naive().and_time(NaiveTime::MIN).and_utc()
            + TimeDelta::days(day - DAYS)
            + TimeDelta::hours(15);
        self.advance_to(morning.min(now - SETTLE_TIME * 2)).await?;
        for (_, who) in VIPS.into_iter().filter(|(on, _)| *on == day) {
            self.make_vip(who).await?;
        }
        for order in 0..of_day {
            if self.clock.now() + ORDER_INTERVAL + SETTLE_TIME > now {
                break;
            }
            self.place_order((self.orders * 5 + order) % CONTACTS.len()).await?;
            self.advance_to(self.clock.now()).await?;
            self.advance_to(self.clock.now() + SETTLE_TIME).await?;
            self.advance_to(self.clock.now() + ORDER_INTERVAL - SETTLE_TIME).await?;
        }
        for (_, who, text) in INBOUND_TEXTS.into_iter().filter(|(on, ..)| *on == day) {
            let said = self.twilio.reply(CONTACTS[who].0, LONG_CODE, text).await;
            said.map_err(|error| {
                AppError::Other(format!("a contact could not text in the demo's past: {error:?}"))
            })?;
            self.advance_to(self.clock.now() + SETTLE_TIME).await?;
        }
        Ok(())
    }

    /// Advances the clock to `time`, and performs all jobs that become due.
    async fn advance_to(&self, time: DateTime<Utc>) -> std::result::Result<(), AppError> {
        if time > self.clock.now() {
            self.clock.advance(time - self.clock.now());
        }
        while Box::pin(self.worker.perform_due()).await? > 0 {
            self.clock.advance(HOP);
            self.twilio.flush().await;
        }
        Ok(())
    }

    async fn place_order(&mut self, who: usize) -> std::result::Result<(), AppError> {
        self.orders += 1;
        let mut properties =
            Map::from_iter([("total".to_owned(), json!(18 + (self.orders * 7) % 140))]);
        // Some orders lack their id, as happens with real shop software.
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
            source_id: None,
        };
        let now = self.clock.now();
        let mut conn = self.context.db.get().await?;
        db::transaction(&mut conn, async |tx| {
            automations::report_events(tx, &[event], Receiver::AnyWorker, now).await
        })
        .await?;
        Ok(())
    }

    async fn make_vip(&self, who: usize) -> std::result::Result<(), AppError> {
        let (now, phone) = (self.clock.now(), phone(who)?);
        let tag = TagName::parse("vip").map_err(|error| Error::field("tag", error.to_string()))?;
        let mut conn = self.context.db.get().await?;
        db::transaction(&mut conn, async |tx| {
            let mut tx = tx.open();
            let Some(contact) = contacts::find_by_phone(&mut tx, &phone).await? else {
                return Err(Error::NotFound("contact"));
            };
            let changes: Vec<_> =
                tags::add(&mut tx, contact.id, &tag, now).await?.into_iter().collect();
            consequences::react_to_changes(tx, &changes, &[], now).await?;
            Ok(())
        })
        .await?;
        Ok(())
    }
}

fn phone(who: usize) -> Result<PhoneNumber> {
    PhoneNumber::from_e164(CONTACTS[who].0)
        .map_err(|error| Error::field("phone", error.to_string()))
}
