//! One exchange with Twilio: an answer as it came, or why there is none.

use std::time::Duration;

/// What is known of a request besides its outcome; for logs and attempts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exchange {
    /// Twilio's name for the request (`RQ…`), which its support asks for.
    pub request_id: Option<String>,
    /// How many requests of the account ran at the same time, by Twilio's count.
    pub concurrent_requests: Option<u32>,
    /// From the first byte to the last, connecting included.
    pub duration: Duration,
}

impl Exchange {
    pub(super) fn without_answer(duration: Duration) -> Self {
        Self { duration, ..Self::default() }
    }
}

/// An answer as it came.
pub(super) struct Reply {
    pub body: Vec<u8>,
    pub http_status: u16,
    pub exchange: Exchange,
}

/// Why there is no answer.
pub(super) enum ExchangeError {
    /// The request never left: nothing can have come of it.
    NotSent { why: String, exchange: Exchange },
    /// Its time had passed before it was written: nothing can have come of it.
    TooLate { exchange: Exchange },
    /// The request was, or may have been, written.
    NoAnswer { why: String, exchange: Exchange },
}
