//! Settling: asks Twilio's message list about messages whose submission nobody confirmed.

use diesel_async::AsyncConnection;

use crate::{
    automations::consequences,
    connections,
    messages::{
        delivery::{Report, ReportSource},
        reconcile::{self, NextStep, Unconfirmed},
    },
    queue::{
        Job,
        lease::{self, Finish, Leased},
    },
    twilio::{Address, MessageFilter, TwilioMessage},
    types::id::MessageId,
    worker::{Worker, perform::PerformError},
};

/// How many of the newest messages to a number are looked through.
const MOST_LISTED: usize = 200;

impl Worker {
    pub(super) async fn settle(&self, jobs: Vec<Leased>) -> Result<(), PerformError> {
        // One after the other: they are rare, and each is a question that counts against Twilio's concurrency.
        for job in jobs {
            let Job::Settle(id) = job.job else { continue };
            if let Err(error) = self.settle_one(&job, id).await {
                self.put_back(&job, &error).await;
            }
        }
        Ok(())
    }

    async fn settle_one(&self, job: &Leased, id: MessageId) -> Result<(), PerformError> {
        let mut conn = self.db.get().await?;
        let Some(unconfirmed) = reconcile::load(&mut conn, id).await? else {
            // A callback was faster.
            return Ok(lease::finish(&mut conn, &[(job.id, Finish::Done)], self.clock.now()).await?);
        };
        let keys = connections::credentials(&mut conn, unconfirmed.message.connection_id, &self.secret_key).await?;
        drop(conn);
        let filter = MessageFilter { to: Some(Address::parse(&unconfirmed.message.to_address)), ..MessageFilter::default() };
        let listed = match self.twilio.list_messages(&keys, &filter, MOST_LISTED).await {
            Ok(listed) => listed,
            Err(error) => {
                // Not knowing is no reason to decide: this look does not count.
                let now = self.clock.now();
                let later = Finish::Again(now + lease::backoff(job.attempt), Some(error.to_string()));
                return Ok(lease::finish(&mut *self.db.get().await?, &[(job.id, later)], now).await?);
            }
        };
        self.conclude(job, &unconfirmed, &listed).await
    }

    async fn conclude(&self, job: &Leased, unconfirmed: &Unconfirmed, listed: &[TwilioMessage]) -> Result<(), PerformError> {
        let now = self.clock.now();
        let candidates = reconcile::candidates(unconfirmed, listed);
        let sids: Vec<&str> = candidates.iter().map(|candidate| candidate.sid.as_str()).collect();
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| {
            let found = reconcile::first_unowned(conn, &sids).await?;
            let finish = match found.and_then(|sid| candidates.iter().find(|candidate| candidate.sid.as_str() == sid)) {
                Some(found) => {
                    let report = Report {
                        message_id: unconfirmed.message.id,
                        connection_id: unconfirmed.message.connection_id,
                        twilio_sid: found.sid.to_string(),
                        status: found.status.clone(),
                        error_code: found.error_code,
                        from_address: found.from.as_ref().map(Address::to_wire),
                        source: ReportSource::Lookup,
                        params: serde_json::json!({ "MessageSid": found.sid.as_str(), "MessageStatus": found.status.as_str(), "ErrorCode": found.error_code }),
                    };
                    consequences::take_in(conn, &[report], now).await?;
                    Finish::Done
                }
                None => match reconcile::nothing_found(conn, unconfirmed, job.attempt, now).await? {
                    NextStep::LookAgain(at) => Finish::Again(at, None),
                    NextStep::Decided => Finish::Done,
                },
            };
            lease::finish(conn, &[(job.id, finish)], now).await?;
            Ok(())
        })
        .await
    }
}
