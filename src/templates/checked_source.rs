//! A template source that contains only what is allowed, with its variables, expressions and
//! fallible sites.

use std::fmt::{Arguments, Write as _};

use super::ast::Expr;
use super::fault::{Fault, Side};
use super::source_position::SourcePosition;
use super::value_kinds::mismatch;
use super::variables::{NO_DEFAULT, Variable};

/// Names of variables in the source for Tera; 32 is plenty for a text of 1,600 characters.
pub(super) const NAMES: [&str; 32] = [
    "v0", "v1", "v2", "v3", "v4", "v5", "v6", "v7", "v8", "v9", "v10", "v11", "v12", "v13", "v14",
    "v15", "v16", "v17", "v18", "v19", "v20", "v21", "v22", "v23", "v24", "v25", "v26", "v27",
    "v28", "v29", "v30", "v31",
];

/// A template source that contains only what is allowed, with its variables, expressions and
/// fallible sites.
#[derive(Debug, Default)]
pub(super) struct CheckedSource {
    /// Source for Tera.
    pub(super) source: String,
    /// Text outside all tags.
    pub(super) fixed: String,
    /// Variables in the order of [`NAMES`].
    pub(super) variables: Vec<Variable>,
    /// In the order of the source.
    pub(super) uses: Vec<Use>,
    /// In the order of the source.
    pub(super) tags: Vec<WrittenTag>,
    /// Fallible sites, by their index in the generated source.
    pub(super) sites: Vec<Site>,
    /// In the order of the source.
    pub(super) expressions: Vec<ExprUse>,
}

/// An expression of the template.
#[derive(Debug)]
pub(super) struct ExprUse {
    pub(super) expr: Expr,
    /// Printed; otherwise it is a condition.
    pub(super) is_printed: bool,
    pub(super) evaluated: Evaluated,
}

/// One use of a variable.
#[derive(Debug)]
pub(super) struct Use {
    /// Index into `variables`.
    pub(super) variable: usize,
    /// Whether `| default(…)` follows, or a test of its presence.
    pub(super) is_guarded: bool,
}

/// A tag of the generated source and its position in the template.
#[derive(Debug)]
pub(super) struct WrittenTag {
    /// Byte offset in the generated source.
    pub(super) start: usize,
    pub(super) position: SourcePosition,
}

impl CheckedSource {
    /// Appends formatted text to the source.
    pub(super) fn write(&mut self, written: Arguments<'_>) {
        // Writing to a String cannot fail.
        let _ = self.source.write_fmt(written);
    }

    /// Returns the variable's index, adding it if it is new; `None` if there are too many.
    pub(super) fn index_of(&mut self, variable: Variable) -> Option<usize> {
        let known = self.variables.iter().position(|known| *known == variable);
        if known.is_none() && self.variables.len() < NAMES.len() {
            self.variables.push(variable);
            return Some(self.variables.len() - 1);
        }
        known
    }

    /// Maps a byte offset in the generated source to a position in the template.
    pub(super) fn position(&self, byte: usize) -> SourcePosition {
        let tag = self.tags.iter().rfind(|tag| tag.start <= byte);
        tag.map_or(SourcePosition { line: 1, column: 1 }, |tag| tag.position)
    }
}

/// A position in the template that can fail when rendered, with the words for the error.
#[derive(Debug)]
pub(super) struct Site {
    pub(super) position: SourcePosition,
    /// The filter or operator: `“/”`.
    pub(super) by: String,
    /// Its left operand: `event.total`.
    pub(super) left: String,
    pub(super) right: String,
    /// Variables without which the operand has no value.
    pub(super) required_variables: Vec<usize>,
}

/// Whether every message evaluates a part of the template, or only those that take some branch of
/// an `if`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Evaluated {
    /// Outside all ifs.
    Always,
    /// Inside an `if`.
    Sometimes,
}

/// The position and description of a fault.
pub(super) fn describe_fault(
    checked: &CheckedSource,
    site: usize,
    fault: &Fault,
) -> (SourcePosition, String) {
    let Some(site) = checked.sites.get(site) else {
        return (SourcePosition { line: 1, column: 1 }, "this can’t be written".to_owned());
    };
    let words = match fault {
        Fault::Missing => format!("{} has no value here, {NO_DEFAULT}", site.left),
        Fault::Kind { side, actual, needed } => mismatch(
            if *side == Side::Left { &site.left } else { &site.right },
            *actual,
            &site.by,
            *needed,
        ),
        Fault::Message(words) if words.contains(&site.by) => words.clone(),
        Fault::Message(words) => format!("{}: {words}", site.by),
    };
    (site.position, words)
}
