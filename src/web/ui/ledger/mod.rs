//! The pages of the ledger. [`show::LedgerShowPage`] counts messages by outcome, and
//! [`resend::LedgerResendPage`] sends undelivered ones again; [`LedgerPageQuery`] is the filter of
//! both. Start with [`show`]; other pages show [`totals`], [`causes`] and the [`day_chart`], too.

mod causes;
mod day_chart;
mod outcome_bar;
mod outcome_counts;
mod query;
pub(super) mod resend;
pub(super) mod show;
mod totals;

use actix_web::web::{self, ServiceConfig};

pub(super) use causes::{CauseRow, cause_text};
pub(super) use day_chart::{DayChart, counts_by_day, period};
pub(super) use outcome_counts::{columns, percent};
pub(super) use query::LedgerPageQuery;
pub(super) use totals::LedgerTotals;

/// Mounts `/ledger` and below, and the button that sends one message again.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/ledger").get(show::show))
        .service(web::resource("/ledger/retry").get(resend::show).post(resend::resend_all))
        .service(web::resource("/ledger/repair").post(show::repair))
        .service(web::resource("/messages/{id}/retry").post(resend::resend_one));
}
