//! Pages of the ledger: how many messages ended how, and sending again what never reached anybody.

mod numbers;
mod query;
mod retry;
mod show;

use actix_web::web::{self, ServiceConfig};

#[cfg(debug_assertions)]
pub(in crate::web) use self::retry::LedgerRetryPage;
pub(in crate::web) use self::show::LedgerShowPage;
pub(super) use numbers::{CauseRow, LedgerTotals, Slice, bar, columns, percent, words};
pub(super) use query::LedgerPageQuery;

/// Mounts `/ledger` and below, and the button of a message's page.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/ledger").get(show::show))
        .service(web::resource("/ledger/retry").get(retry::ask).post(retry::retry))
        .service(web::resource("/ledger/repair").post(show::repair))
        .service(web::resource("/messages/{id}/retry").post(retry::retry_one));
}
