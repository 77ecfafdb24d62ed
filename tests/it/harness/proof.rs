//! What must hold when a story ends, whatever was done to Carillon: the simulator's own log against
//! the database.
//!
//! - Each message was recorded by Twilio at most once, and never without an attempt row that was
//!   written before.
//! - Each event that was answered with 202 led to its message, which was sent, or says why not; in
//!   the end no step is left to do.
//! - Whatever was answered with 2xx to Twilio is in the database.
//! - Nothing was claimed after a suppression had committed (with [`TestApp::watch_claims`]).
//! - Whatever waits has something that will wake it; no job has failed; the ledger is that of the
//!   rows, and adds up.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use diesel_async::SimpleAsyncConnection;
use serde_json::Value;
use twilio_simulator::{CallbackAttempt, Status};

use super::{TestApp, days, hours, seconds};

/// How far things are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rest {
    /// Messages may still wait or be under way.
    Unsettled,
    /// Enough time has passed for everything to be known: see [`TestApp::settle`].
    Settled,
}

/// What a proof has seen.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Outbound messages by status.
    pub(crate) statuses: BTreeMap<String, usize>,
    /// Requests to create a message.
    pub(crate) posts: usize,
    /// Those that Twilio recorded.
    pub(crate) recorded: usize,
    /// Callbacks that were answered with 2xx.
    pub(crate) callbacks: usize,
}

/// What Twilio was asked for one of our messages.
#[derive(Default)]
struct Posts {
    count: usize,
    /// The SIDs of those that were recorded, with their present status.
    recorded: Vec<(String, Status)>,
}

impl Tally {
    /// How many messages have this status.
    pub(crate) fn of(&self, status: &str) -> usize {
        self.statuses.get(status).copied().unwrap_or(0)
    }

    /// How many messages there are.
    pub(crate) fn messages(&self) -> usize {
        self.statuses.values().sum()
    }
}

impl TestApp {
    /// From here on the database itself notes the transaction of each claim and of each
    /// suppression, so that their commits can be ordered; of a claim also whether its message was
    /// made with it, came from a queue, or was tried again. The story needs a cluster of its own.
    pub(crate) async fn watch_claims(&self) {
        let watch = "
            CREATE TABLE witness (what text, phone text, subject uuid, way text,
                xid xid8 DEFAULT pg_current_xact_id());
            CREATE INDEX ON witness (phone);
            CREATE FUNCTION witness_claim() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                INSERT INTO witness (what, phone, subject, way)
                SELECT 'claimed', to_address, id,
                    CASE WHEN NEW.number > 1 THEN 'again' WHEN NEW.claimed_at > created_at
                        THEN 'queued' ELSE 'made' END
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

    /// Lets so much time pass that dead workers are buried, every look at Twilio is taken, and
    /// every retry is over.
    pub(crate) async fn settle(&self) {
        self.advance(seconds(31)).await;
        for _ in 0..8 {
            self.advance(hours(1) / 4).await;
        }
        for _ in 0..4 {
            self.advance(days(1)).await;
        }
    }

    /// Proves it all, and says everything that is wrong at once.
    pub(crate) async fn prove(&self, rest: Rest) -> Tally {
        let mut wrong = Vec::new();
        let mut tally = Tally::default();
        let posts = self.posts(&mut wrong);
        self.prove_messages(rest, &posts, &mut tally, &mut wrong).await;
        self.prove_events(rest, &mut wrong).await;
        self.prove_callbacks(&mut tally, &mut wrong).await;
        self.prove_jobs(rest, &mut wrong).await;
        self.prove_claims(&mut wrong).await;
        let recipients = self.ledger().await.totals.recipients;
        if usize::try_from(recipients) != Ok(tally.messages()) {
            wrong.push(format!("the ledger knows {recipients} recipients"));
        }
        tally.posts = posts.values().map(|posts| posts.count).sum();
        tally.recorded = posts.values().map(|posts| posts.recorded.len()).sum();
        let shown = wrong.iter().take(20).cloned().collect::<Vec<_>>().join("\n");
        assert!(wrong.is_empty(), "{} things are wrong:\n{shown}\n{tally:?}", wrong.len());
        tally
    }

    /// Proves that each of these reports, which were answered with 202, is in the database.
    pub(crate) async fn prove_accepted(&self, accepted: &BTreeSet<String>) {
        let kept: BTreeSet<String> = self
            .texts("SELECT client_id AS text FROM events WHERE client_id IS NOT NULL")
            .await
            .into_iter()
            .collect();
        let lost: Vec<&String> = accepted.difference(&kept).collect();
        assert!(lost.is_empty(), "{} events were accepted and are lost: {lost:?}", lost.len());
    }

    /// The rows of a query as JSON objects.
    pub(crate) async fn rows(&self, query: &str) -> Vec<Value> {
        let texts = self
            .texts(&format!("SELECT to_json(found)::text AS text FROM ({query}) AS found"))
            .await;
        texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect()
    }

    /// Twilio's own log by our message, whose id is in the URL that the status is reported to.
    fn posts(&self, wrong: &mut Vec<String>) -> HashMap<String, Posts> {
        let mut posts: HashMap<String, Posts> = HashMap::new();
        let statuses: HashMap<String, Status> = self
            .simulator
            .messages()
            .into_iter()
            .map(|message| (message.sid, message.status))
            .collect();
        for request in self.simulator.requests() {
            let Some(id) = request.status_callback.as_deref().and_then(message_id_of) else {
                wrong
                    .push(format!("a request to Twilio does not say where to report: {request:?}"));
                continue;
            };
            let posts = posts.entry(id).or_default();
            posts.count += 1;
            posts.recorded.extend(request.recorded_as.map(|sid| (sid.clone(), statuses[&sid])));
        }
        posts
    }

    async fn prove_messages(
        &self,
        rest: Rest,
        posts: &HashMap<String, Posts>,
        tally: &mut Tally,
        wrong: &mut Vec<String>,
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
            let mut complain = |what: &str| {
                wrong.push(format!(
                    "{what}: {message} was posted {count} times and recorded as {recorded:?}"
                ));
            };
            let attempts = usize::try_from(message["attempts"].as_u64().unwrap()).unwrap();
            if *count > attempts {
                complain("posted without an attempt");
            }
            // One that Twilio itself gave up before it was sent may go again.
            let alive: Vec<_> =
                recorded.iter().filter(|(_, status)| *status != Status::Failed).collect();
            if alive.len() > 1 || (alive.len() == 1 && recorded.last() != Some(alive[0])) {
                complain("sent twice");
            }
            let explained = !text("reason").is_empty() || !message["error_code"].is_null();
            // What Twilio dropped before the message was handed over once more says nothing of what
            // became of it in the end.
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
                    complain("Twilio does not know it");
                }
                ("pending" | "suppressed" | "skipped" | "expired", Some((_, at_twilio)))
                    if *at_twilio != Status::Failed =>
                {
                    complain("Twilio has it");
                }
                ("failed" | "suppressed" | "skipped" | "expired", _) if !explained => {
                    complain("nobody knows why");
                }
                // Twilio dropped it, and when it was to go again it was not wanted any more.
                ("suppressed" | "skipped" | "expired", _) => {}
                ("unconfirmed", None) if rest == Rest::Settled && !explained => {
                    complain("nobody knows why");
                }
                ("submitting" | "pending", _) if rest == Rest::Settled => {
                    complain("nothing is under way any more");
                }
                (_, Some((sid, at_twilio))) if rest == Rest::Settled => {
                    if text("twilio_sid") != *sid {
                        complain("Twilio calls it otherwise");
                    }
                    if status != at_twilio.as_str() {
                        complain("Twilio says otherwise");
                    }
                }
                _ => {}
            }
            if rest == Rest::Settled && message["open"] != 0 {
                complain("an attempt has no outcome");
            }
        }
        wrong.extend(
            unknown
                .into_iter()
                .map(|id| format!("Twilio was asked to send {id}, which does not exist")),
        );
        // The counts that people are shown are those of the rows.
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
                wrong.push(format!(
                    "the counts of automation {id} do not add up: {shown:?} are not {scanned}"
                ));
            }
        }
    }

    /// Each event that an automation waits for has its enrollment, and each enrollment its message,
    /// its reason, or its job; in the end none of a running automation is in the middle of its
    /// steps, unless it waits longer than a story takes to settle.
    async fn prove_events(&self, rest: Rest, wrong: &mut Vec<String>) {
        let lost = "SELECT e.id, e.name, n.id AS enrollment, n.status, n.reason FROM events e
             LEFT JOIN enrollments n ON n.event_id = e.id LEFT JOIN messages m
                 ON m.enrollment_id = n.id
             WHERE m.id IS NULL AND n.reason IS NULL
               AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.kind = 'advance' AND j.subject = n.id)";
        wrong.extend(
            self.rows(lost)
                .await
                .into_iter()
                .map(|event| format!("an event has led to nothing: {event}")),
        );
        if rest == Rest::Settled {
            let left = format!(
                "SELECT n.id, n.step, n.due_at FROM enrollments n JOIN automations a
                    ON a.id = n.automation_id
                 WHERE n.status = 'active' AND a.status = 'active' AND n.due_at <= '{}'",
                self.clock.now().to_rfc3339()
            );
            wrong.extend(
                self.rows(&left)
                    .await
                    .into_iter()
                    .map(|enrollment| format!("an enrollment stands still: {enrollment}")),
            );
        }
    }

    /// What was answered with 2xx is in the database, status reports as often as they came.
    async fn prove_callbacks(&self, tally: &mut Tally, wrong: &mut Vec<String>) {
        let callbacks = self.simulator.callbacks();
        assert!(
            callbacks.len() < 10_000,
            "the simulator has forgotten the first calls: make the story smaller"
        );
        let mut statuses: BTreeMap<(String, String, String), u64> = BTreeMap::new();
        let mut inbound: BTreeSet<String> = BTreeSet::new();
        for callback in callbacks.iter().filter(|call| is_taken(call)) {
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
        let kept = "SELECT message_id, params->>'MessageSid' AS sid, status, count(*) AS times
             FROM delivery_events WHERE source = 'callback' GROUP BY 1, 2, 3";
        for row in self.rows(kept).await {
            let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
            let key = (text("message_id"), text("sid"), text("status"));
            if let Some(answered) = statuses.remove(&key)
                && row["times"].as_u64().unwrap() < answered
            {
                wrong.push(format!(
                    "{answered} callbacks were taken, but only these are kept: {row}"
                ));
            }
        }
        wrong.extend(
            statuses
                .into_keys()
                .map(|callback| format!("a callback was taken and is lost: {callback:?}")),
        );
        for row in
            self.texts("SELECT twilio_sid AS text FROM messages WHERE direction = 'inbound'").await
        {
            inbound.remove(&row);
        }
        wrong.extend(
            inbound
                .into_iter()
                .map(|sid| format!("an inbound message was taken and is lost: {sid}")),
        );
    }

    async fn prove_jobs(&self, rest: Rest, wrong: &mut Vec<String>) {
        wrong.extend(
            self.jobs("failed_at IS NOT NULL")
                .await
                .into_iter()
                .map(|job| format!("a job has failed: {job}")),
        );
        if rest == Rest::Settled {
            wrong.extend(
                self.jobs("worker_id IS NOT NULL")
                    .await
                    .into_iter()
                    .map(|job| format!("a job is stuck: {job}")),
            );
            let leftover = self.jobs("kind IN ('advance', 'send', 'settle')").await;
            wrong.extend(leftover.into_iter().map(|job| format!("a job is left: {job}")));
        }
        let queues =
            self.count("pg_class WHERE relname = 'queued_sends' AND relkind = 'r'").await == 1;
        let queued = if queues {
            "AND NOT EXISTS (SELECT 1 FROM queued_sends q WHERE q.message_id = m.id)"
        } else {
            ""
        };
        let forgotten = format!(
            "SELECT m.id, m.status FROM messages m
             JOIN senders s ON s.id = m.sender_id JOIN connections c ON c.id = m.connection_id
                 LEFT JOIN automations a ON a.id = m.automation_id
             WHERE m.status IN ('pending', 'submitting')
               AND s.disabled_at IS NULL AND s.stopped_at IS NULL AND c.disabled_at IS NULL
                   AND c.stopped_at IS NULL
               AND coalesce(a.status, 'active') = 'active'
               AND NOT EXISTS (SELECT 1 FROM jobs j WHERE j.subject = m.id
                   AND j.failed_at IS NULL) {queued}"
        );
        wrong.extend(
            self.rows(&forgotten)
                .await
                .into_iter()
                .map(|message| format!("nothing will wake this message: {message}")),
        );
    }

    /// No claim committed while its number was suppressed, by the order of the commits themselves.
    async fn prove_claims(&self, wrong: &mut Vec<String>) {
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
        wrong.extend(
            self.rows(late)
                .await
                .into_iter()
                .map(|claim| format!("claimed after the STOP had committed: {claim}")),
        );
    }
}

/// Whether a call of Twilio's was answered with 2xx: it is not repeated.
fn is_taken(call: &CallbackAttempt) -> bool {
    call.answer.is_some_and(|answer| (200..300).contains(&answer))
}

/// Our message in the address of a status callback:
/// `…/hooks/twilio/<connection>/status/<message>#…`.
fn message_id_of(url: &str) -> Option<String> {
    let (_, id) = url.split_once("/status/")?;
    Some(id.split(['#', '?']).next()?.to_owned())
}
