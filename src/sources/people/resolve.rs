//! Finds the people of a batch, and locks and stores what changes about them.
//!
//! Locks are taken in one order: the [advisory lock](LOCK) of keys, numbers, contacts by id,
//! profiles by id. Batches that change which keys name whom hold the first one exclusively: rows
//! with several unique keys have no order in which batches could insert them without deadlocks.

use chrono::{DateTime, Utc};

use super::directory::Directory;
use super::lookup::{self, FoundKey, LockedPeople, find};
use super::store::{ResolvedPeople, start_over, store};
use super::walk::{Need, Walk};
use crate::consent::suppression;
use crate::contacts::RowLock;
use crate::contacts::deletion::ContactsHeld;
use crate::db::advisory_lock::AdvisoryLock;
use crate::error::Result;
use crate::sources::Item;
use crate::types::phone::PhoneNumber;

/// The advisory lock “Carillon KEYS”.
const LOCK: AdvisoryLock = AdvisoryLock::new(0x4341_524b_4559_5300);

/// Finds the people of items, and stores what the items say about them; `found` are those that
/// [`find`] read in this transaction.
pub(in crate::sources) async fn resolve(
    tx: &mut ContactsHeld<'_>,
    items: &[&Item],
    found: &[FoundKey],
    now: DateTime<Utc>,
) -> Result<ResolvedPeople> {
    let draft = Walk::through(items, Directory::of(found, &LockedPeople::default()), now);
    match draft.need {
        Need::Nothing => {
            return Ok(ResolvedPeople { contacts: draft.contacts(), ..ResolvedPeople::default() });
        }
        Need::Fields => LOCK.lock_shared(tx).await?,
        Need::Keys => LOCK.lock_exclusive(tx).await?,
    }
    let numbers = draft.numbers();
    suppression::lock_numbers(tx, &numbers.iter().collect::<Vec<_>>()).await?;
    let found = find(tx, items).await?;
    let row_lock = if numbers.is_empty() { RowLock::ForFields } else { RowLock::ForNumbers };
    let (contact_ids, profile_ids) = draft.touched();
    let locked = lookup::lock(tx, &contact_ids, &profile_ids, row_lock).await?;
    let walk = Walk::through(items, Directory::of(&found, &locked), now);
    let is_unlocked = |number: &PhoneNumber| !numbers.contains(number);
    if walk.need > draft.need || walk.lacks_locks || walk.numbers().iter().any(is_unlocked) {
        return Err(start_over());
    }
    store(tx, &walk).await
}
