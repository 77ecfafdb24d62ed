//! The ledger: how many messages have which [`Outcome`](outcome::Outcome), by day, automation and
//! sender; exact at any moment, and fast at any size.
//!
//! Triggers on `messages` append the changes of each statement to `ledger_changes`, in the same
//! transaction and by inserts alone, so that no statement can bypass them and none waits for a
//! shared counter. [`fold()`] sums the changes up into `ledger`; [`read()`] adds both.
//! [`mod@check`] compares the ledger with the messages themselves. Days are those of the
//! organization's time zone ([`zone_change`]).
//!
//! Start with [`LedgerFilter`] and [`read()`].

mod bounded_totals;
mod cause;
mod check;
mod counts;
mod days;
pub mod days_input;
mod filter;
mod fold;
mod lock;
pub mod newest_day;
pub mod outcome;
mod pending_by_sender;
pub mod prices;
mod read;
mod share;
mod zone_change;

pub use bounded_totals::{BoundedTotals, bounded_totals};
pub use cause::Cause;
pub use check::{Difference, check, correct};
pub use counts::Counts;
pub(crate) use days::Calendar;
pub use days::{Days, DaysError};
pub use filter::{LedgerFilter, MessageOrigin};
pub use fold::{FOLD_LIMIT, fold, fold_each};
pub use pending_by_sender::pending_by_sender;
pub use read::{Grouping, Ledger, LedgerKey, LedgerRow, has_any, read};
pub use share::Share;
pub use zone_change::{INLINE_RECOUNT_LIMIT, ZoneChange, follow_zone};
