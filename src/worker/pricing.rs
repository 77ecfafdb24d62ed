//! Pricing: asks Twilio what the newest messages have cost, so that the editor of templates can say
//! what a text will cost.

use chrono::{DateTime, TimeDelta, Utc};

use super::error::PerformError;
use crate::connections;
use crate::ledger::prices;
use crate::queue::set_aside::{Item, Task};
use crate::twilio::TwilioMessageFilter;
use crate::types::id::ConnectionId;
use crate::worker::Worker;
use crate::worker::set_aside::{Aside, guarded};

/// Prices change seldom.
const EVERY: TimeDelta = TimeDelta::hours(6);
/// Until the first price is known.
const EVERY_AT_FIRST: TimeDelta = TimeDelta::hours(1);
/// Twilio bills a message some time after it was sent; newer ones have no price yet.
const BILLED: TimeDelta = TimeDelta::hours(1);
/// Messages that are looked at, of each connection: one page of Twilio's list.
const MAX: usize = 200;

impl Worker {
    /// Reads the newest messages of each connection that can have been billed and keeps what they
    /// have cost. What cannot be asked now is asked at the next turn.
    pub(super) async fn learn_prices(&self) -> Result<DateTime<Utc>, PerformError> {
        let connections = connections::list(&mut *self.db.get().await?).await?;
        let aside = self.aside(Task::LearnPrices).await?;
        let mut learned = 0;
        for connection in connections.into_iter().map(|connection| connection.id) {
            let item = Item::new(Task::LearnPrices, &connection, Some(connection));
            let done = guarded(self.learn_prices_of(connection, &aside)).await;
            learned += self.note(&aside, &item, done).await?.unwrap_or_default();
        }
        self.forget_unmet(&aside).await?;
        let usual = self.clock.now() + if learned > 0 { EVERY } else { EVERY_AT_FIRST };
        self.or_next_try(usual, &[Task::LearnPrices]).await
    }

    /// The same for one connection, country by country; returns for how many.
    async fn learn_prices_of(
        &self,
        connection: ConnectionId,
        aside: &Aside,
    ) -> Result<usize, PerformError> {
        let Some(keys) = self.keys_to_ask_with(connection).await? else { return Ok(0) };
        let billed = TwilioMessageFilter {
            sent_before: Some(self.clock.now() - BILLED),
            ..TwilioMessageFilter::default()
        };
        let shown = match self
            .windows
            .read(connection, self.twilio.list_messages(&keys, &billed, MAX))
            .await
        {
            Ok(listing) => listing.items,
            Err(error) => {
                tracing::debug!(
                    connection.id = %connection,
                    %error,
                    "Twilio does not tell what messages have cost"
                );
                return Ok(0);
            }
        };
        let mut learned = 0;
        for bill in prices::bills(&shown) {
            let item = Item::new(
                Task::LearnPrices,
                &format!("{connection} {}", bill.country().code()),
                Some(connection),
            );
            let kept = async {
                Ok(prices::learn(&mut *self.db.get().await?, connection, &bill, self.clock.now())
                    .await?)
            };
            let kept = guarded(kept).await;
            learned += usize::from(self.note(aside, &item, kept).await?.is_some());
        }
        Ok(learned)
    }
}
