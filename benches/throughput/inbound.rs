//! Inbound texts: signed webhooks, each committed before it is answered; ordinary words, and STOP.

use crate::bench::{Bench, Figure, Line};
use crate::fake_twilio::{ACCOUNT_SID, SENDER};
use crate::{Outcome, load, webhook, world};

const CONNECTIONS: usize = 16;

/// What contacts text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text {
    /// A question, from contacts that take part.
    Ordinary,
    /// A word that opts out, from contacts made for it, each once.
    Stop,
}

impl Text {
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

/// How many texts come in where so many messages are sent.
pub(crate) const fn count_for(messages: usize) -> usize {
    messages.div_ceil(8)
}

/// Sends `count` texts to the product; checks that each was kept, and that each STOP holds.
pub(crate) async fn inbound(bench: &Bench, count: usize, text: Text) -> Outcome<Line> {
    let phones: Vec<String> = match text {
        Text::Ordinary => (0..count).map(|place| bench.world.phone(place)).collect(),
        Text::Stop => world::add_leaving_contacts(&bench.cluster, count).await?,
    };
    let run = format!("SM{:016x}", rand::random::<u64>());
    let requests: Vec<Vec<u8>> = phones
        .iter()
        .enumerate()
        .map(|(number, phone)| request(bench, phone, &format!("{run}{number:016x}"), text.body()))
        .collect();
    let mark = bench.processes().mark()?;
    let burst = load::burst(&bench.load, bench.world.address, CONNECTIONS, requests, 200).await?;
    let cost = bench.processes().since(&mark)?;

    let sql = "SELECT count(*) /* bench: */ FROM messages
                  WHERE direction = 'inbound' AND twilio_sid LIKE $1";
    let kept = bench.cluster.count(sql, &[&format!("{run}%")]).await?;
    if kept != i64::try_from(count)? {
        return Err(format!("{count} texts were answered with 200, but {kept} are kept").into());
    }
    if text == Text::Stop {
        let sql = "SELECT count(DISTINCT phone) /* bench: */ FROM suppressions
                      WHERE phone = ANY ($1) AND reason = 'stop' AND lifted_at IS NULL";
        let stopped = bench.cluster.count(sql, &[&phones]).await?;
        if stopped != i64::try_from(count)? {
            return Err(format!("{count} contacts said STOP, but {stopped} are suppressed").into());
        }
    }
    Ok(Line::new("inbound", format!("{}, {CONNECTIONS} connections", text.name()))
        .figure(Figure::rate("texts", burst.rate()))
        .figure(Figure::new("p50", "ms", burst.percentile(0.5)))
        .figure(Figure::new("p99", "ms", burst.percentile(0.99)))
        .costing(cost, count))
}

/// A text as Twilio passes it on.
fn request(bench: &Bench, from: &str, sid: &str, body: &str) -> Vec<u8> {
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
    webhook::call(address, &url, sid, &params)
}
