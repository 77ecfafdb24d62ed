//! A message history: contacts, messages and their related rows, so that the tables are as large as
//! after years of use.

use crate::Outcome;
use crate::bulk_load::{self, timed_step};
use crate::fake_twilio::SENDER;
use crate::postgres_cluster::Cluster;
use crate::product_process::Setup;
use crate::world::{AutomationKind, FIRST_NUMBER, World};

/// The number of messages of each contact.
pub(crate) const MESSAGES_PER_CONTACT: usize = 10;

/// The tables that the history fills.
const TABLES: &str =
    "contacts, suppressions, events, enrollments, messages, attempts, delivery_events";

/// SQL functions for times and for ids that are ordered by time, like the product's.
const FUNCTIONS: &str = "
CREATE OR REPLACE FUNCTION bench_id(at bigint, kind int,
    n bigint) RETURNS uuid IMMUTABLE LANGUAGE sql AS
$$ SELECT (lpad(to_hex(at), 12, '0') || '7' || lpad(to_hex(kind), 3, '0') || '8' || lpad(to_hex(n),
    15, '0'))::uuid $$;
CREATE OR REPLACE FUNCTION bench_time(at bigint) RETURNS timestamptz IMMUTABLE LANGUAGE sql AS $$
    SELECT to_timestamp(at / 1000.0) $$;";

/// Ensures that the database has a history of `messages` messages; does nothing for zero.
pub(crate) async fn ensure(cluster: Cluster, setup: &Setup, messages: usize) -> Outcome<Cluster> {
    if messages == 0 {
        return Ok(cluster);
    }
    cluster.execute("CREATE TABLE IF NOT EXISTS bench_history (messages bigint)").await?;
    let sql = "SELECT coalesce(max(messages), 0) FROM bench_history";
    let existing = cluster.count(sql, &[]).await?;
    if existing == i64::try_from(messages)? {
        return Ok(cluster);
    }
    let (product, _) = setup.serve().await?;
    let key = setup.run(&["api-key", "create", "--name", "history", "--role", "admin"])?;
    let world = World::prepare(product.address, key, &cluster, 0, 256).await?;
    let automation = world.automation(AutomationKind::Sends).await?;
    world.pause(&automation).await?;
    product.stop().await?;

    let cluster = bulk_load::fill(cluster, TABLES, async |cluster| {
        load(cluster, &world, &automation.id, messages).await
    })
    .await?;
    cluster.execute(&format!("INSERT INTO bench_history VALUES ({messages})")).await?;
    Ok(cluster)
}

async fn load(cluster: &Cluster, world: &World, automation: &str, messages: usize) -> Outcome<()> {
    let contacts = messages / MESSAGES_PER_CONTACT;
    cluster.execute(FUNCTIONS).await?;
    for (table, sql) in inserts(world, automation, messages, contacts) {
        timed_step(&format!("filling {table}"), cluster.execute(&sql)).await?;
    }
    Ok(())
}

/// The INSERT statements, by table: a message every three seconds until now, to all contacts in
/// turn.
fn inserts(
    world: &World,
    automation: &str,
    messages: usize,
    contacts: usize,
) -> Vec<(&'static str, String)> {
    let World { connection_id, sender_id, template_id, .. } = world;
    let past = format!(
        "FROM (SELECT n, m.at, c, bench_id(1600000000000 + c * 1000, 4, c) AS contact,
            '+1206' || (c + {FIRST_NUMBER}) AS phone,
                   bench_id(m.at, 1, n) AS event, bench_id(m.at + 2, 2, n) AS enrollment,
                       bench_id(m.at + 20, 3, n) AS message
               FROM (SELECT n, (n * 7919) % {contacts} AS c, (extract(epoch
                   FROM now())::bigint - ({messages} - n) * 3) * 1000 AS at
                     FROM generate_series(0::bigint, {messages} - 1) AS n) AS m) AS past"
    );
    let contact = format!(
        "INSERT INTO contacts (id, phone, first_name, last_name, email, external_id, attributes,
            created_at, updated_at)
         SELECT bench_id(1600000000000 + c * 1000, 4, c), '+1206' || (c + {FIRST_NUMBER}), 'Ada',
             'Number ' || c, 'ada' || c || '@example.com',
             'customer-' || c, '{{\"city\": \"Seattle\"}}', bench_time(1600000000000 + c * 1000),
                 bench_time(1600000000000 + c * 1000)
         FROM generate_series(0, {contacts} - 1) AS c"
    );
    // One in twenty has sent STOP: all at odd positions, while the contacts of the benchmark are at
    // even ones.
    let suppression = format!(
        "INSERT INTO suppressions (id, phone, reason, since)
         SELECT bench_id(1700000000000 + c, 5, c), '+1206' || (c + {FIRST_NUMBER}), 'stop', now()
             FROM generate_series(7, {contacts} - 1, 20) AS c"
    );
    let event = format!(
        "INSERT INTO events (id, client_id, name, contact_id, properties, occurred_at, received_at)
         SELECT event, 'past-' || n, 'order_completed', contact,
             json_build_object('order_id', 'A-' || n, 'total', 49.9, 'currency', 'USD'),
                 bench_time(at), bench_time(at) {past}"
    );
    let enrollment = format!(
        "INSERT INTO enrollments (id, automation_id, version, contact_id, event_id, cause, status,
            step, due_at, started_at, finished_at)
         SELECT enrollment, '{automation}', 1, contact, event, 'event:' || event, 'completed', 1,
             bench_time(at), bench_time(at), bench_time(at) {past}"
    );
    let message = format!(
        "INSERT INTO messages (id, direction, connection_id, sender_id, contact_id, to_address,
            from_address, body, parts, encoding, status,
             twilio_sid, template_id, template_version, automation_id, enrollment_id, step,
                 created_at, status_at)
         SELECT message, 'outbound', '{connection_id}', '{sender_id}', contact, phone, '{SENDER}',
             'Hi Ada, your order A-' || n || ' is on its way. Reply STOP to opt out.', 1, 'gsm7',
                 'delivered', 'SM' || md5(n::text),
             '{template_id}', 1, '{automation}', enrollment, 0, bench_time(at),
                 bench_time(at + 5000) {past}"
    );
    let attempt = format!(
        "INSERT INTO attempts (message_id, number, worker_id, claimed_at, finished_at, outcome,
            http_status, twilio_request_id, duration_ms)
         SELECT message, 1, '01900000-0000-7000-8000-000000000000', bench_time(at),
             bench_time(at + 100), 'accepted', 201,
             'RQ' || md5(n::text), 100 {past}"
    );
    let report = format!(
        "INSERT INTO delivery_events (message_id, status, source, applied, received_at, params)
         SELECT message, 'delivered', 'callback', true, bench_time(at + 5000),
             json_build_object('ApiVersion', '2010-04-01', 'AccountSid',
             '{account}', 'From', '{SENDER}', 'MessageSid', 'SM' || md5(n::text), 'MessageStatus',
                 'delivered', 'SmsSid', 'SM' || md5(n::text),
             'SmsStatus', 'delivered', 'To', phone, 'RawDlrDoneDate', '2611211200') {past}",
        account = crate::fake_twilio::ACCOUNT_SID
    );
    vec![
        ("contacts", contact),
        ("suppressions", suppression),
        ("events", event),
        ("enrollments", enrollment),
        ("messages", message),
        ("attempts", attempt),
        ("delivery_events", report),
    ]
}
