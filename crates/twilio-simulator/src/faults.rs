//! What the network does wrong on purpose: rules for all handsets or for one, for some requests or
//! until withdrawn.

use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use serde::{Deserialize, Serialize};

/// One thing that the network, or Twilio itself, does to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// The message arrives. Overrides another outcome.
    Deliver,
    /// The carrier reports that the message did not arrive, with this code.
    Undelivered {
        /// E.g. 30003, the handset is off.
        code: u32,
    },
    /// The message is never sent, with this code.
    Failed {
        /// E.g. 30007, filtered, or 30008, unknown.
        code: u32,
    },
    /// Every step takes long.
    Slow,
    /// Status callbacks come out of order.
    Shuffle,
    /// Each status callback comes twice.
    Repeat,
    /// Status callbacks are lost.
    DropCallbacks,
    /// The API refuses the message with this code.
    Refuse {
        /// E.g. 21611, the queue is full.
        code: u32,
    },
    /// The API answers 429: not recorded, safe to repeat.
    #[serde(rename = "answer_429")]
    TooManyRequests,
    /// The API answers 500 and has not recorded the message.
    #[serde(rename = "answer_500")]
    ServerError,
    /// The API answers 500, yet has recorded the message and sends it.
    #[serde(rename = "answer_500_recorded")]
    ServerErrorRecorded,
    /// The API never answers and has not recorded the message.
    Timeout,
    /// The API never answers, yet has recorded the message and sends it.
    TimeoutRecorded,
    /// The connection is cut before anything is recorded.
    Reset,
    /// The connection is cut after the message is recorded.
    ResetRecorded,
    /// The request is stuck on its way until the simulator lets go; then it is recorded and
    /// answered, even if its caller has given up.
    Stall,
    /// The message is recorded and sent at once; the answer is stuck until the simulator lets go.
    StallRecorded,
}

/// A fault, whom it meets, and for how long.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub enum Extent {
    /// Until it is withdrawn.
    Always,
    /// The next requests, this many.
    Next(u32),
    /// Each request with this probability; the same seed gives the same sequence.
    Chance {
        /// From 0 to 1.
        probability: f64,
        /// Where the sequence starts.
        seed: u64,
    },
}

/// Which requests a fault of the API meets.
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

/// A fault that is switched on.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What happens.
    pub fault: Fault,
    /// The handset that it happens to; `None` is all of them.
    pub handset: Option<String>,
    /// For how long.
    pub extent: Extent,
    /// To which requests.
    pub reach: Reach,
}

impl Rule {
    /// A fault for every message until it is withdrawn.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self { fault, handset: None, extent: Extent::Always, reach: Reach::Sends }
    }

    /// A fault for the next messages, this many.
    #[must_use]
    pub fn next(count: u32, fault: Fault) -> Self {
        Self { extent: Extent::Next(count), ..Self::always(fault) }
    }

    /// A fault that each message meets with a probability, in a sequence that the seed decides.
    #[must_use]
    pub fn chance(probability: f64, seed: u64, fault: Fault) -> Self {
        Self { extent: Extent::Chance { probability, seed }, ..Self::always(fault) }
    }

    /// Limits the fault to one handset.
    #[must_use]
    pub fn for_handset(self, number: &str) -> Self {
        Self { handset: Some(number.to_owned()), ..self }
    }

    /// Chooses the requests that the fault meets.
    #[must_use]
    pub fn reaching(self, reach: Reach) -> Self {
        Self { reach, ..self }
    }
}

/// Names a rule, so that it can be withdrawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RuleId(pub u64);

/// The side of the network that a fault concerns; faults of different aspects work together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Aspect {
    Answer,
    Outcome,
    Pace,
    Callbacks,
}

impl Fault {
    /// The side of the network that it concerns.
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
            | Self::StallRecorded => Aspect::Answer,
        }
    }
}

/// The rules that are switched on.
#[derive(Default)]
pub(super) struct Faults {
    rules: Vec<Active>,
    last_id: u64,
    /// How many requests met what; it outlives the rules.
    met: HashMap<(Fault, Reach), u64>,
}

struct Active {
    id: RuleId,
    rule: Rule,
    rng: Option<StdRng>,
}

impl Faults {
    /// Switches a rule on; one that lasts replaces the lasting one of the same aspect and handset.
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

    /// Switches a rule off; false when there is none of this name.
    pub(super) fn withdraw(&mut self, id: RuleId) -> bool {
        let before = self.rules.len();
        self.rules.retain(|active| active.id != id);
        before != self.rules.len()
    }

    /// Switches everything off.
    pub(super) fn clear(&mut self) {
        self.rules.clear();
    }

    /// How many requests of this kind have met a fault, also one that is off by now.
    pub(super) fn met(&self, fault: Fault, reach: Reach) -> u64 {
        self.met.get(&(fault, reach)).copied().unwrap_or(0)
    }

    /// What is switched on, in the order in which it was.
    pub(super) fn active(&self) -> impl Iterator<Item = (RuleId, &Rule)> {
        self.rules.iter().map(|active| (active.id, &active.rule))
    }

    /// The fault that a message to this handset meets, if any; counts it. Rules for the handset
    /// come first, then the newest.
    pub(super) fn meet(&mut self, aspect: Aspect, reach: Reach, handset: &str) -> Option<Fault> {
        if self.rules.is_empty() {
            return None;
        }
        for own in [true, false] {
            for index in (0..self.rules.len()).rev() {
                let active = &mut self.rules[index];
                let rule = &mut active.rule;
                let meets_handset = match &rule.handset {
                    Some(number) => own && number == handset,
                    None => !own,
                };
                let meets_request = aspect != Aspect::Answer
                    || rule.reach == reach
                    || rule.reach == Reach::Everything;
                if rule.fault.aspect() != aspect || !meets_handset || !meets_request {
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
                *self.met.entry((fault, reach)).or_default() += 1;
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
        faults.meet(Aspect::Outcome, Reach::Sends, handset)
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
    fn the_next_two_means_two() {
        let mut faults = Faults::default();
        faults.inject(Rule::next(2, Fault::TooManyRequests));
        let mut meet = || faults.meet(Aspect::Answer, Reach::Sends, "x").is_some();
        assert_eq!([meet(), meet(), meet()], [true, true, false]);
        assert_eq!(faults.met(Fault::TooManyRequests, Reach::Sends), 2);
        assert_eq!(faults.met(Fault::TooManyRequests, Reach::Reads), 0);
    }

    #[test]
    fn a_chance_is_the_same_for_the_same_seed() {
        let draw = || {
            let mut faults = Faults::default();
            faults.inject(Rule::chance(0.5, 7, Fault::ServerError));
            (0..64)
                .map(|_| faults.meet(Aspect::Answer, Reach::Sends, "x").is_some())
                .collect::<Vec<_>>()
        };
        let first = draw();
        assert_eq!(first, draw());
        assert!(first.contains(&true) && first.contains(&false));
    }

    #[test]
    fn a_lasting_rule_replaces_the_last_one_of_its_kind() {
        let mut faults = Faults::default();
        faults.inject(Rule::always(Fault::Shuffle));
        faults.inject(Rule::always(Fault::Repeat));
        assert_eq!(faults.active().count(), 1);
        faults.inject(Rule::always(Fault::Failed { code: 30007 }));
        faults.inject(Rule::always(Fault::Deliver));
        assert_eq!(faults.active().count(), 1, "delivering is the default and needs no rule");
    }
}
