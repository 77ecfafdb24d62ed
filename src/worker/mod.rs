//! The worker: performs jobs and runs periodic work.
