//! Learning prices: asks Twilio what the newest messages have cost, so that the template editor can
//! estimate what a text will cost.

use chrono::{DateTime, TimeDelta, Utc};

use super::Worker;
use super::error::{PerformError, catch_panic};
use super::set_aside_items::SetAsideItems;
use crate::connections;
use crate::ledger::prices;
use crate::queue::set_aside::{Task, TaskItem};
use crate::twilio::TwilioMessageFilter;
use crate::types::id::ConnectionId;

/// How often prices are read; they change seldom.
const INTERVAL: TimeDelta = TimeDelta::hours(6);
/// How often prices are read until the first one is known.
const FIRST_INTERVAL: TimeDelta = TimeDelta::hours(1);
/// How old a message must be to have a price: Twilio bills a message some time after it was sent.
const MIN_AGE: TimeDelta = TimeDelta::hours(1);
/// How many messages of each connection are read: one page of Twilio's list.
const MAX_LISTED: usize = 200;

impl Worker {
    /// Reads the newest billed messages of each connection and stores their prices. A connection
    /// that cannot be read now is read in the next run.
    pub(super) async fn learn_prices(&self) -> Result<DateTime<Utc>, PerformError> {
        let connections = connections::list(&mut *self.db.get().await?).await?;
        let aside = self.load_set_aside(Task::LearnPrices).await?;
        let mut learned = 0;
        for connection in connections.into_iter().map(|connection| connection.id) {
            let item = TaskItem::new(Task::LearnPrices, &connection, Some(connection));
            let result = catch_panic(self.learn_prices_of(connection, &aside)).await;
            learned += self.record_result(&aside, &item, result).await?.unwrap_or_default();
        }
        self.clear_unmet(&aside).await?;
        let usual = self.clock.now() + if learned > 0 { INTERVAL } else { FIRST_INTERVAL };
        self.or_next_retry(usual, &[Task::LearnPrices]).await
    }

    /// Learns the prices of one connection, by country; returns for how many countries.
    async fn learn_prices_of(
        &self,
        connection: ConnectionId,
        aside: &SetAsideItems,
    ) -> Result<usize, PerformError> {
        let Some(keys) = self.usable_keys(connection).await? else { return Ok(0) };
        let billed = TwilioMessageFilter {
            sent_before: Some(self.clock.now() - MIN_AGE),
            ..TwilioMessageFilter::default()
        };
        let listed = match self
            .concurrency_limits
            .read(connection, self.twilio.list_messages(&keys, &billed, MAX_LISTED))
            .await
        {
            Ok(listing) => listing.items,
            Err(error) => {
                tracing::debug!(
                    connection.id = %connection,
                    %error,
                    "Twilio did not return the prices of messages"
                );
                return Ok(0);
            }
        };
        let mut learned = 0;
        for bill in prices::bills(&listed) {
            let item = TaskItem::new(
                Task::LearnPrices,
                &format!("{connection} {}", bill.country().code()),
                Some(connection),
            );
            let stored = async {
                Ok(prices::learn(&mut *self.db.get().await?, connection, &bill, self.clock.now())
                    .await?)
            };
            let stored = catch_panic(stored).await;
            learned += usize::from(self.record_result(aside, &item, stored).await?.is_some());
        }
        Ok(learned)
    }
}
