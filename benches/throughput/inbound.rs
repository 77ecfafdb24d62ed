//! The row `inbound`: signed webhooks with ordinary texts and STOP, each committed before its
//! response.

use crate::environment::Environment;
use crate::fake_twilio::{ACCOUNT_SID, SENDER};
use crate::row_result::{Figure, RowResult};
use crate::{Outcome, load_tool, signed_webhook, world};

const CONNECTIONS: usize = 16;

/// The text that contacts send.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum InboundText {
    /// A question, from the contacts of the benchmark.
    Ordinary,
    /// An opt-out keyword, once from each of the contacts that are added for it.
    Stop,
}

impl InboundText {
    pub(crate) const ALL: [Self; 2] = [Self::Ordinary, Self::Stop];

    const fn body(self) -> &'static str {
        match self {
            Self::Ordinary => "Hello there, when do you open tomorrow?",
            Self::Stop => "STOP",
        }
    }

    const fn name(self) -> &'static str {
        match self {
            Self::Ordinary => "ordinary text",
            Self::Stop => "STOP",
        }
    }
}

/// The number of inbound texts for a number of sent messages.
pub(crate) const fn count_for(messages: usize) -> usize {
    messages.div_ceil(8)
}

/// Sends `count` texts to the product. Checks that each is stored and that each STOP is in effect.
pub(crate) async fn measure(
    bench: &Environment,
    count: usize,
    text: InboundText,
) -> Outcome<RowResult> {
    let phones: Vec<String> = match text {
        InboundText::Ordinary => (0..count).map(|index| bench.world.phone(index)).collect(),
        InboundText::Stop => world::add_opt_out_contacts(&bench.cluster, count).await?,
    };
    let run = format!("SM{:016x}", rand::random::<u64>());
    let requests: Vec<Vec<u8>> = phones
        .iter()
        .enumerate()
        .map(|(number, phone)| request(bench, phone, &format!("{run}{number:016x}"), text.body()))
        .collect();
    let before = bench.processes().snapshot()?;
    let burst =
        load_tool::burst(&bench.load, bench.world.address, CONNECTIONS, requests, 200).await?;
    let cost = bench.processes().since(&before)?;

    let sql = "SELECT count(*) /* bench: */ FROM messages
                  WHERE direction = 'inbound' AND twilio_sid LIKE $1";
    let stored = bench.cluster.count(sql, &[&format!("{run}%")]).await?;
    if stored != i64::try_from(count)? {
        let error = format!("{count} texts were answered with 200, but {stored} are stored");
        return Err(error.into());
    }
    if text == InboundText::Stop {
        let sql = "SELECT count(DISTINCT phone) /* bench: */ FROM suppressions
                      WHERE phone = ANY ($1) AND reason = 'stop' AND lifted_at IS NULL";
        let stopped = bench.cluster.count(sql, &[&phones]).await?;
        if stopped != i64::try_from(count)? {
            return Err(format!("{count} contacts sent STOP, but {stopped} are suppressed").into());
        }
    }
    Ok(RowResult::new("inbound", format!("{}, {CONNECTIONS} connections", text.name()))
        .figure(Figure::rate("texts", burst.rate()))
        .figure(Figure::new("p50", "ms", burst.percentile(0.5)))
        .figure(Figure::new("p99", "ms", burst.percentile(0.99)))
        .with_cost(cost, count))
}

/// An inbound webhook with Twilio's parameters.
fn request(bench: &Environment, from: &str, sid: &str, body: &str) -> Vec<u8> {
    let address = bench.world.address;
    let url = format!("http://{address}/hooks/twilio/{}/inbound", bench.world.connection_id);
    let params = [
        ("ToCountry", "US"),
        ("ToState", "WA"),
        ("SmsMessageSid", sid),
        ("NumMedia", "0"),
        ("ToCity", "SEATTLE"),
        ("FromZip", "98101"),
        ("SmsSid", sid),
        ("FromState", "WA"),
        ("SmsStatus", "received"),
        ("FromCity", "SEATTLE"),
        ("Body", body),
        ("FromCountry", "US"),
        ("To", SENDER),
        ("ToZip", "98101"),
        ("NumSegments", "1"),
        ("MessageSid", sid),
        ("AccountSid", ACCOUNT_SID),
        ("From", from),
        ("ApiVersion", "2010-04-01"),
    ];
    signed_webhook::call(address, &url, sid, &params)
}
