//! The set of opt-outs of handsets from numbers and services.

use std::collections::{HashMap, HashSet};

use serde::Serialize;

/// The opted-out handsets by scope; a scope is a number or a service SID.
#[derive(Default)]
pub(super) struct OptOuts(HashMap<String, HashSet<String>>);

/// An opt-out of a handset from a number or a service.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct OptOut {
    /// The number or the service SID that may not text the handset.
    pub scope: String,
    /// The number of the handset.
    pub handset: String,
}

impl OptOuts {
    /// Adds an opt-out; returns false if it exists.
    pub(super) fn add(&mut self, scope: &str, handset: &str) -> bool {
        self.0.entry(scope.to_owned()).or_default().insert(handset.to_owned())
    }

    /// Removes an opt-out; returns false if there is none.
    pub(super) fn remove(&mut self, scope: &str, handset: &str) -> bool {
        self.0.get_mut(scope).is_some_and(|handsets| handsets.remove(handset))
    }

    pub(super) fn contains(&self, scope: &str, handset: &str) -> bool {
        self.0.get(scope).is_some_and(|handsets| handsets.contains(handset))
    }

    /// All opt-outs, sorted by scope and handset.
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
