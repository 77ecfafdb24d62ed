//! The part of the editor that its side panel shows.

use std::fmt;

use serde::{Serialize, Serializer};

use crate::error::FieldErrors;

/// What the panel shows. As text, in fields and buttons: `none`, `trigger`, `steps.2` or `try`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Panel {
    /// Nothing: the flow has the whole page.
    #[default]
    Closed,
    /// The fields of the trigger.
    Trigger,
    /// The fields of the step with this index.
    Step(usize),
    /// The dry run.
    DryRun,
}

impl Panel {
    /// Reads a panel from its text, or from the name of a field or button that it contains.
    pub(super) fn of(name: &str) -> Option<Self> {
        let (first, rest) = name.split_once('.').unwrap_or((name, ""));
        let index = rest.split('.').next().and_then(|index| index.parse().ok());
        match (first, index) {
            ("none", _) => Some(Self::Closed),
            ("trigger" | "add_condition", _) => Some(Self::Trigger),
            ("try" | "would-be", _) => Some(Self::DryRun),
            ("steps" | "up" | "down", Some(index)) => Some(Self::Step(index)),
            _ => None,
        }
    }

    /// The panel with the first field that has an error, in the order of the page.
    pub(super) fn of_first_error(errors: &FieldErrors) -> Option<Self> {
        let order = |panel: &Self| match panel {
            Self::Closed | Self::Trigger => 0,
            Self::Step(index) => index + 1,
            Self::DryRun => usize::MAX,
        };
        errors.iter().filter_map(|(field, _)| Self::of(field)).min_by_key(order)
    }

    /// Closes a panel whose step does not exist.
    pub(super) fn within(self, steps: usize) -> Self {
        match self {
            Self::Step(index) if index >= steps => Self::Closed,
            other => other,
        }
    }
}

impl fmt::Display for Panel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => f.write_str("none"),
            Self::Trigger => f.write_str("trigger"),
            Self::Step(index) => write!(f, "steps.{index}"),
            Self::DryRun => f.write_str("try"),
        }
    }
}

impl Serialize for Panel {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panel_is_read_from_what_it_contains() {
        for panel in [Panel::Closed, Panel::Trigger, Panel::Step(12), Panel::DryRun] {
            assert_eq!(Panel::of(&panel.to_string()), Some(panel));
        }
        assert_eq!(Panel::of("steps.3.template_id"), Some(Panel::Step(3)));
        assert_eq!(Panel::of("trigger.where.0.value"), Some(Panel::Trigger));
        assert_eq!(Panel::of("up.1"), Some(Panel::Step(1)));
        assert_eq!(Panel::of("name"), None);
        assert_eq!(Panel::Step(2).within(2), Panel::Closed);
    }

    #[test]
    fn the_first_error_of_the_page_opens_its_panel() {
        let errors = FieldErrors::default().with("steps.10.type", "A.").with("steps.2.type", "B.");
        assert_eq!(Panel::of_first_error(&errors), Some(Panel::Step(2)));
        let errors = errors.with("trigger.name", "C.").with("form", "D.");
        assert_eq!(Panel::of_first_error(&errors), Some(Panel::Trigger));
    }
}
