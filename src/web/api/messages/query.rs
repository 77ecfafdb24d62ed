//! The conditions of `GET /messages`.

use chrono::{DateTime, Utc};
use serde::Deserialize;
use utoipa::IntoParams;

use crate::error::{Error, Result};
use crate::ledger::days_input::Today;
use crate::messages::log::filter::MessageFilter;
use crate::messages::log::query_parameters::MessageQuery;
use crate::messages::log::search::MessagePosition;
use crate::types::id::MessageId;
use crate::users::organization::Organization;
use crate::web::Cursor;
use crate::web::api::Paging;

/// Which messages to list; all conditions hold together.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields, default)]
#[into_params(parameter_in = Query)]
pub(super) struct MessagesQuery {
    /// With all of these words in the text, in any place and case.
    #[param(required = false)]
    text: String,
    /// To or from this contact.
    #[param(required = false)]
    contact_id: String,
    /// In this status.
    #[param(required = false)]
    status: String,
    /// With this outcome: `delivered`, `sent`, `failed`, `suppressed`, `skipped`, `unconfirmed`,
    /// `pending` or `retried`.
    #[param(required = false)]
    outcome: String,
    /// Composed or received within the last `hour`, `day`, `week` or `month` (30 days).
    #[param(required = false)]
    within: String,
    /// Composed or received on this day or later: `2026-11-21`. A day of the organization's time
    /// zone, as `GET /ledger` names it; ten years ago by default.
    #[param(required = false)]
    from_day: String,
    /// Composed or received on this day or earlier.
    #[param(required = false)]
    to_day: String,
    /// With a reason that starts with exactly this, up to its 200th character.
    #[param(required = false)]
    reason: String,
    /// Created by this automation; `none` for messages without an automation.
    #[param(required = false)]
    automation_id: String,
    /// Created by this enrollment.
    #[param(required = false)]
    enrollment_id: String,
    /// Rendered from this template.
    #[param(required = false)]
    template_id: String,
    /// Sent from, or received by, this sender.
    #[param(required = false)]
    sender_id: String,
    /// `outbound` or `inbound`.
    #[param(required = false)]
    direction: String,
    /// With this error code from Twilio.
    #[param(required = false)]
    error_code: String,
    /// To this number.
    #[param(required = false)]
    to: String,
    /// The `next_cursor` of the previous page.
    #[param(value_type = Option<String>)]
    cursor: Option<Cursor<MessageId>>,
    /// How many rows to return, 1 to 500; 50 by default.
    #[param(value_type = Option<u16>)]
    limit: Paging,
}

impl MessagesQuery {
    /// Returns the filter, the position where the page starts, and the number of rows.
    pub(super) fn parse(
        self,
        organization: &Organization,
        now: DateTime<Utc>,
    ) -> Result<(MessageFilter, MessagePosition, usize)> {
        let query = MessageQuery {
            text: self.text,
            status: self.status,
            outcome: self.outcome,
            within: self.within,
            from_day: self.from_day,
            to_day: self.to_day,
            reason: self.reason,
            direction: self.direction,
            automation_id: self.automation_id,
            template_id: self.template_id,
            sender_id: self.sender_id,
            error_code: self.error_code,
            to: self.to,
            contact_id: self.contact_id,
            enrollment_id: self.enrollment_id,
        };
        let filter = query
            .filter(organization.default_country, Today { now, zone: organization.day_zone })
            .map_err(Error::Invalid)?;
        Ok((
            filter,
            self.cursor
                .map_or(MessagePosition::Newest, |Cursor(id)| MessagePosition::OlderThan(id)),
            self.limit.limit(),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::status::MessageStatus;

    fn parse(query: &str) -> Result<(MessageFilter, MessagePosition, usize)> {
        actix_web::web::Query::<MessagesQuery>::from_query(query)
            .unwrap()
            .into_inner()
            .parse(&Organization::parse("Bells", "", "").unwrap(), DateTime::UNIX_EPOCH)
    }

    #[test]
    fn a_plus_in_a_query_needs_no_escaping() {
        for query in ["to=+14155550123", "to=%2B14155550123"] {
            assert_eq!(parse(query).unwrap().0.to_address.as_deref(), Some("+14155550123"));
        }
    }

    #[test]
    fn every_wrong_condition_is_named_at_once() {
        let Err(Error::Invalid(fields)) =
            parse("contact_id=7&status=gone&direction=up&error_code=x&to=12&sender_id=")
        else {
            panic!("it was accepted")
        };
        let named: Vec<_> = fields.iter().map(|(field, _)| field).collect();
        assert_eq!(named, ["contact_id", "direction", "error_code", "status", "to"]);
    }

    #[test]
    fn empty_conditions_are_ignored() {
        let (filter, place, limit) = parse("status=delivered&direction=&to=&limit=2").unwrap();
        assert_eq!(
            (filter.status, filter.direction, place, limit),
            (Some(MessageStatus::Delivered), None, MessagePosition::Newest, 2)
        );
    }
}
