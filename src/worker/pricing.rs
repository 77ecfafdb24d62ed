//! Pricing: asks Twilio what the newest messages have cost, so that the editor of templates can say what a text will cost.

use chrono::{DateTime, TimeDelta, Utc};

use crate::{
    connections,
    messages::prices,
    twilio::MessageFilter,
    worker::{Worker, perform::PerformError},
};

/// Prices change seldom.
const EVERY: TimeDelta = TimeDelta::hours(6);
/// Until the first price is known.
const EVERY_AT_FIRST: TimeDelta = TimeDelta::hours(1);
/// Twilio bills a message some time after it was sent; newer ones have no price yet.
const BILLED: TimeDelta = TimeDelta::hours(1);
/// Messages that are looked at, of each connection: one page of Twilio's list.
const MOST: usize = 200;

impl Worker {
    /// Reads the newest messages of each connection that can have been billed and keeps what they have cost. What cannot be asked now is asked at the next turn.
    pub(super) async fn learn_prices(&self) -> Result<DateTime<Utc>, PerformError> {
        let connections = connections::list(&mut *self.db.get().await?).await?;
        let mut learned = 0;
        let billed = MessageFilter { sent_before: Some(self.clock.now() - BILLED), ..MessageFilter::default() };
        for connection in connections.into_iter().map(|connection| connection.id) {
            let Some(keys) = self.keys_to_ask_with(connection).await? else { continue };
            let asked = self.windows.read(connection, self.twilio.list_messages(&keys, &billed, MOST)).await;
            match asked {
                Ok(shown) => learned += prices::learn(&mut *self.db.get().await?, connection, &shown, self.clock.now()).await?,
                Err(error) => tracing::debug!(connection.id = %connection, %error, "Twilio does not tell what messages have cost"),
            }
        }
        Ok(self.clock.now() + if learned > 0 { EVERY } else { EVERY_AT_FIRST })
    }
}
