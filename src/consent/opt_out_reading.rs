//! [`OptOutReading`]: whether a text that is not a keyword was read as an opt-out, and whether that
//! still holds.

use diesel::prelude::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;

use super::source::ConsentSource;
use super::suppression;
use crate::db::Conn;
use crate::db::schema::consent_records;
use crate::error::Result;
use crate::types::id::MessageId;
use crate::types::phone::PhoneNumber;

/// Whether a message was read as an opt-out, and whether that still holds.
pub async fn reading_of(
    conn: &mut Conn,
    phone: &PhoneNumber,
    message_id: MessageId,
) -> Result<Option<OptOutReading>> {
    let read: i64 = consent_records::table
        .filter(consent_records::phone.eq(phone))
        .filter(consent_records::message_id.eq(message_id))
        .filter(
            consent_records::source.eq_any([ConsentSource::Wording, ConsentSource::WordingLookup]),
        )
        .count()
        .get_result(conn)
        .await?;
    if read == 0 {
        return Ok(None);
    }
    let active = suppression::all_active(conn, phone).await?;
    Ok(Some(if active.iter().any(|suppression| suppression.by_wording) {
        OptOutReading::Holds
    } else {
        OptOutReading::Ended
    }))
}

/// The state of a message that was read as an opt-out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OptOutReading {
    /// The number is suppressed because of the reading.
    Holds,
    /// The reading was undone, or the person has texted otherwise since.
    Ended,
}
