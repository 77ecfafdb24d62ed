//! The state of the simulated Twilio: accounts, numbers, services, messages, opt-outs and faults.

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::clock::Clock;
use super::faults::Faults;
use super::message_log::MessageLog;
use super::opt_outs::OptOuts;
use super::options::SimulatorOptions;
use super::resources::{Account, AccountStatus, Number, NumberKind, Service};

/// The maximum number of webhook calls in the log.
const MAX_CALLBACKS: usize = 10_000;

/// The state of the simulator.
pub(super) struct World {
    pub(super) accounts: Vec<Account>,
    pub(super) numbers: Vec<Number>,
    pub(super) services: Vec<Service>,
    pub(super) log: MessageLog,
    pub(super) opt_outs: OptOuts,
    pub(super) faults: Faults,
    pub(super) counts: Counts,
    pub(super) clock: Clock,
    callbacks: VecDeque<CallbackAttempt>,
    requests: Vec<SendRequest>,
    credentials: HashMap<String, Credential>,
}

/// The counters since the start or the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests to create a message.
    pub send_requests: u64,
    /// Requests that were recorded as a message, regardless of the response.
    pub recorded: u64,
    /// Requests that were refused with a 4xx status other than 429.
    pub refused: u64,
    /// Requests that a fault of the API affected: 429, 500, no response, a closed connection.
    pub faulted: u64,
    /// Webhook calls, retries included.
    pub callbacks: u64,
    /// Webhook calls without a 2xx response.
    pub callbacks_failed: u64,
}

/// An attempt to call a webhook.
#[derive(Clone, Debug, Serialize)]
pub struct CallbackAttempt {
    /// When the response arrived or the attempt failed.
    pub at: DateTime<Utc>,
    /// The called URL, without its fragment.
    pub url: String,
    /// The SID of the reported message.
    pub message_sid: String,
    /// The reported status.
    pub status: &'static str,
    /// The number of the attempt, starting at 1.
    pub attempt: u32,
    /// The idempotency token, identical for all attempts of one callback.
    pub idempotency_token: String,
    /// The HTTP status of the response.
    pub answer: Option<u16>,
    /// Why there was no response.
    pub error: Option<String>,
}

/// A request to create a message, regardless of its result.
#[derive(Clone, Debug)]
pub struct SendRequest {
    /// When the request arrived.
    pub at: DateTime<Utc>,
    /// The recipient's number as in the request, without the channel prefix.
    pub to: Box<str>,
    /// The status callback URL of the request.
    pub status_callback: Option<Box<str>>,
    /// The SID of the recorded message; `None` if the request was refused or lost.
    pub recorded_as: Option<String>,
}

/// The account and kind of a pair of credentials.
#[derive(Clone)]
pub(super) struct Credential {
    pub(super) account_sid: Arc<str>,
    pub(super) kind: CredentialKind,
}

/// The kinds of credentials.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CredentialKind {
    AuthToken,
    ApiKey,
}

impl World {
    pub(super) fn new(options: &SimulatorOptions) -> Self {
        let mut world = Self {
            accounts: options.accounts.clone(),
            numbers: options.numbers.clone(),
            services: options.services.clone(),
            log: MessageLog::default(),
            opt_outs: OptOuts::default(),
            faults: Faults::default(),
            counts: Counts::default(),
            clock: options.clock.clone(),
            callbacks: VecDeque::new(),
            requests: Vec::new(),
            credentials: HashMap::new(),
        };
        world.index_credentials();
        world
    }

    /// Deletes messages, opt-outs, faults and counts; accounts and webhooks remain.
    pub(super) fn reset(&mut self) {
        self.log.clear();
        self.opt_outs = OptOuts::default();
        self.faults = Faults::default();
        self.counts = Counts::default();
        self.callbacks.clear();
        self.requests.clear();
    }

    pub(super) fn account(&self, sid: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.sid == sid)
    }

    pub(super) fn number(&self, phone_number: &str) -> Option<&Number> {
        self.numbers.iter().find(|number| number.phone_number == phone_number)
    }

    pub(super) fn service(&self, sid: &str) -> Option<&Service> {
        self.services.iter().find(|service| service.sid == sid)
    }

    /// The service whose pool a number is in.
    pub(super) fn service_of(&self, phone_number: &str) -> Option<&Service> {
        self.services
            .iter()
            .find(|service| service.numbers.iter().any(|number| number == phone_number))
    }

    /// The credentials in an `Authorization` header, and the status of their account.
    pub(super) fn credential(&self, header: &str) -> Option<(Credential, AccountStatus)> {
        let credential = self.credentials.get(header)?.clone();
        let status = self.account(&credential.account_sid)?.status;
        Some((credential, status))
    }

    /// Changes an account and updates the credential index; returns false if it is unknown.
    pub(super) fn change_account(&mut self, sid: &str, change: impl FnOnce(&mut Account)) -> bool {
        let Some(account) = self.accounts.iter_mut().find(|account| account.sid == sid) else {
            return false;
        };
        change(account);
        self.index_credentials();
        true
    }

    /// Whether a handset has opted out of a number, directly or through its service.
    pub(super) fn blocks_number(&self, phone_number: &str, handset: &str) -> bool {
        self.opt_outs.contains(phone_number, handset)
            || self
                .service_of(phone_number)
                .is_some_and(|service| self.opt_outs.contains(&service.sid, handset))
    }

    /// The number of a service that texts a handset: always the same one (Twilio's sticky sender).
    pub(super) fn choose_sender(&self, service: &Service, handset: &str) -> Option<&Number> {
        let pool: Vec<_> = service
            .numbers
            .iter()
            .filter_map(|number| self.number(number))
            .filter(|number| number.capabilities.sms && number.kind != NumberKind::WhatsApp)
            .collect();
        let sum = handset
            .bytes()
            .fold(0_usize, |sum, byte| sum.wrapping_mul(31).wrapping_add(usize::from(byte)));
        pool.get(sum.checked_rem(pool.len())?).copied()
    }

    /// Records a webhook call.
    pub(super) fn record_callback(&mut self, attempt: CallbackAttempt) {
        self.counts.callbacks += 1;
        if !attempt.answer.is_some_and(|status| (200..300).contains(&status)) {
            self.counts.callbacks_failed += 1;
        }
        if self.callbacks.len() == MAX_CALLBACKS {
            self.callbacks.pop_front();
        }
        self.callbacks.push_back(attempt);
    }

    /// The last [`MAX_CALLBACKS`] webhook calls, oldest first.
    pub(super) fn callbacks(&self) -> impl DoubleEndedIterator<Item = &CallbackAttempt> {
        self.callbacks.iter()
    }

    /// Records a request to create a message before it is validated, and returns its index.
    pub(super) fn record_request(&mut self, to: &str, status_callback: Option<&str>) -> usize {
        let at = self.clock.now();
        self.requests.push(SendRequest {
            at,
            to: to.into(),
            status_callback: status_callback.map(Into::into),
            recorded_as: None,
        });
        self.requests.len() - 1
    }

    /// Stores the SID of the message that a request created; ignores requests from before a reset.
    pub(super) fn record_message_sid(&mut self, index: usize, sid: String) {
        if let Some(request) = self.requests.get_mut(index) {
            request.recorded_as = Some(sid);
        }
    }

    /// The requests to create a message, in order of arrival.
    pub(super) fn requests(&self) -> &[SendRequest] {
        &self.requests
    }

    fn index_credentials(&mut self) {
        let header = |user: &str, password: &str| {
            format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
        };
        self.credentials = HashMap::new();
        for account in &self.accounts {
            let sid: Arc<str> = account.sid.as_str().into();
            let credential = |kind| Credential { account_sid: Arc::clone(&sid), kind };
            for token in std::iter::once(&account.auth_token).chain(&account.secondary_auth_token) {
                self.credentials
                    .insert(header(&account.sid, token), credential(CredentialKind::AuthToken));
            }
            for key in &account.api_keys {
                self.credentials
                    .insert(header(&key.sid, &key.secret), credential(CredentialKind::ApiKey));
            }
        }
    }
}
