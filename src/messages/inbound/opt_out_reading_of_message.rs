//! Whether an inbound message was read as an opt-out.

use crate::consent::{self, OptOutReading};
use crate::db::Conn;
use crate::error::Result;
use crate::messages::message::{Direction, Message};
use crate::twilio::Address;

/// How a message was read as an opt-out, and whether that still holds; none if it was not.
pub async fn reading_of(conn: &mut Conn, message: &Message) -> Result<Option<OptOutReading>> {
    let from = message
        .from_address
        .as_deref()
        .filter(|_| message.direction == Direction::Inbound)
        .map(Address::parse);
    match from.as_ref().and_then(Address::phone) {
        Some(phone) => consent::reading_of(conn, phone, message.id).await,
        None => Ok(None),
    }
}
