//! The facts beside the conversation with a contact: reach, consent, automations and attributes.

use chrono::{DateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::timeline;
use crate::automations::{Enrollment, EnrollmentStatus};
use crate::consent::{ConsentChange, ConsentRecord, Reason, Suppression};
use crate::types::id::{AutomationId, EnrollmentId};

/// The largest number of attributes that are shown unfolded.
const MAX_ATTRIBUTES: usize = 8;

/// Which kinds of suppression are active.
#[derive(Debug, Serialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "several may hold at once, and the page says something of each"
)]
pub(super) struct SuppressionKinds {
    /// The contact opted out, by keyword or as known to Twilio.
    opted_out: bool,
    /// An opt-out was detected in the contact's words.
    read: bool,
    /// A user suppressed the number, or the network does not deliver to it.
    by_us: bool,
    /// A user suppressed the number.
    by_hand: bool,
}

/// An active suppression.
#[derive(Debug, Serialize)]
pub(super) struct ActiveSuppression {
    label: &'static str,
    meaning: &'static str,
    since: DateTime<Utc>,
}

/// The evidence of a change of consent.
#[derive(Debug, Serialize)]
pub(super) struct EvidenceLine {
    pub(super) words: String,
    pub(super) at: DateTime<Utc>,
    pub(super) link: Option<String>,
    /// Whether it suppressed the number, or lifted a suppression.
    pub(super) suppressed: bool,
}

/// An automation that the contact is or was in.
#[derive(Debug, Serialize)]
pub(super) struct EnrollmentLine {
    pub(super) id: EnrollmentId,
    pub(super) automation_id: AutomationId,
    pub(super) automation: String,
    pub(super) status: EnrollmentStatus,
    /// Until when it waits, or when it ended; none while it runs.
    pub(super) at: Option<DateTime<Utc>>,
    /// Why it failed.
    pub(super) reason: Option<String>,
}

/// A custom attribute.
#[derive(Debug, Serialize)]
pub(super) struct AttributeLine {
    name: String,
    value: Value,
}

/// The attributes: the first simple ones, and those that are folded away.
#[derive(Debug, Serialize)]
pub(super) struct AttributeLines {
    shown: Vec<AttributeLine>,
    folded: Vec<AttributeLine>,
}

impl SuppressionKinds {
    pub(super) fn of(active: &[Suppression]) -> Self {
        let any = |holds: fn(&Suppression) -> bool| active.iter().any(holds);
        Self {
            opted_out: any(|held| held.reason.is_opt_out() && !held.by_wording),
            read: any(|held| held.by_wording),
            by_us: any(|held| !held.reason.is_opt_out()),
            by_hand: any(|held| held.reason == Reason::Manual),
        }
    }
}

impl ActiveSuppression {
    pub(super) fn of(suppression: &Suppression) -> Self {
        Self {
            label: suppression.label(),
            meaning: suppression.meaning(),
            since: suppression.since,
        }
    }
}

impl EvidenceLine {
    pub(super) fn of(record: &ConsentRecord) -> Self {
        Self {
            words: record.sentence(),
            at: record.recorded_at,
            link: timeline::evidence_path(record),
            suppressed: record.change == ConsentChange::Suppressed,
        }
    }
}

impl EnrollmentLine {
    /// The lines of a contact's enrollments, those that still run first.
    pub(super) fn all(found: Vec<(Enrollment, String)>, now: DateTime<Utc>) -> Vec<Self> {
        let mut lines: Vec<Self> = found
            .into_iter()
            .map(|(enrollment, automation)| Self::of(enrollment, automation, now))
            .collect();
        lines.sort_by_key(|line| line.status != EnrollmentStatus::Active);
        lines
    }

    fn of(enrollment: Enrollment, automation: String, now: DateTime<Utc>) -> Self {
        let waits_until = Some(enrollment.due_at).filter(|due_at| *due_at > now);
        Self {
            id: enrollment.id,
            automation_id: enrollment.automation_id,
            automation,
            status: enrollment.status,
            at: enrollment.finished_at.or(waits_until),
            reason: enrollment.reason,
        }
    }
}

impl AttributeLines {
    /// Sorts the attributes by name, since templates iterate over objects in no particular order.
    pub(super) fn of(attributes: Value) -> Self {
        let Value::Object(attributes) = attributes else {
            return Self { shown: Vec::new(), folded: Vec::new() };
        };
        let mut all: Vec<_> =
            attributes.into_iter().map(|(name, value)| AttributeLine { name, value }).collect();
        all.sort_by(|left, right| left.name.cmp(&right.name));
        let (mut shown, mut folded): (Vec<_>, Vec<_>) =
            all.into_iter().partition(|line| !(line.value.is_object() || line.value.is_array()));
        folded.extend(shown.drain(shown.len().min(MAX_ATTRIBUTES)..));
        Self { shown, folded }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn simple_attributes_are_shown_and_others_folded_away() {
        let mut attributes = serde_json::Map::from_iter([("list".to_owned(), json!([1]))]);
        for number in 0..10 {
            attributes.insert(format!("a{number}"), json!(number));
        }
        let lines = AttributeLines::of(Value::Object(attributes));
        let names = |lines: &[AttributeLine]| {
            lines.iter().map(|line| line.name.clone()).collect::<Vec<_>>()
        };
        assert_eq!(names(&lines.shown), ["a0", "a1", "a2", "a3", "a4", "a5", "a6", "a7"]);
        assert_eq!(names(&lines.folded), ["list", "a8", "a9"]);
    }
}
