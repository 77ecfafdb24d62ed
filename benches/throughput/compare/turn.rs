//! What is measured with one program and then with the other.

use std::time::Duration;

use super::side::Side;
use crate::bench::Line;
use crate::inbound::Text;
use crate::world::InOne;
use crate::{Options, Outcome, Row, callbacks, inbound, ingest, send};

/// Events of the latency row; one is reported every 50 ms.
const SPACED_EVENTS: usize = 100;

/// A row of the comparison.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    /// Messages, from event to SID, with a Twilio that takes this long.
    Messages(Duration),
    /// Callbacks for the messages of the turn before.
    Callbacks,
    /// Events through the API, over so many connections.
    Events(usize, InOne),
    /// Inbound texts.
    Texts(Text),
    /// From an event's 202 to the POST at Twilio.
    Latency,
}

impl Turn {
    /// Those that the options ask for, in their order.
    pub(super) fn wanted(options: &Options) -> Outcome<Vec<Self>> {
        let [start, idle] = [Row::Start, Row::Idle].map(|row| options.rows.contains(&row));
        if start || idle {
            return Err("start and idle are not compared".into());
        }
        let mut turns = Vec::new();
        for (place, latency) in options.latency.iter().enumerate() {
            if options.wants(Row::Send) {
                turns.push(Self::Messages(Duration::from_millis(*latency)));
            }
            if place == 0 && options.wants(Row::Callbacks) {
                turns.push(Self::Callbacks);
            }
        }
        if options.wants(Row::Ingest) {
            let events = |(connections, in_one)| Self::Events(connections, in_one);
            turns.extend(ingest::ROWS.map(events));
        }
        if options.wants(Row::Inbound) {
            turns.extend(Text::ALL.map(Self::Texts));
        }
        if options.wants(Row::Latency) {
            turns.push(Self::Latency);
        }
        Ok(turns)
    }

    /// One turn of a program, as long as so many messages take.
    pub(super) async fn measure(self, side: &mut Side, messages: usize) -> Outcome<Line> {
        let bench = &side.bench;
        match self {
            Self::Messages(latency) => {
                let (line, sent) = send::send(bench, messages, latency).await?;
                side.sent = Some(sent);
                Ok(line)
            }
            Self::Callbacks => {
                let sent = match side.sent.take() {
                    Some(sent) => sent,
                    None => send::send(bench, messages, Duration::ZERO).await?.1,
                };
                callbacks::callbacks(bench, &sent).await
            }
            Self::Events(connections, in_one) => {
                let count = ingest::count_for(messages, in_one);
                ingest::ingest(bench, count, connections, in_one).await
            }
            Self::Texts(text) => inbound::inbound(bench, inbound::count_for(messages), text).await,
            Self::Latency => ingest::latency(bench, SPACED_EVENTS.min(messages)).await,
        }
    }
}
