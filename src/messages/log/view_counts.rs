//! How many messages the views of the list have, as far as that is cheap at any number of messages.

use diesel::sql_types::BigInt;
use diesel_async::RunQueryDsl;

use super::filter::MessageFilter;
use super::search;
use crate::db::Conn;
use crate::db::statement::statement;
use crate::error::Result;
use crate::ledger;
use crate::ledger::outcome::Outcome;
use crate::messages::message::Direction;

/// The highest count; of more messages it is known only that there are more.
pub const MAX_COUNTED: i64 = 1_000;

/// The largest number of views that are counted message by message: each takes up to a millisecond.
const MAX_SEARCHED: usize = 8;

statement! {
    /// Counts received messages up to the limit, along the index that has only these.
    struct CountReceived { limit: i64 => BigInt }
    returns BigInt;
    "SELECT count(*)
     FROM (
         SELECT id FROM messages WHERE direction = 'inbound' ORDER BY id DESC LIMIT {limit}
     ) AS received"
}

/// Counts the messages of each view; more than [`MAX_COUNTED`] are that and one.
///
/// The ledger and the index of received messages know the usual views. A view is also counted if an
/// index answers its filter, or if there are few messages; a search by words or by a status would
/// read thousands of messages for each view. A view that is not counted has no count.
pub async fn count_each(conn: &mut Conn, views: &[MessageFilter]) -> Result<Vec<Option<i64>>> {
    let limit = MAX_COUNTED + 1;
    let sent = ledger::bounded_totals(conn, limit).await?;
    let received: i64 = CountReceived { limit }.get_result(conn).await?;
    let all = sent.recipients + received;
    let any = MessageFilter::default;
    let known = [
        (any(), all),
        (MessageFilter { direction: Some(Direction::Outbound), ..any() }, sent.recipients),
        (MessageFilter { direction: Some(Direction::Inbound), ..any() }, received),
        (MessageFilter { outcome: Some(Outcome::Failed), ..any() }, sent.failed),
        (MessageFilter { outcome: Some(Outcome::Sent), ..any() }, sent.sent),
    ];
    let mut counts = Vec::with_capacity(views.len());
    let mut searched = 0;
    for view in views {
        let is_cheap = view.is_answered_by_index() || all <= MAX_COUNTED;
        let count = match known.iter().find(|(filter, _)| filter == view) {
            Some((_, count)) => Some(*count),
            None if is_cheap && searched < MAX_SEARCHED => {
                searched += 1;
                Some(search::count(conn, view, limit).await?)
            }
            None => None,
        };
        counts.push(count.map(|count| count.min(limit)));
    }
    Ok(counts)
}
