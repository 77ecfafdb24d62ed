//! Inspecting: asks Twilio now and then whether what Carillon relies on is still so, because
//! anybody can change it there.

use chrono::{DateTime, TimeDelta, Utc};
use diesel_async::AsyncConnection;

use super::error::PerformError;
use crate::connections::{self, Check, Connection, Status};
use crate::error::Error;
use crate::queue::set_aside::{Item, Task};
use crate::senders;
use crate::worker::Worker;
use crate::worker::set_aside::guarded;

/// A webhook that points elsewhere loses replies, which are found late only; registrations change
/// seldom.
const EVERY: TimeDelta = TimeDelta::hours(1);

impl Worker {
    /// Looks at each connection that is not switched off, and keeps what was found. That Carillon
    /// has stopped one is for a person to end.
    pub(super) async fn inspect_connections(&self) -> Result<DateTime<Utc>, PerformError> {
        let connections = connections::list(&mut *self.db.get().await?).await?;
        let aside = self.aside(Task::Inspect).await?;
        for connection in
            connections.iter().filter(|connection| connection.status() != Status::Disabled)
        {
            let item = Item::new(Task::Inspect, &connection.id, Some(connection.id));
            let inspected = guarded(self.inspect(connection)).await;
            self.note(&aside, &item, inspected).await?;
        }
        self.forget_unmet(&aside).await?;
        self.or_next_try(self.clock.now() + EVERY, &[Task::Inspect]).await
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
        let senders = senders::of_connection(&mut conn, id).await?;
        drop(conn);
        // It takes one place of the connection's window, whatever it asks: sending goes first.
        let look = async {
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
        let inspection = self.windows.read(id, look).await?;
        if !inspection.has_passed() {
            tracing::warn!(
                connection.id = %id,
                "something about a connection is not as it should be: see its page"
            );
        }
        let now = self.clock.now();
        let mut conn = self.db.get().await?;
        conn.transaction(async |conn| senders::record(conn, id, &inspection, now).await).await?;
        Ok(())
    }
}
