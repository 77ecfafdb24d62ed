//! A source that holds only what is allowed, with what is known about it.

use std::fmt::{Arguments, Write as _};

use super::ast::Expr;
use super::fault::{Fault, Side};
use super::kinds::mismatch;
use super::place::Place;
use super::variables::{NO_DEFAULT, Variable};

/// As many different variables as a text of 1,600 characters can sensibly have.
pub(super) const NAMES: [&str; 32] = [
    "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
    "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27",
    "v28", "v29", "v30", "v31",
];

/// A source that holds only what is allowed, with what is known about it.
#[derive(Debug, Default)]
pub(super) struct Checked {
    /// For Tera.
    pub(super) source: String,
    /// The text outside all tags.
    pub(super) fixed: String,
    /// In the order of [`NAMES`].
    pub(super) variables: Vec<Variable>,
    /// In the order of the source.
    pub(super) uses: Vec<Use>,
    /// In the order of the source.
    pub(super) tags: Vec<WrittenTag>,
    /// What can fail, by the number that it has in the source.
    pub(super) sites: Vec<Site>,
    /// In the order of the source.
    pub(super) expressions: Vec<Found>,
}

/// An expression of the template.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) expr: Expr,
    /// Printed, or else a condition.
    pub(super) is_printed: bool,
    pub(super) reach: Reach,
}

/// One place where a variable is named.
#[derive(Debug)]
pub(super) struct Use {
    /// Index into `variables`.
    pub(super) variable: usize,
    /// Whether `| default(…)` follows, or its presence is what is asked for.
    pub(super) is_guarded: bool,
}

/// A tag of the written source, and where the person wrote it.
#[derive(Debug)]
pub(super) struct WrittenTag {
    /// Where it begins, in bytes of the written source.
    pub(super) start: usize,
    pub(super) place: Place,
}

impl Checked {
    /// Appends to the source.
    pub(super) fn write(&mut self, written: Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.source.write_fmt(written);
    }

    /// The variable's index, the same each time that it is named; `None` when there are too many.
    pub(super) fn index_of(&mut self, variable: Variable) -> Option<usize> {
        let known = self.variables.iter().position(|known| *known == variable);
        if known.is_none() && self.variables.len() < NAMES.len() {
            self.variables.push(variable);
            return Some(self.variables.len() - 1);
        }
        known
    }

    /// Where the person wrote what stands at this byte of the written source.
    pub(super) fn place(&self, byte: usize) -> Place {
        let tag = self.tags.iter().rfind(|tag| tag.start <= byte);
        tag.map_or(Place { line: 1, column: 1 }, |tag| tag.place)
    }
}

/// A place of the template that can fail when it is rendered, with what there is to say about it.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) place: Place,
    /// The filter or operator: `“/”`.
    pub(super) by: String,
    /// What stands left of it: `event.total`.
    pub(super) left: String,
    pub(super) right: String,
    /// The variables of which one without a value leaves nothing to work with.
    pub(super) needs: Vec<usize>,
}

/// Whether every message comes by a place of the template, or only those for which an if goes that
/// way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It stands outside all ifs.
    Always,
    /// It stands inside an if.
    Sometimes,
}

/// What went wrong, and where.
pub(super) fn sentence(checked: &Checked, site: usize, fault: &Fault) -> (Place, String) {
    let Some(site) = checked.sites.get(site) else {
        return (Place { line: 1, column: 1 }, "this cannot be written".to_owned());
    };
    let words = match fault {
        Fault::Missing => format!("{} has no value here, {NO_DEFAULT}", site.left),
        Fault::Kind { side, actual, needed } => mismatch(
            if *side == Side::Left { &site.left } else { &site.right },
            *actual,
            &site.by,
            *needed,
        ),
        Fault::Said(words) if words.contains(&site.by) => words.clone(),
        Fault::Said(words) => format!("{}: {words}", site.by),
    };
    (site.place, words)
}
