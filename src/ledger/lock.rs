//! The lock of the ledger, under which buckets move.

use crate::db::advisory_lock::AdvisoryLock;
use crate::db::{Begun, Tx};
use crate::error::Result;

/// The advisory lock “Carillon LEDG”, which transactions that move buckets hold exclusively, so
/// that changes are folded into days of the ledger's time zone.
const LEDGER_LOCK: AdvisoryLock = AdvisoryLock::new(0x4341_524c_4544_4700);

/// Locks the ledger against other transactions that move buckets, until this one ends.
pub(super) async fn lock(tx: Begun<'_>) -> Result<Tx<'_>> {
    let mut tx = tx.open();
    LEDGER_LOCK.lock_exclusive(&mut tx).await?;
    Ok(tx)
}
