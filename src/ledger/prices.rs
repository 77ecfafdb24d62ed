//! What an SMS part costs: the average that Twilio billed for the newest messages to a country.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel_async::RunQueryDsl;
use serde::Serialize;

use crate::db::Conn;
use crate::db::schema::prices;
use crate::error::Result;
use crate::twilio::{Address, TwilioMessage};
use crate::types::country::Country;
use crate::types::id::ConnectionId;

/// The average price that Twilio bills for a part.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Price {
    /// The price of a part, in `unit`.
    pub per_part: f64,
    /// The currency, such as `USD`.
    pub unit: String,
    /// The number of parts in the average.
    pub parts: i64,
    /// When the bills were fetched from Twilio.
    pub learned_at: DateTime<Utc>,
}

/// Parts, and what was billed for them.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
struct Bill {
    parts: i64,
    amount: f64,
}

/// What the newest messages to a country have cost, in one currency.
#[derive(Debug, Clone, PartialEq)]
pub struct CountryBill {
    country: Country,
    unit: String,
    bill: Bill,
}

impl CountryBill {
    /// The country.
    #[must_use]
    pub const fn country(&self) -> Country {
        self.country
    }
}

/// What messages have cost, by country and currency.
#[must_use]
pub fn bills(shown: &[TwilioMessage]) -> Vec<CountryBill> {
    sums(shown)
        .into_iter()
        .map(|((country, unit), bill)| CountryBill { country, unit, bill })
        .collect()
}

/// Stores what the newest messages of a connection to a country cost, and replaces the earlier
/// figures.
pub async fn learn(
    conn: &mut Conn,
    connection: ConnectionId,
    of: &CountryBill,
    now: DateTime<Utc>,
) -> Result<()> {
    let figures = (
        prices::parts.eq(of.bill.parts),
        prices::amount.eq(of.bill.amount),
        prices::learned_at.eq(now),
    );
    diesel::insert_into(prices::table)
        .values((
            prices::connection_id.eq(connection),
            prices::country.eq(of.country.code()),
            prices::unit.eq(&of.unit),
            figures,
        ))
        .on_conflict((prices::connection_id, prices::country, prices::unit))
        .do_update()
        .set(figures)
        .execute(conn)
        .await?;
    Ok(())
}

/// The price of a part to this country; `None` until Twilio has billed one. Of several currencies,
/// the one with the most parts.
pub async fn find(conn: &mut Conn, country: Country) -> Result<Option<Price>> {
    let rows: Vec<(String, i64, f64, DateTime<Utc>)> = prices::table
        .filter(prices::country.eq(country.code()))
        .select((prices::unit, prices::parts, prices::amount, prices::learned_at))
        .load(conn)
        .await?;
    let mut units: BTreeMap<String, (Bill, DateTime<Utc>)> = BTreeMap::new();
    for (unit, parts, amount, at) in rows {
        let (bill, latest) = units.entry(unit).or_insert((Bill::default(), at));
        bill.add(parts, amount);
        *latest = at.max(*latest);
    }
    let most_used = units.into_iter().max_by_key(|(_, (bill, _))| bill.parts);
    Ok(most_used.map(|(unit, (bill, learned_at))| Price {
        per_part: bill.per_part(),
        unit,
        parts: bill.parts,
        learned_at,
    }))
}

/// The bills of SMS, by country and currency; MMS and WhatsApp messages have other prices.
fn sums(shown: &[TwilioMessage]) -> BTreeMap<(Country, String), Bill> {
    let mut bills: BTreeMap<(Country, String), Bill> = BTreeMap::new();
    for message in shown {
        let is_sms = message.num_media.unwrap_or_default() == 0
            && message.direction.as_deref().is_some_and(|way| way.starts_with("outbound"));
        let country = match &message.to {
            Some(Address::Phone(number)) if is_sms => number.country(),
            _ => None,
        };
        // Twilio writes a charge as a negative number, and null until the message is billed.
        let amount = message
            .price
            .as_deref()
            .and_then(|price| price.parse::<f64>().ok())
            .filter(|price| price.is_finite() && *price <= 0.0);
        let parts = message.num_segments.filter(|parts| *parts > 0);
        if let (Some(country), Some(amount), Some(parts), Some(unit)) =
            (country, amount, parts, &message.price_unit)
        {
            bills.entry((country, unit.to_uppercase())).or_default().add(i64::from(parts), -amount);
        }
    }
    bills
}

impl Bill {
    fn add(&mut self, parts: i64, amount: f64) {
        self.parts += parts;
        self.amount += amount;
    }

    fn per_part(self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "parts of some hundred messages")]
        let parts = self.parts as f64;
        self.amount / parts
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn shown(change: &Value) -> TwilioMessage {
        let mut message = json!({
            "sid": format!("SM{:032x}", 7), "status": "delivered", "to": "+14155550123", "direction": "outbound-api",
            "num_segments": "2", "num_media": "0", "price": "-0.01580", "price_unit": "USD",
        });
        message.as_object_mut().unwrap().extend(change.as_object().unwrap().clone());
        serde_json::from_value(message).unwrap()
    }

    #[test]
    fn only_sms_that_twilio_has_billed_count() {
        let found = sums(&[
            shown(&json!({})),
            shown(
                &json!({ "num_segments": "1", "price": "-0.0083", "direction": "outbound-reply" }),
            ),
            shown(&json!({ "to": "+493012345678", "price": "-0.21", "price_unit": "usd" })),
            shown(&json!({ "price": null })),
            shown(&json!({ "num_media": "1", "price": "-0.02" })),
            shown(&json!({ "direction": "inbound" })),
            shown(&json!({ "to": "whatsapp:+14155550123" })),
            shown(&json!({ "num_segments": "0" })),
            shown(&json!({ "price": "NaN" })),
        ]);
        let read: Vec<_> = found
            .iter()
            .map(|((country, unit), bill)| (country.code(), unit.as_str(), bill.parts))
            .collect();
        assert_eq!(read, [("DE", "USD", 2), ("US", "USD", 3)]);
        let us = found.values().last().unwrap();
        assert!((us.per_part() - 0.0241 / 3.0).abs() < 1e-9, "{us:?}");
    }
}
