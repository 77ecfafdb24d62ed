//! Where the focus is on the next page of the editor.

use serde::Serialize;

use super::panel::Panel;

/// The element that gets the focus on the next page, so that keyboard users stay in place: a step
/// or field by its name, or a button by its action. Empty means the start of the page.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Focus(String);

impl Focus {
    /// The card of a step.
    pub(super) fn step(index: usize) -> Self {
        Self(format!("steps.{index}"))
    }

    /// The result of the dry run.
    pub(super) fn dry_run() -> Self {
        Self("would-be".to_owned())
    }

    /// The heading of a panel.
    pub(super) fn of_panel(panel: Panel) -> Self {
        Self(panel.to_string())
    }

    /// The panel that contains it; none at the start of the page.
    pub(super) fn panel(&self) -> Option<Panel> {
        Panel::of(&self.0)
    }

    /// The property of a condition.
    pub(super) fn condition(index: usize) -> Self {
        Self(format!("trigger.where.{index}.property"))
    }

    /// The button with this action.
    pub(super) fn button(action: impl Into<String>) -> Self {
        Self(action.into())
    }
}
