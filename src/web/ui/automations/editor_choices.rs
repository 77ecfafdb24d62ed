//! The options of the editor's select boxes.

use std::collections::HashMap;

use serde::Serialize;

use super::form::{AutomationForm, IS_MISSING};
use super::sentences;
use super::time_units::UNITS;
use crate::automations::condition::ConditionOperator;
use crate::contacts::tags;
use crate::db::Conn;
use crate::error::Error;
use crate::types::id::{SenderId, TemplateId};
use crate::web::ui::Choice;
use crate::{senders, sources, templates};

/// The largest number of templates, and of tags, to choose from.
const MAX_CHOICES: i64 = 500;

/// The options of the editor's select boxes.
#[derive(Debug, Default, Serialize)]
pub(super) struct EditorChoices {
    pub(super) templates: Vec<Choice>,
    /// The texts of the templates that the steps send, by id.
    #[serde(skip)]
    pub(super) bodies: HashMap<String, String>,
    pub(super) senders: Vec<Choice>,
    /// The id of the only sender that sends at present; none if there are several.
    #[serde(skip)]
    pub(super) only_sender: Option<String>,
    pub(super) tags: Vec<String>,
    pub(super) sources: Vec<Choice>,
    pub(super) operators: Vec<Choice>,
    pub(super) units: Vec<Choice>,
}

impl EditorChoices {
    /// Loads the options. A choice made earlier stays an option even if it is no longer offered.
    pub(super) async fn load(conn: &mut Conn, form: &AutomationForm) -> Result<Self, Error> {
        let mut bodies = HashMap::new();
        let mut templates: Vec<Choice> = Vec::new();
        for template in templates::list(conn, None, MAX_CHOICES).await? {
            let id = template.id.to_string();
            if form.steps.iter().any(|step| step.template_id == id) {
                bodies.insert(id.clone(), template.body);
            }
            templates.push(Choice { value: id, label: template.name });
        }
        let chosen =
            values_not_in(&templates, form.steps.iter().map(|step| step.template_id.as_str()));
        let chosen: Vec<TemplateId> = chosen.iter().filter_map(|id| id.parse().ok()).collect();
        for template in templates::find_many(conn, &chosen).await?.into_values() {
            let archived = if template.archived_at.is_some() { " (archived)" } else { "" };
            let id = template.id.to_string();
            bodies.insert(id.clone(), template.body);
            let label = format!("{}{archived}", template.name);
            templates.push(Choice { value: id, label });
        }
        let mut senders: Vec<Choice> = senders::usable(conn)
            .await?
            .into_iter()
            .map(|sender| Choice { value: sender.id.to_string(), label: sender.label() })
            .collect();
        let only_sender = match senders.as_slice() {
            [only] => Some(only.value.clone()),
            _ => None,
        };
        let chosen = values_not_in(&senders, form.steps.iter().map(|step| step.sender_id.as_str()));
        let chosen: Vec<SenderId> = chosen.iter().filter_map(|id| id.parse().ok()).collect();
        senders.extend(senders::find_many(conn, &chosen).await?.into_values().map(|sender| {
            Choice {
                value: sender.id.to_string(),
                label: format!("{} (can’t send now)", sender.label()),
            }
        }));
        let tags = tags::list(conn, MAX_CHOICES).await?.iter().map(ToString::to_string).collect();
        let sources = sources::list(conn).await?.into_iter();
        let mut sources: Vec<Choice> =
            sources.map(|source| Choice::new(source.id.to_string(), source.name)).collect();
        let chosen = Some(form.trigger.source_id.as_str()).filter(|id| !id.is_empty());
        let deleted = values_not_in(&sources, chosen.into_iter());
        sources.extend(deleted.into_iter().map(|id| Choice::new(id, "A deleted source")));
        Ok(Self { templates, bodies, senders, only_sender, tags, sources, ..Self::fixed() })
    }

    /// The options that do not depend on data: operators and units.
    pub(super) fn fixed() -> Self {
        let mut operators: Vec<Choice> = ConditionOperator::ALL
            .iter()
            .map(|operator| Choice {
                value: operator.to_string(),
                label: sentences::operator(*operator).to_owned(),
            })
            .collect();
        operators.push(Choice { value: IS_MISSING.to_owned(), label: "is missing".to_owned() });
        let units = UNITS
            .iter()
            .map(|(unit, _)| Choice { value: (*unit).to_owned(), label: (*unit).to_owned() })
            .collect();
        Self { operators, units, ..Self::default() }
    }
}

/// The values that are in use but missing from the options, each once.
fn values_not_in<'v>(choices: &[Choice], values: impl Iterator<Item = &'v str>) -> Vec<&'v str> {
    let mut missing: Vec<&str> =
        values.filter(|value| choices.iter().all(|choice| choice.value != *value)).collect();
    missing.sort_unstable();
    missing.dedup();
    missing
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_value_that_is_not_listed_is_still_offered() {
        let choices = vec![Choice { value: "a".to_owned(), label: "A".to_owned() }];
        assert_eq!(values_not_in(&choices, ["b", "a", "b", "c"].into_iter()), ["b", "c"]);
    }
}
