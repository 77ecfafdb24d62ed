//! Samples of the page that sends messages again: some, none, a changed number, and too many days.

use super::LedgerResendPage;
use crate::error::FieldErrors;
use crate::ledger::outcome::Outcome;
use crate::messages::resend::{LeftOutReason, ResendGroup, ResendPreview};
use crate::web::http::bulk_conditions;
use crate::web::ui::ledger::query::LedgerPageQuery;
use crate::web::{Samples, Varies};

impl Samples for LedgerResendPage {
    const VARIES: Varies = Varies {
        texts: &["automation", "sender", "groups.words", "left_out.groups.words"],
        lists: &["groups", "left_out.groups"],
    };

    fn samples() -> Vec<Self> {
        let group = |outcome, error_code, reason: Option<&str>, left_out| ResendGroup {
            outcome,
            error_code,
            reason: reason.map(str::to_owned),
            left_out,
            count: 12,
        };
        let preview = ResendPreview {
            groups: vec![
                group(Outcome::Failed, Some(21408), None, None),
                group(Outcome::Failed, None, Some("Twilio could not be <reached>."), None),
                group(Outcome::Failed, Some(30003), None, Some(LeftOutReason::MayHaveArrived)),
                group(Outcome::Unconfirmed, None, None, Some(LeftOutReason::Unconfirmed)),
                group(Outcome::Skipped, None, Some("canceled"), Some(LeftOutReason::OnPurpose)),
            ],
        };
        let query = LedgerPageQuery {
            from: "2026-11-01".to_owned(),
            to: "2026-11-21".to_owned(),
            ..LedgerPageQuery::default()
        };
        let named = Self {
            automation: Some("Thank <you>".to_owned()),
            sender: Some("Shop".to_owned()),
            ..Self::new(query.clone(), &preview)
        };
        let errors = FieldErrors::default().with("from", "Choose at most 31 days.");
        let changed = Self {
            changed: bulk_conditions::changed(Some("3"), 24, "message"),
            ..Self::new(query.clone(), &preview)
        };
        vec![
            named,
            changed,
            Self::new(query.clone(), &ResendPreview::default()),
            Self::with_errors(query, &errors),
        ]
    }
}
