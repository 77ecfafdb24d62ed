//! How much a worker does at once.

/// How many jobs are leased and done together at most.
pub(super) const BATCH: usize = 256;

/// How many batches of enrollments are advanced at the same time at most: what they send should
/// find room at Twilio when they commit.
pub(super) const ADVANCES: usize = 2;
