//! One measurement of a program in a comparison.

use std::time::Duration;

use super::side::Side;
use crate::bench::Line;
use crate::inbound::InboundText;
use crate::world::RequestSize;
use crate::{Options, Outcome, Row, callbacks, inbound, ingest, send};

/// The number of events of the latency row; one is reported every 50 ms.
const SPACED_EVENTS: usize = 100;

/// A row of the comparison.
#[derive(Debug, Clone, Copy)]
pub(super) enum Turn {
    /// Messages, from event to SID, with a latency of the fake Twilio.
    Messages(Duration),
    /// Callbacks for the messages of the previous turn.
    Callbacks,
    /// Events through the API, over a number of connections.
    Events(usize, RequestSize),
    /// Inbound texts.
    Texts(InboundText),
    /// From an event's 202 to the POST at Twilio.
    Latency,
}

impl Turn {
    /// The turns that the options select, in the order of measurement.
    pub(super) fn selected(options: &Options) -> Outcome<Vec<Self>> {
        let [start, idle] = [Row::Start, Row::Idle].map(|row| options.rows.contains(&row));
        if start || idle {
            return Err("start and idle are not compared".into());
        }
        let mut turns = Vec::new();
        for (index, latency) in options.latency.iter().enumerate() {
            if options.wants(Row::Send) {
                turns.push(Self::Messages(Duration::from_millis(*latency)));
            }
            if index == 0 && options.wants(Row::Callbacks) {
                turns.push(Self::Callbacks);
            }
        }
        if options.wants(Row::Ingest) {
            let events = |(connections, request_size)| Self::Events(connections, request_size);
            turns.extend(ingest::ROWS.map(events));
        }
        if options.wants(Row::Inbound) {
            turns.extend(InboundText::ALL.map(Self::Texts));
        }
        if options.wants(Row::Latency) {
            turns.push(Self::Latency);
        }
        Ok(turns)
    }

    /// Measures a program; `messages` determines the amount of work.
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
            Self::Events(connections, request_size) => {
                let count = ingest::count_for(messages, request_size);
                ingest::ingest(bench, count, connections, request_size).await
            }
            Self::Texts(text) => inbound::inbound(bench, inbound::count_for(messages), text).await,
            Self::Latency => ingest::latency(bench, SPACED_EVENTS.min(messages)).await,
        }
    }
}
