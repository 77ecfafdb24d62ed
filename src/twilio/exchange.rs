//! An HTTP exchange with Twilio: the response, or why there is none.

use std::time::Duration;

/// Metadata of a request, for logs and attempts.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Exchange {
    /// Twilio's id of the request (`RQ…`), for its support.
    pub request_id: Option<String>,
    /// Number of concurrent requests of the account, as counted by Twilio.
    pub concurrent_requests: Option<u32>,
    /// Duration up to the last byte, including connecting.
    pub duration: Duration,
}

impl Exchange {
    pub(super) fn without_answer(duration: Duration) -> Self {
        Self { duration, ..Self::default() }
    }
}

/// A response of any status.
pub(super) struct Reply {
    pub body: Vec<u8>,
    pub http_status: u16,
    pub exchange: Exchange,
}

/// Why an exchange has no response.
pub(super) enum ExchangeError {
    /// The request was not sent, so it has no effect.
    NotSent { why: String, exchange: Exchange },
    /// The deadline had passed before the request was written, so it has no effect.
    TooLate { exchange: Exchange },
    /// The request was, or may have been, sent.
    NoAnswer { why: String, exchange: Exchange },
}
