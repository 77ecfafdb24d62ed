//! The job queue: what may be enqueued, and the one way to enqueue it.
