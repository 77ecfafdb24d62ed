//! The workloads of a comparison, one for each of its rows.

use std::time::Duration;

use super::side::Side;
use crate::inbound::InboundText;
use crate::row_result::RowResult;
use crate::world::RequestSize;
use crate::{Options, Outcome, Row, callbacks, inbound, ingest, send};

/// The number of events of the latency row; one is reported every 50 ms.
const SPACED_EVENTS: usize = 100;

/// The work that a row of the comparison measures.
#[derive(Debug, Clone, Copy)]
pub(super) enum Workload {
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

impl Workload {
    /// The workloads that the options select, in the order of measurement.
    pub(super) fn selected(options: &Options) -> Outcome<Vec<Self>> {
        let [start, idle] = [Row::Start, Row::Idle].map(|row| options.rows.contains(&row));
        if start || idle {
            return Err("start and idle are not compared".into());
        }
        let mut workloads = Vec::new();
        for (index, latency) in options.latency.iter().enumerate() {
            if options.wants(Row::Send) {
                workloads.push(Self::Messages(Duration::from_millis(*latency)));
            }
            if index == 0 && options.wants(Row::Callbacks) {
                workloads.push(Self::Callbacks);
            }
        }
        if options.wants(Row::Ingest) {
            let events = |(connections, request_size)| Self::Events(connections, request_size);
            workloads.extend(ingest::ROWS.map(events));
        }
        if options.wants(Row::Inbound) {
            workloads.extend(InboundText::ALL.map(Self::Texts));
        }
        if options.wants(Row::Latency) {
            workloads.push(Self::Latency);
        }
        Ok(workloads)
    }

    /// Measures a program with this workload; `messages` determines the amount of work.
    pub(super) async fn measure(self, side: &mut Side, messages: usize) -> Outcome<RowResult> {
        let bench = &side.bench;
        match self {
            Self::Messages(latency) => {
                let (line, sent) = send::measure(bench, messages, latency).await?;
                side.sent = Some(sent);
                Ok(line)
            }
            Self::Callbacks => {
                let sent = match side.sent.take() {
                    Some(sent) => sent,
                    None => send::measure(bench, messages, Duration::ZERO).await?.1,
                };
                callbacks::measure(bench, &sent).await
            }
            Self::Events(connections, request_size) => {
                let count = ingest::count_for(messages, request_size);
                ingest::measure(bench, count, connections, request_size).await
            }
            Self::Texts(text) => inbound::measure(bench, inbound::count_for(messages), text).await,
            Self::Latency => ingest::measure_latency(bench, SPACED_EVENTS.min(messages)).await,
        }
    }
}
