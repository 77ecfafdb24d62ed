//! Inspecting connections: checks every hour at Twilio that the settings which Carillon relies on
//! are still in place, because they can be changed there.

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;

use super::Worker;
use super::error::{PerformError, catch_panic};
use crate::connections::{self, Check, Connection, Status};
use crate::error::Error;
use crate::queue::set_aside::{Task, TaskItem};
use crate::senders;

/// How often each connection is inspected. A webhook that points elsewhere loses replies, which are
/// then found late; registrations change seldom.
const INTERVAL: TimeDelta = TimeDelta::hours(1);

impl Worker {
    /// Inspects each connection that is not switched off, and stores the result. Only an admin
    /// resumes a connection that Carillon has stopped.
    pub(super) async fn inspect_connections(&self) -> Result<DateTime<Utc>, PerformError> {
        let connections = connections::list(&mut *self.db.get().await?).await?;
        let aside = self.load_set_aside(Task::Inspect).await?;
        for connection in
            connections.iter().filter(|connection| connection.status() != Status::Disabled)
        {
            let item = TaskItem::new(Task::Inspect, &connection.id, Some(connection.id));
            let inspected = catch_panic(self.inspect(connection)).await;
            self.record_result(&aside, &item, inspected).await?;
        }
        self.clear_unmet(&aside).await?;
        self.or_next_retry(self.clock.now() + INTERVAL, &[Task::Inspect]).await
    }

    async fn inspect(&self, connection: &Connection) -> Result<(), PerformError> {
        let id = connection.id;
        let mut conn = self.db.get().await?;
        let keys = match connections::keys(&mut conn, id, &self.secret_key).await {
            Err(Error::Refused(reason)) => {
                let checks = [Check::unreadable_keys(reason)];
                return Ok(
                    connections::record_checks(&mut conn, id, &checks, self.clock.now()).await?
                );
            }
            keys => keys?,
        };
        let inbound_url = connections::hook_address(&mut conn, id, &self.secret_key)
            .await?
            .inbound(&self.public_url);
        let senders = senders::list_for_connection(&mut conn, id).await?;
        drop(conn);
        // The whole inspection takes one permit of the connection: sending goes first.
        let request = async {
            Ok(senders::inspect(
                &self.twilio,
                &keys,
                inbound_url,
                senders,
                &self.public_url,
                self.clock.now(),
            )
            .await)
        };
        let inspection = self.concurrency_limits.read(id, request).await?;
        if !inspection.has_passed() {
            tracing::warn!(
                connection.id = %id,
                "a connection has a problem: see the connection's page"
            );
        }
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| senders::record(conn, id, &inspection, now).await).await?;
        Ok(())
    }
}
