//! Invariants that hold when a story ends, whatever happened to Carillon:
//! [`TestApp::assert_invariants`] compares the log of the simulator with the database.
//!
//! - Twilio has each message at most once, and never without an attempt row that was written first.
//! - Each event that was answered with 202 led to its message, which was sent or has a reason why
//!   not; in the end no step is left to do.
//! - Each webhook call that was answered with 2xx is in the database.
//! - No claim committed after a suppression of its number (with [`TestApp::watch_claims`]).
//! - Each waiting row has a job or a queue entry; no job has failed; the ledger equals the rows and
//!   adds up. [`Phase`] says which of these hold while work is under way, [`Tally`] what was found.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel_async::SimpleAsyncConnection;
use serde_json::Value;
use twilio_simulator::{CallbackAttempt, Status};

use super::{TestApp, days, hours, seconds};

/// Whether work may still be under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// Messages may still be pending or in flight.
    Unsettled,
    /// All work is done; see [`TestApp::settle`].
    Settled,
}

/// Counts of a story: messages, requests and callbacks.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Outbound messages by status.
    pub(crate) statuses: BTreeMap<String, usize>,
    /// Requests to Twilio to create a message.
    pub(crate) posts: usize,
    /// Requests that Twilio accepted and recorded.
    pub(crate) recorded: usize,
    /// Webhook calls that Carillon answered with 2xx.
    pub(crate) callbacks: usize,
}

/// Requests that Twilio got for one message.
#[derive(Default)]
struct Posts {
    count: usize,
    /// SIDs of the recorded requests, each with its current status at Twilio.
    recorded: Vec<(String, Status)>,
}

impl Tally {
    /// The number of outbound messages with a status.
    pub(crate) fn of(&self, status: &str) -> usize {
        self.statuses.get(status).copied().unwrap_or(0)
    }

    /// The number of outbound messages.
    pub(crate) fn messages(&self) -> usize {
        self.statuses.values().sum()
    }
}

impl TestApp {
    /// Installs triggers that record the transaction of each claim and suppression, so that their
    /// commits can be ordered, and how a claim came about: at the creation of its message, from a
    /// queue, or as a retry. Needs a dedicated cluster.
    pub(crate) async fn watch_claims(&self) {
        let watch = "
            CREATE TABLE witness (what text, phone text, subject uuid, way text,
                xid xid8 DEFAULT pg_current_xact_id());
            CREATE INDEX ON witness (phone);
            CREATE FUNCTION witness_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO witness (what, phone, subject, way)
                SELECT 'claimed', to_address, id,
                    CASE WHEN NEW.number > 1 THEN 'retried' WHEN NEW.claimed_at > created_at
                        THEN 'queued' ELSE 'composed' END
                FROM messages WHERE id = NEW.message_id;
                RETURN NULL; END $$;
            CREATE FUNCTION witness_suppression() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO witness (what, phone, subject)
                VALUES (CASE WHEN NEW.lifted_at IS NULL THEN 'suppressed' ELSE 'lifted' END,
                    NEW.phone, NEW.id);
                RETURN NULL; END $$;
            CREATE TRIGGER witness_claim AFTER INSERT
                ON attempts FOR EACH ROW EXECUTE FUNCTION witness_claim();
            CREATE TRIGGER witness_suppression AFTER INSERT OR UPDATE OF lifted_at ON suppressions
                FOR EACH ROW EXECUTE FUNCTION witness_suppression();";
        self.database.connect().await.batch_execute(watch).await.unwrap();
    }

    /// Advances the clock until dead workers are cleaned up, all reconciliation has happened, and
    /// all retries are over.
    pub(crate) async fn settle(&self) {
        self.advance(seconds(31)).await;
        for _ in 0..8 {
            self.advance(hours(1) / 4).await;
        }
        for _ in 0..4 {
            self.advance(days(1)).await;
        }
    }

    /// Checks all invariants and reports up to 20 violations at once.
    pub(crate) async fn assert_invariants(&self, phase: Phase) -> Tally {
        let mut violations = Vec::new();
        let mut tally = Tally::default();
        let posts = self.posts(&mut violations);
        self.check_messages(phase, &posts, &mut tally, &mut violations).await;
        self.check_events(phase, &mut violations).await;
        self.check_callbacks(&mut tally, &mut violations).await;
        self.check_jobs(phase, &mut violations).await;
        self.check_claims(&mut violations).await;
        let recipients = self.ledger().await.totals.recipients;
        if usize::try_from(recipients) != Ok(tally.messages()) {
            violations.push(format!("the ledger knows {recipients} recipients"));
        }
        tally.posts = posts.values().map(|posts| posts.count).sum();
        tally.recorded = posts.values().map(|posts| posts.recorded.len()).sum();
        let shown = violations.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
        assert!(
            violations.is_empty(),
            "{} invariants are violated:\n{shown}\n{tally:?}",
            violations.len()
        );
        tally
    }

    /// Checks that each accepted event, by its client id, is in the database.
    pub(crate) async fn assert_accepted_events_are_stored(&self, accepted: &BTreeSet<String>) {
        let stored: BTreeSet<String> = self
            .texts("SELECT client_id AS text FROM events WHERE client_id IS NOT NULL")
            .await
            .into_iter()
            .collect();
        let lost: Vec<&String> = accepted.difference(&stored).collect();
        assert!(lost.is_empty(), "{} events were accepted and are lost: {lost:?}", lost.len());
    }

    /// The rows of a query, as JSON objects.
    pub(crate) async fn rows(&self, query: &str) -> Vec<Value> {
        let texts = self
            .texts(&format!("SELECT to_json(found)::text AS text FROM ({query}) AS found"))
            .await;
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    /// The requests in the log of the simulator, by message: the id is in the status callback URL.
    fn posts(&self, violations: &mut Vec<String>) -> HashMap<String, Posts> {
        let mut posts: HashMap<String, Posts> = HashMap::new();
        let statuses: HashMap<String, Status> = self
            .simulator
            .messages()
            .into_iter()
            .map(|message| (message.sid, message.status))
            .collect();
        for request in self.simulator.requests() {
            let Some(id) = request.status_callback.as_deref().and_then(message_id_of) else {
                violations
                    .push(format!("a request to Twilio has no status callback URL: {request:?}"));
                continue;
            };
            let posts = posts.entry(id).or_default();
            posts.count += 1;
            posts.recorded.extend(request.recorded_as.map(|sid| (sid.clone(), statuses[&sid])));
        }
        posts
    }

    async fn check_messages(
        &self,
        phase: Phase,
        posts: &HashMap<String, Posts>,
        tally: &mut Tally,
        violations: &mut Vec<String>,
    ) {
        let query = "SELECT m.id, m.status, m.reason, m.error_code, m.twilio_sid, m.former_sids,
                        count(a.message_id) AS attempts,
                count(*) FILTER (WHERE a.message_id IS NOT NULL AND a.finished_at IS NULL) AS open
             FROM messages m LEFT JOIN attempts a ON a.message_id = m.id
                 WHERE m.direction = 'outbound' GROUP BY m.id";
        let mut unknown: BTreeSet<&String> = posts.keys().collect();
        let none = Posts::default();
        for message in self.rows(query).await {
            let text = |name: &str| message[name].as_str().unwrap_or_default().to_owned();
            let (id, status) = (text("id"), text("status"));
            *tally.statuses.entry(status.clone()).or_default() += 1;
            unknown.remove(&id);
            let Posts { count, recorded } = posts.get(&id).unwrap_or(&none);
            let mut violation = |what: &str| {
                violations.push(format!(
                    "{what}: {message} was posted {count} times and recorded as {recorded:?}"
                ));
            };
            let attempts = usize::try_from(message["attempts"].as_u64().unwrap()).unwrap();
            if *count > attempts {
                violation("posted without an attempt");
            }
            // A message that Twilio itself failed before sending may be sent again.
            let alive: Vec<_> =
                recorded.iter().filter(|(_, status)| *status != Status::Failed).collect();
            if alive.len() > 1 || (alive.len() == 1 && recorded.last() != Some(alive[0])) {
                violation("sent twice");
            }
            let explained = !text("reason").is_empty() || !message["error_code"].is_null();
            // The status of a SID from before a retry says nothing about the outcome.
            let former: Vec<&str> = message["former_sids"]
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_str)
                .collect();
            match (
                status.as_str(),
                recorded.iter().rfind(|(sid, _)| !former.contains(&sid.as_str())),
            ) {
                (
                    "accepted" | "scheduled" | "queued" | "sending" | "sent" | "delivered"
                    | "undelivered" | "read" | "canceled",
                    None,
                ) => {
                    violation("Twilio does not know it");
                }
                ("pending" | "suppressed" | "skipped" | "expired", Some((_, at_twilio)))
                    if *at_twilio != Status::Failed =>
                {
                    violation("Twilio has it");
                }
                ("failed" | "suppressed" | "skipped" | "expired", _) if !explained => {
                    violation("it has no reason");
                }
                // Twilio failed it, and Carillon then decided against a retry.
                ("suppressed" | "skipped" | "expired", _) => {}
                ("unconfirmed", None) if phase == Phase::Settled && !explained => {
                    violation("it has no reason");
                }
                ("submitting" | "pending", _) if phase == Phase::Settled => {
                    violation("it is still unfinished");
                }
                (_, Some((sid, at_twilio))) if phase == Phase::Settled => {
                    if text("twilio_sid") != *sid {
                        violation("Twilio has it under another SID");
                    }
                    if status != at_twilio.as_str() {
                        violation("Twilio reports another status");
                    }
                }
                _ => {}
            }
            if phase == Phase::Settled && message["open"] != 0 {
                violation("an attempt has no outcome");
            }
        }
        violations.extend(
            unknown
                .into_iter()
                .map(|id| format!("Twilio got a request for {id}, which does not exist")),
        );
        // The counts of each automation, as its page shows them, equal the rows.
        for row in self.rows("SELECT id FROM automations").await {
            let id = row["id"].as_str().unwrap().parse().unwrap();
            let shown = carillon::automations::counts::messages(
                &mut *self.conn().await,
                id,
                self.clock.now(),
            )
            .await
            .unwrap();
            let scanned = self.count(&format!("messages WHERE automation_id = '{id}'")).await;
            if shown.sum() != scanned {
                violations.push(format!(
                    "the counts of automation {id} do not add up: {shown:?} are not {scanned}"
                ));
            }
        }
    }

    /// Each event that triggers an automation has its enrollment, and each enrollment a message, a
    /// reason or a job. When settled, no enrollment of an active automation is overdue.
    async fn check_events(&self, phase: Phase, violations: &mut Vec<String>) {
        let lost = "SELECT e.id, e.name, n.id AS enrollment, n.status, n.reason FROM events e
             LEFT JOIN enrollments n ON n.event_id = e.id LEFT JOIN messages m
                 ON m.enrollment_id = n.id
             WHERE m.id IS NULL AND n.reason IS NULL
               AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = 'advance' AND j.subject = n.id)";
        violations.extend(
            self.rows(lost)
                .await
                .into_iter()
                .map(|event| format!("an event has no enrollment, message or reason: {event}")),
        );
        if phase == Phase::Settled {
            let left = format!(
                "SELECT n.id, n.step, n.due_at FROM enrollments n JOIN automations a
                    ON a.id = n.automation_id
                 WHERE n.status = 'active' AND a.status = 'active' AND n.due_at <= '{}'",
                self.clock.now().to_rfc3339()
            );
            violations.extend(
                self.rows(&left)
                    .await
                    .into_iter()
                    .map(|enrollment| format!("an enrollment is overdue: {enrollment}")),
            );
        }
    }

    /// Each call that was answered with 2xx is in the database, status reports as often as they
    /// came.
    async fn check_callbacks(&self, tally: &mut Tally, violations: &mut Vec<String>) {
        let callbacks = self.simulator.callbacks();
        assert!(
            callbacks.len() < 10_000,
            "the simulator drops its oldest calls: make the story smaller"
        );
        let mut statuses: BTreeMap<(String, String, String), u64> = BTreeMap::new();
        let mut inbound: BTreeSet<String> = BTreeSet::new();
        for callback in callbacks.iter().filter(|call| is_accepted(call)) {
            tally.callbacks += 1;
            match message_id_of(&callback.url) {
                Some(id) => {
                    *statuses
                        .entry((id, callback.message_sid.clone(), callback.status.to_owned()))
                        .or_default() += 1;
                }
                None => drop(inbound.insert(callback.message_sid.clone())),
            }
        }
        let stored = "SELECT message_id, params->>'MessageSid' AS sid, status, count(*) AS times
             FROM delivery_events WHERE source = 'callback' GROUP BY 1, 2, 3";
        for row in self.rows(stored).await {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let key = (text("message_id"), text("sid"), text("status"));
            if let Some(answered) = statuses.remove(&key)
                && row["times"].as_u64().unwrap() < answered
            {
                violations.push(format!(
                    "{answered} callbacks were accepted, but only these are stored: {row}"
                ));
            }
        }
        violations.extend(
            statuses
                .into_keys()
                .map(|callback| format!("a callback was accepted and is lost: {callback:?}")),
        );
        for row in
            self.texts("SELECT twilio_sid AS text FROM messages WHERE direction = 'inbound'").await
        {
            inbound.remove(&row);
        }
        violations.extend(
            inbound
                .into_iter()
                .map(|sid| format!("an inbound message was accepted and is lost: {sid}")),
        );
    }

    async fn check_jobs(&self, phase: Phase, violations: &mut Vec<String>) {
        violations.extend(
            self.jobs("failed_at IS NOT NULL")
                .await
                .into_iter()
                .map(|job| format!("a job has failed: {job}")),
        );
        if phase == Phase::Settled {
            violations.extend(
                self.jobs("worker_id IS NOT NULL")
                    .await
                    .into_iter()
                    .map(|job| format!("a job is stuck: {job}")),
            );
            let leftover = self.jobs("kind IN ('advance', 'send', 'settle')").await;
            violations.extend(leftover.into_iter().map(|job| format!("a job is left: {job}")));
        }
        let has_queues =
            self.count("pg_class WHERE relname = 'queued_sends' AND relkind = 'r'").await == 1;
        let not_queued = if has_queues {
            "AND NOT EXISTS (SELECT 1 FROM queued_sends q WHERE q.message_id = m.id)"
        } else {
            ""
        };
        let stranded = format!(
            "SELECT m.id, m.status FROM messages m
             JOIN senders s ON s.id = m.sender_id JOIN connections c ON c.id = m.connection_id
                 LEFT JOIN automations a ON a.id = m.automation_id
             WHERE m.status IN ('pending', 'submitting')
               AND s.disabled_at IS NULL AND s.stopped_at IS NULL AND c.disabled_at IS NULL
                   AND c.stopped_at IS NULL
               AND coalesce(a.status, 'active') = 'active'
               AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.subject = m.id
                   AND j.failed_at IS NULL) {not_queued}"
        );
        violations.extend(
            self.rows(&stranded)
                .await
                .into_iter()
                .map(|message| format!("nothing will wake this message: {message}")),
        );
    }

    /// No claim committed while its number was suppressed, by the commit timestamps.
    async fn check_claims(&self, violations: &mut Vec<String>) {
        if self.count("pg_class WHERE relname = 'witness' AND relkind = 'r'").await == 0 {
            return;
        }
        let late = "WITH seen AS MATERIALIZED (SELECT what, phone, subject,
                       pg_xact_commit_timestamp(xid::xid) AS at FROM witness)
             SELECT claim.subject, claim.at AS claimed, suppression.at AS suppressed
             FROM seen claim JOIN seen suppression ON suppression.phone = claim.phone
                 AND suppression.at <= claim.at
             WHERE claim.what = 'claimed' AND suppression.what = 'suppressed' AND NOT EXISTS (
                SELECT 1 FROM seen lifting
                WHERE lifting.what = 'lifted' AND lifting.subject = suppression.subject
                    AND lifting.at <= claim.at)";
        violations.extend(
            self.rows(late)
                .await
                .into_iter()
                .map(|claim| format!("claimed after the STOP had committed: {claim}")),
        );
    }
}

/// Whether Carillon answered a call with 2xx, so that Twilio does not repeat it.
fn is_accepted(call: &CallbackAttempt) -> bool {
    call.answer.is_some_and(|answer| (200..300).contains(&answer))
}

/// The message id in a status callback URL: `…/hooks/twilio/<connection>/status/<message>#…`.
fn message_id_of(url: &str) -> Option<String> {
    let (_, id) = url.split_once("/status/")?;
    Some(id.split(['#', '?']).next()?.to_owned())
}
