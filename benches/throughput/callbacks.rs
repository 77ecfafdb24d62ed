//! The row `callbacks`: signed status callbacks for existing messages, each committed before its
//! 204 response.

use crate::environment::Environment;
use crate::fake_twilio::{ACCOUNT_SID, Post, SENDER};
use crate::row_result::{Figure, RowResult};
use crate::send::Sent;
use crate::{Outcome, load_tool, signed_webhook};

const CONNECTIONS: usize = 128;

/// Reports every message as sent and then as delivered. Checks that each report is stored and every
/// message is delivered.
pub(crate) async fn measure(bench: &Environment, sent: &Sent) -> Outcome<RowResult> {
    // Signed before the measurement starts: signing is Twilio's work.
    let requests: Vec<Vec<u8>> = ["sent", "delivered"]
        .into_iter()
        .flat_map(|status| sent.posts.iter().map(move |post| callback(bench, post, status)))
        .collect();
    let count = requests.len();
    let before = bench.processes().snapshot()?;
    let burst =
        load_tool::burst(&bench.load, bench.world.address, CONNECTIONS, requests, 204).await?;
    let cost = bench.processes().since(&before)?;

    let sql =
        "SELECT count(*) /* bench: */ FROM messages m JOIN delivery_events e ON e.message_id = m.id
               WHERE m.automation_id = $1::text::uuid AND e.source = 'callback' AND e.applied";
    let stored = bench.cluster.count(sql, &[&sent.automation.id]).await?;
    let sql = "SELECT count(*) /* bench: */ FROM messages WHERE automation_id = $1::text::uuid
                  AND status = 'delivered'";
    let delivered = bench.cluster.count(sql, &[&sent.automation.id]).await?;
    if stored != i64::try_from(count)? || delivered != i64::try_from(sent.posts.len())? {
        return Err(format!(
            "{count} callbacks were answered with 204, but {stored} are stored and {delivered} \
                 messages are delivered"
        )
        .into());
    }
    Ok(RowResult::new("callbacks", format!("{CONNECTIONS} connections"))
        .figure(Figure::rate("callbacks", burst.rate()))
        .figure(Figure::new("p50", "ms", burst.percentile(0.5)))
        .figure(Figure::new("p99", "ms", burst.percentile(0.99)))
        .figure(Figure::new("slowest", "ms", burst.percentile(1.0)))
        .with_cost(cost, count))
}

/// A status callback with Twilio's parameters.
fn callback(bench: &Environment, post: &Post, status: &str) -> Vec<u8> {
    let mut params = vec![
        ("ApiVersion", "2010-04-01"),
        ("AccountSid", ACCOUNT_SID),
        ("From", SENDER),
        ("MessageSid", &post.sid),
        ("MessageStatus", status),
        ("SmsSid", &post.sid),
        ("SmsStatus", status),
        ("To", &post.to),
    ];
    if status == "delivered" {
        params.push(("RawDlrDoneDate", "2611211200"));
    }
    signed_webhook::call(bench.world.address, &post.status_callback, &post.sid, &params)
}
