//! Records a delivery again that was rejected or about a person without a phone number, by the
//! mapping that its source has now.

use chrono::{DateTime, Utc};

use super::deliveries::{self, Delivery, EndedDelivery, NewDelivery};
use super::ingest::{IngestRequest, Ingested, ingest};
use super::item::ItemOutcome;
use super::item_defaults::ItemDefaults;
use super::source::{self, Source, SourceKind};
use super::webhook::{Document, KeptHeaders, MappedItem, WebhookMapping, map_with_remarks};
use crate::db::Begun;
use crate::error::{Error, FieldErrors, Result};
use crate::queue::Receiver;
use crate::types::id::SourceId;
use crate::users::audit::Actor;
use crate::users::organization;

/// Replays a delivery in the caller's transaction, and returns what was recorded, with the jobs
/// for the receiver; `None` if the mapping still does not fit. Once it is recorded, it cannot be
/// replayed again; of two replays at the same time, one is refused.
///
/// On a [conflict](super::is_ingest_conflict), the caller starts over.
pub async fn replay(
    mut tx: Begun<'_>,
    actor: &Actor,
    source_id: SourceId,
    number: i64,
    receiver: Receiver,
    now: DateTime<Utc>,
) -> Result<Option<Ingested>> {
    let source = source::find(tx.reads(), source_id).await?;
    let delivery = deliveries::find(tx.reads(), source_id, number).await?;
    check(&source, &delivery)?;
    let defaults = ItemDefaults::from(&organization::find(tx.reads()).await?);
    let MappedItem { mut item, remarks } = match read(&source, &delivery, defaults) {
        Ok(mapped) => mapped,
        Err(errors) => {
            let outcome = ItemOutcome::Rejected(errors);
            let again = NewDelivery::Replay { number, actor: actor.clone(), remark: None };
            let ended = EndedDelivery::new(source_id, &again, Some(&outcome));
            deliveries::record(&mut tx.open(), &[ended], now).await?;
            return Ok(None);
        }
    };
    // What is recorded late did not happen just now.
    item.at = item.at.or(Some(delivery.received_at));
    let request = IngestRequest {
        source_id,
        items: vec![item],
        rejected: 0,
        delivery: Some(NewDelivery::Replay {
            number,
            actor: actor.clone(),
            remark: remark(&remarks),
        }),
    };
    Ok(Some(ingest(tx, &[request], receiver, now).await?))
}

/// Remarks as the reason of a delivery.
fn remark(remarks: &[String]) -> Option<String> {
    (!remarks.is_empty()).then(|| remarks.join(" "))
}

fn check(source: &Source, delivery: &Delivery) -> Result<()> {
    if source.kind != SourceKind::Webhook {
        return Err(Error::Refused(
            "Only deliveries of webhooks can be replayed. Send this item again from your platform."
                .to_owned(),
        ));
    }
    if !delivery.is_replayable() && delivery.has_whole_body() {
        return Err(deliveries::not_replayable());
    }
    if !delivery.has_whole_body() {
        return Err(Error::Refused(
            "This delivery can’t be replayed, since its body isn’t kept. Have it sent again."
                .to_owned(),
        ));
    }
    Ok(())
}

fn read(
    source: &Source,
    delivery: &Delivery,
    defaults: ItemDefaults,
) -> Result<MappedItem, FieldErrors> {
    let mapping = WebhookMapping::parse(&source.mapping)?;
    let headers = KeptHeaders::from_stored(&delivery.headers);
    let document = Document::read(delivery.content_type.as_deref(), headers, &delivery.body)
        .map_err(|error| FieldErrors::default().with("body", error.to_string()))?;
    map_with_remarks(&mapping, &document, defaults, source.id)
}
