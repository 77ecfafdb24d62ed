//! The result of one check of *Check now*, with advice unless it passed.

use serde::{Deserialize, Serialize};

use super::problem::Problem;
use crate::types::text_enum::text_enum;

/// The title of the check of the keys.
pub(super) const KEYS_TITLE: &str = "Keys";

/// The result of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// What was checked.
    pub title: String,
    /// Whether the check passed.
    pub outcome: CheckOutcome,
    /// Result in a sentence.
    pub detail: String,
    /// What to do; `None` if no action is needed.
    pub advice: Option<String>,
    /// A page with more information.
    #[serde(default)]
    pub link: Option<String>,
    /// Where in Carillon the problem is repaired, if there is a specific place. Stored checks and
    /// templates call it `mend`.
    #[serde(default, rename = "mend")]
    pub repair_place: Option<RepairPlace>,
}

text_enum! {
    /// Where in Carillon the cause of a failed check is repaired.
    pub enum RepairPlace {
        /// The form that replaces the keys.
        Keys = "keys",
        /// The button that sets the inbound webhook.
        Webhook = "webhook",
        /// The webhook test, which the user repeats once the cause is removed.
        Test = "test",
    }
}

text_enum! {
    /// Outcome of a check.
    pub enum CheckOutcome {
        /// Works as expected.
        Passed = "passed",
        /// Works, but could be improved.
        Warning = "warning",
        /// Does not work.
        Failed = "failed",
    }
}

impl Check {
    /// A check that passed.
    pub fn passed(title: impl Into<String>, detail: impl Into<String>) -> Self {
        Self {
            title: title.into(),
            outcome: CheckOutcome::Passed,
            detail: detail.into(),
            advice: None,
            link: None,
            repair_place: None,
        }
    }

    /// A check of something that works but could be improved.
    pub fn warning(
        title: impl Into<String>,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            outcome: CheckOutcome::Warning,
            advice: Some(advice.into()),
            ..Self::passed(title, detail)
        }
    }

    /// A check of something that does not work.
    pub fn failed(
        title: impl Into<String>,
        detail: impl Into<String>,
        advice: impl Into<String>,
    ) -> Self {
        Self {
            outcome: CheckOutcome::Failed,
            advice: Some(advice.into()),
            ..Self::passed(title, detail)
        }
    }

    /// Adds a link to a page with more information.
    #[must_use]
    pub fn with_link(self, link: &str) -> Self {
        Self { link: Some(link.to_owned()), ..self }
    }

    /// Adds the place in Carillon where the problem is repaired.
    #[must_use]
    pub fn with_repair_place(self, place: RepairPlace) -> Self {
        Self { repair_place: Some(place), ..self }
    }

    /// The failed check for saved keys that cannot be unsealed.
    pub fn unreadable_keys(reason: impl Into<String>) -> Self {
        Self::failed(KEYS_TITLE, reason, "Replace the connection’s keys.")
            .with_repair_place(RepairPlace::Keys)
    }

    /// Whether the check failed.
    #[must_use]
    pub fn has_failed(&self) -> bool {
        self.outcome == CheckOutcome::Failed
    }

    /// The failed check for a [`Problem`].
    pub fn problem(title: impl Into<String>, problem: &Problem) -> Self {
        Self::failed(title, problem.sentence(), problem.advice())
    }
}
