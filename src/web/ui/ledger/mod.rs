//! Pages of the ledger: how many messages ended how, and sending again what never reached anybody.

mod numbers;
mod query;
pub(super) mod retry;
pub(super) mod show;

use actix_web::web::{self, ServiceConfig};

pub(super) use numbers::{CauseRow, LedgerTotals, Slice, bar, columns, percent, words};
pub(super) use query::LedgerPageQuery;

/// Mounts `/ledger` and below, and the button of a message's page.
pub(super) fn routes(cfg: &mut ServiceConfig) {
    cfg.service(web::resource("/ledger").get(show::show))
        .service(web::resource("/ledger/retry").get(retry::ask).post(retry::retry))
        .service(web::resource("/ledger/repair").post(show::repair))
        .service(web::resource("/messages/{id}/retry").post(retry::retry_one));
}
