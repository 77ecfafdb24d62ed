//! The state of the simulated Twilio: what exists, who opted out, what was sent, what goes wrong.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use chrono::{DateTime, Utc};
use serde::Serialize;

use super::clock::Clock;
use super::faults::Faults;
use super::log::MessageLog;
use super::options::{Account, AccountStatus, Number, NumberKind, Service, SimulatorOptions};

/// How many callbacks and alerts are kept for looking at.
const KEPT: usize = 10_000;

/// Everything that the simulator knows.
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

/// How often what happened since the start or the last reset.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Requests to create a message.
    pub send_requests: u64,
    /// Those that were recorded as a message, whatever the answer was.
    pub recorded: u64,
    /// Those that were refused with a 4xx (but 429).
    pub refused: u64,
    /// Those that met a fault of the API: 429, 500, no answer, a cut connection.
    pub faulted: u64,
    /// Calls of webhooks, repeats included.
    pub callbacks: u64,
    /// Calls of webhooks that got no 2xx.
    pub callbacks_failed: u64,
}

/// One call of a webhook.
#[derive(Clone, Debug, Serialize)]
pub struct CallbackAttempt {
    /// When it was answered or given up.
    pub at: DateTime<Utc>,
    /// The URL that was called, without its fragment.
    pub url: String,
    /// The message that it is about.
    pub message_sid: String,
    /// The status that it reports.
    pub status: &'static str,
    /// 1 for the first try.
    pub attempt: u32,
    /// The same on each try of one callback.
    pub idempotency_token: String,
    /// The HTTP status of the answer.
    pub answer: Option<u16>,
    /// Why there was none.
    pub error: Option<String>,
}

/// One request to create a message, whatever came of it.
#[derive(Clone, Debug)]
pub struct SendRequest {
    /// When it arrived.
    pub at: DateTime<Utc>,
    /// The receiver's number as it was given, without its channel.
    pub to: Box<str>,
    /// Where the statuses were to be reported.
    pub status_callback: Option<Box<str>>,
    /// The SID of the message that it became; none if it was refused or lost.
    pub recorded_as: Option<String>,
}

/// Whose credentials they are.
#[derive(Clone)]
pub(super) struct Credential {
    pub(super) account_sid: Arc<str>,
    pub(super) key: Key,
}

/// What kind of credentials they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Key {
    AuthToken,
    ApiKey,
}

/// Who does not want messages from whom: scopes are numbers or services.
#[derive(Default)]
pub(super) struct OptOuts(HashMap<String, HashSet<String>>);

/// One opt-out.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct OptOut {
    /// The number, or the SID of the service, that may not write.
    pub scope: String,
    /// The handset that does not want it.
    pub handset: String,
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
        world.learn_credentials();
        world
    }

    /// Forgets messages, opt-outs, faults and counts; accounts and webhooks stay.
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

    /// Whose credentials an `Authorization` header carries, and whether that account is active.
    pub(super) fn credential(&self, header: &str) -> Option<(Credential, AccountStatus)> {
        let credential = self.credentials.get(header)?.clone();
        let status = self.account(&credential.account_sid)?.status;
        Some((credential, status))
    }

    /// Changes an account, and what it is known by.
    pub(super) fn change_account(&mut self, sid: &str, change: impl FnOnce(&mut Account)) -> bool {
        let Some(account) = self.accounts.iter_mut().find(|account| account.sid == sid) else {
            return false;
        };
        change(account);
        self.learn_credentials();
        true
    }

    /// Whether a handset has opted out of a number, directly or through its service.
    pub(super) fn blocks_number(&self, phone_number: &str, handset: &str) -> bool {
        self.opt_outs.blocks(phone_number, handset)
            || self
                .service_of(phone_number)
                .is_some_and(|service| self.opt_outs.blocks(&service.sid, handset))
    }

    /// The number of a service that writes to a handset: always the same one.
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

    /// Notes a call of a webhook.
    pub(super) fn note_callback(&mut self, attempt: CallbackAttempt) {
        self.counts.callbacks += 1;
        if !attempt.answer.is_some_and(|status| (200..300).contains(&status)) {
            self.counts.callbacks_failed += 1;
        }
        if self.callbacks.len() == KEPT {
            self.callbacks.pop_front();
        }
        self.callbacks.push_back(attempt);
    }

    /// The last calls of webhooks, oldest first.
    pub(super) fn callbacks(&self) -> impl DoubleEndedIterator<Item = &CallbackAttempt> {
        self.callbacks.iter()
    }

    /// Notes a request to create a message, before anything is decided about it, and returns its
    /// place.
    pub(super) fn note_request(&mut self, to: &str, status_callback: Option<&str>) -> usize {
        let at = self.clock.now();
        self.requests.push(SendRequest {
            at,
            to: to.into(),
            status_callback: status_callback.map(Into::into),
            recorded_as: None,
        });
        self.requests.len() - 1
    }

    /// Notes that a request was recorded as a message; a request from before a reset is forgotten.
    pub(super) fn note_recorded(&mut self, place: usize, sid: String) {
        if let Some(request) = self.requests.get_mut(place) {
            request.recorded_as = Some(sid);
        }
    }

    /// The requests to create a message, in the order in which they arrived.
    pub(super) fn requests(&self) -> &[SendRequest] {
        &self.requests
    }

    fn learn_credentials(&mut self) {
        let header = |user: &str, password: &str| {
            format!("Basic {}", STANDARD.encode(format!("{user}:{password}")))
        };
        self.credentials = HashMap::new();
        for account in &self.accounts {
            let sid: Arc<str> = account.sid.as_str().into();
            let credential = |key| Credential { account_sid: Arc::clone(&sid), key };
            for token in std::iter::once(&account.auth_token).chain(&account.secondary_auth_token) {
                self.credentials.insert(header(&account.sid, token), credential(Key::AuthToken));
            }
            for key in &account.api_keys {
                self.credentials.insert(header(&key.sid, &key.secret), credential(Key::ApiKey));
            }
        }
    }
}

impl OptOuts {
    pub(super) fn block(&mut self, scope: &str, handset: &str) -> Changed {
        let new = self.0.entry(scope.to_owned()).or_default().insert(handset.to_owned());
        if new { Changed::Yes } else { Changed::No }
    }

    pub(super) fn lift(&mut self, scope: &str, handset: &str) -> Changed {
        let was = self.0.get_mut(scope).is_some_and(|handsets| handsets.remove(handset));
        if was { Changed::Yes } else { Changed::No }
    }

    pub(super) fn blocks(&self, scope: &str, handset: &str) -> bool {
        self.0.get(scope).is_some_and(|handsets| handsets.contains(handset))
    }

    /// All opt-outs in order.
    pub(super) fn list(&self) -> Vec<OptOut> {
        let mut all: Vec<_> = self
            .0
            .iter()
            .flat_map(|(scope, handsets)| {
                handsets
                    .iter()
                    .map(|handset| OptOut { scope: scope.clone(), handset: handset.clone() })
            })
            .collect();
        all.sort();
        all
    }
}

/// Whether an opt-out or its lifting made a difference.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Changed {
    Yes,
    No,
}
