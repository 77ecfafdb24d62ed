//! Faults on demand: rules for all handsets or one, for a number of requests or until withdrawn.

use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// A misbehaviour of the carrier network or of Twilio's API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// The message is delivered; overrides a rule with another outcome.
    Deliver,
    /// The carrier reports the message as undelivered.
    Undelivered {
        /// Twilio's error code, e.g. 30003: the handset is off.
        code: u32,
    },
    /// The message fails and is never sent.
    Failed {
        /// Twilio's error code, e.g. 30007: filtered, or 30008: unknown.
        code: u32,
    },
    /// Each status change takes [`slow_hop`](crate::SimulatorOptions::slow_hop).
    Slow,
    /// Status callbacks arrive out of order.
    Shuffle,
    /// Each status callback arrives twice.
    Repeat,
    /// Status callbacks are lost.
    DropCallbacks,
    /// The API refuses the message.
    Refuse {
        /// Twilio's error code, e.g. 21611: the queue is full.
        code: u32,
    },
    /// The API responds with 429 and does not record the message: a retry is safe.
    #[serde(rename = "answer_429")]
    TooManyRequests,
    /// The API responds with 500 and does not record the message.
    #[serde(rename = "answer_500")]
    ServerError,
    /// The API responds with 500, but records and sends the message.
    #[serde(rename = "answer_500_recorded")]
    ServerErrorRecorded,
    /// The API never responds and does not record the message.
    Timeout,
    /// The API never responds, but records and sends the message.
    TimeoutRecorded,
    /// The connection is reset before the message is recorded.
    Reset,
    /// The connection is reset after the message is recorded.
    ResetRecorded,
    /// The request is held until [`release_stalled`](crate::Simulator::release_stalled); then it is
    /// recorded and answered, even if the client has disconnected.
    Stall,
    /// The message is recorded and sent at once, but the response is held until
    /// [`release_stalled`](crate::Simulator::release_stalled).
    StallRecorded,
}

/// How long a rule applies.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Extent {
    /// To all requests, until the rule is withdrawn.
    Always,
    /// To a number of requests, starting with the next one.
    Next(u32),
    /// To each request with a probability; the same seed gives the same sequence.
    Chance {
        /// The probability, from 0 to 1.
        probability: f64,
        /// The seed of the sequence.
        seed: u64,
    },
}

/// Which API requests a fault of the API affects.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reach {
    /// Requests that create a message.
    #[default]
    Sends,
    /// Requests that read or change anything else.
    Reads,
    /// All requests.
    Everything,
}

/// A fault and the requests that it affects.
#[derive(Clone, Debug)]
pub struct Rule {
    /// The fault to apply.
    pub fault: Fault,
    /// The affected handset; `None` means all handsets.
    pub handset: Option<String>,
    /// How long the rule applies.
    pub extent: Extent,
    /// The affected kind of API request.
    pub reach: Reach,
}

impl Rule {
    /// A rule for every message until it is withdrawn.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self { fault, handset: None, extent: Extent::Always, reach: Reach::Sends }
    }

    /// A rule for the next `count` messages.
    #[must_use]
    pub fn next(count: u32, fault: Fault) -> Self {
        Self { extent: Extent::Next(count), ..Self::always(fault) }
    }

    /// A rule that affects each message with a probability; the seed makes it repeatable.
    #[must_use]
    pub fn chance(probability: f64, seed: u64, fault: Fault) -> Self {
        Self { extent: Extent::Chance { probability, seed }, ..Self::always(fault) }
    }

    /// Limits the rule to one handset.
    #[must_use]
    pub fn for_handset(self, number: &str) -> Self {
        Self { handset: Some(number.to_owned()), ..self }
    }

    /// Selects the kind of API request that the rule affects.
    #[must_use]
    pub fn reaching(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }
}

/// The id of an enabled rule, with which it can be withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(pub u64);

/// The part of the processing that a fault affects; faults of different aspects combine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aspect {
    Response,
    Outcome,
    Pace,
    Callbacks,
}

impl Fault {
    /// The part of the processing that the fault affects.
    pub(super) const fn aspect(self) -> Aspect {
        match self {
            Self::Deliver | Self::Undelivered { .. } | Self::Failed { .. } => Aspect::Outcome,
            Self::Slow => Aspect::Pace,
            Self::Shuffle | Self::Repeat | Self::DropCallbacks => Aspect::Callbacks,
            Self::Refuse { .. }
            | Self::TooManyRequests
            | Self::ServerError
            | Self::ServerErrorRecorded
            | Self::Timeout
            | Self::TimeoutRecorded
            | Self::Reset
            | Self::ResetRecorded
            | Self::Stall
            | Self::StallRecorded => Aspect::Response,
        }
    }
}

/// The enabled rules and how often each fault occurred.
#[derive(Default)]
pub(super) struct Faults {
    rules: Vec<Active>,
    last_id: u64,
    /// The number of affected requests, including those of rules that have ended.
    fault_count: HashMap<(Fault, Reach), u64>,
}

struct Active {
    id: RuleId,
    rule: Rule,
    rng: Option<StdRng>,
}

impl Faults {
    /// Enables a rule. A permanent rule replaces the permanent rule of the same aspect, handset and
    /// reach.
    pub(super) fn inject(&mut self, rule: Rule) -> RuleId {
        self.last_id += 1;
        let id = RuleId(self.last_id);
        if rule.extent == Extent::Always {
            self.rules.retain(|active| {
                active.rule.extent != Extent::Always
                    || active.rule.fault.aspect() != rule.fault.aspect()
                    || active.rule.handset != rule.handset
                    || active.rule.reach != rule.reach
            });
            if rule.fault == Fault::Deliver && rule.handset.is_none() {
                return id;
            }
        }
        let rng = match rule.extent {
            Extent::Chance { seed, .. } => Some(StdRng::seed_from_u64(seed)),
            Extent::Always | Extent::Next(_) => None,
        };
        self.rules.push(Active { id, rule, rng });
        id
    }

    /// Disables a rule; returns false if no rule has this id.
    pub(super) fn withdraw(&mut self, id: RuleId) -> bool {
        let before = self.rules.len();
        self.rules.retain(|active| active.id != id);
        before != self.rules.len()
    }

    /// Disables all rules.
    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// How many requests of a kind a fault has affected, including by rules that have ended.
    pub(super) fn fault_count(&self, fault: Fault, reach: Reach) -> u64 {
        self.fault_count.get(&(fault, reach)).copied().unwrap_or(0)
    }

    /// The enabled rules, oldest first.
    pub(super) fn active(&self) -> impl Iterator<Item = (RuleId, &Rule)> {
        self.rules.iter().map(|active| (active.id, &active.rule))
    }

    /// Returns and counts the fault that applies to a message to a handset, if any. Rules for the
    /// handset take precedence over rules for all, newer rules over older ones.
    pub(super) fn next_fault(
        &mut self,
        aspect: Aspect,
        reach: Reach,
        handset: &str,
    ) -> Option<Fault> {
        if self.rules.is_empty() {
            return None;
        }
        for for_handset in [true, false] {
            for index in (0..self.rules.len()).rev() {
                let active = &mut self.rules[index];
                let rule = &mut active.rule;
                let matches_handset = match &rule.handset {
                    Some(number) => for_handset && number == handset,
                    None => !for_handset,
                };
                let matches_request = aspect != Aspect::Response
                    || rule.reach == reach
                    || rule.reach == Reach::Everything;
                if rule.fault.aspect() != aspect || !matches_handset || !matches_request {
                    continue;
                }
                let fault = rule.fault;
                match (&mut rule.extent, &mut active.rng) {
                    (Extent::Next(1), _) => {
                        self.rules.remove(index);
                    }
                    (Extent::Next(count), _) => *count = count.saturating_sub(1),
                    (Extent::Chance { probability, .. }, Some(rng)) => {
                        if !rng.random_bool(probability.clamp(0.0, 1.0)) {
                            continue;
                        }
                    }
                    (Extent::Always | Extent::Chance { .. }, _) => {}
                }
                *self.fault_count.entry((fault, reach)).or_default() += 1;
                return Some(fault);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::{Aspect, Fault, Faults, Reach, Rule};

    fn outcome(faults: &mut Faults, handset: &str) -> Option<Fault> {
        faults.next_fault(Aspect::Outcome, Reach::Sends, handset)
    }

    #[test]
    fn a_rule_for_one_handset_overrides_the_rule_for_all() {
        let mut faults = Faults::default();
        let off = Fault::Undelivered { code: 30003 };
        faults.inject(Rule::always(Fault::Deliver).for_handset("+12065550111"));
        faults.inject(Rule::always(off));
        assert_eq!(outcome(&mut faults, "+12065550111"), Some(Fault::Deliver));
        assert_eq!(outcome(&mut faults, "+12065550112"), Some(off));
    }

    #[test]
    fn a_rule_for_the_next_two_requests_affects_two() {
        let mut faults = Faults::default();
        faults.inject(Rule::next(2, Fault::TooManyRequests));
        let mut next_fault = || faults.next_fault(Aspect::Response, Reach::Sends, "x").is_some();
        assert_eq!([next_fault(), next_fault(), next_fault()], [true, true, false]);
        assert_eq!(faults.fault_count(Fault::TooManyRequests, Reach::Sends), 2);
        assert_eq!(faults.fault_count(Fault::TooManyRequests, Reach::Reads), 0);
    }

    #[test]
    fn the_same_seed_gives_the_same_sequence() {
        let draw = || {
            let mut faults = Faults::default();
            faults.inject(Rule::chance(0.5, 7, Fault::ServerError));
            (0..64)
                .map(|_| faults.next_fault(Aspect::Response, Reach::Sends, "x").is_some())
                .collect::<Vec<_>>()
        };
        let first = draw();
        assert_eq!(first, draw());
        assert!(first.contains(&true) && first.contains(&false));
    }

    #[test]
    fn a_permanent_rule_replaces_the_previous_one_of_its_aspect() {
        let mut faults = Faults::default();
        faults.inject(Rule::always(Fault::Shuffle));
        faults.inject(Rule::always(Fault::Repeat));
        assert_eq!(faults.active().count(), 1);
        faults.inject(Rule::always(Fault::Failed { code: 30007 }));
        faults.inject(Rule::always(Fault::Deliver));
        assert_eq!(faults.active().count(), 1, "delivery is the default and needs no rule");
    }
}
