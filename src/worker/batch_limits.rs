//! Batch limits: how many jobs a worker takes at once, and how many batches.

/// How many jobs one batch has at most.
pub(super) const BATCH: usize = 256;

/// How many batches of enrollments advance at the same time at most: their sends should find
/// capacity at Twilio when they commit.
pub(super) const MAX_ADVANCING_BATCHES: usize = 2;
