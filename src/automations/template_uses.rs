//! The automations that send a template, and at which of their steps.

use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde_json::json;

use super::Step;
use super::automation::{Automation, AutomationRow, COLUMNS, with_newest_version};
use crate::db::Conn;
use crate::db::schema::{automation_versions, automations};
use crate::error::Result;
use crate::types::id::TemplateId;

/// An automation that sends a template.
#[derive(Debug, Clone, PartialEq)]
pub struct TemplateUse {
    /// The automation.
    pub automation: Automation,
    /// Its steps that send the template, from 1.
    pub steps: Vec<usize>,
}

/// The automations whose current definition sends the template, by name, at most `limit`.
pub async fn of_template(conn: &mut Conn, id: TemplateId, limit: i64) -> Result<Vec<TemplateUse>> {
    let rows: Vec<AutomationRow> = with_newest_version()
        .filter(automation_versions::steps.contains(json!([{ "template_id": id }])))
        .select(COLUMNS)
        .order(automations::name)
        .limit(limit)
        .load(conn)
        .await?;
    rows.into_iter()
        .map(|row| Automation::from_row(row).map(|automation| TemplateUse::new(automation, id)))
        .collect()
}

impl TemplateUse {
    /// Finds the automation's steps that send the template.
    pub fn new(automation: Automation, id: TemplateId) -> Self {
        let sends = |step: &Step| {
            matches!(
                step,
                Step::SendSms { template_id, .. } if *template_id == Some(id)
            )
        };
        let steps = (1..)
            .zip(&automation.definition.steps)
            .filter(|(_, step)| sends(step))
            .map(|(number, _)| number)
            .collect();
        Self { automation, steps }
    }
}
