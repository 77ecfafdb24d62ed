//! The estimated price of a text, based on what Twilio has billed.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::ledger::prices::Price;
use crate::types::country::Country;

/// The price of a text, and the basis of the estimate.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub(in crate::web::ui) struct PriceEstimate {
    /// The country of the recipient; none if the number does not tell.
    country: Option<&'static str>,
    /// The price for all parts; none while no price is known.
    total: Option<String>,
    per_part: Option<String>,
    unit: Option<String>,
    /// The number of parts of which the price per part is the average.
    parts: Option<i64>,
    learned_at: Option<DateTime<Utc>>,
}

impl PriceEstimate {
    pub(in crate::web::ui) fn new(
        parts: u16,
        country: Option<Country>,
        price: Option<&Price>,
    ) -> Self {
        let country = country.map(Country::name);
        let Some(price) = price else { return Self { country, ..Self::default() } };
        Self {
            country,
            total: Some(format_amount(price.per_part * f64::from(parts))),
            per_part: Some(format_amount(price.per_part)),
            unit: Some(price.unit.clone()),
            parts: Some(price.parts),
            learned_at: Some(price.learned_at),
        }
    }
}

/// Formats an amount with two to four decimal places.
pub(in crate::web::ui) fn format_amount(amount: f64) -> String {
    let mut text = format!("{amount:.4}");
    while text.ends_with('0') && text.rsplit_once('.').is_some_and(|(_, places)| places.len() > 2) {
        text.pop();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_written_with_two_to_four_places() {
        assert_eq!(
            [0.0079, 0.0237, 0.5, 1.0, 0.08].map(format_amount),
            ["0.0079", "0.0237", "0.50", "1.00", "0.08"]
        );
    }

    #[test]
    fn an_estimate_needs_a_known_price() {
        let us = Country::parse("US").ok();
        let price = Price {
            per_part: 0.0079,
            unit: "USD".to_owned(),
            parts: 200,
            learned_at: DateTime::UNIX_EPOCH,
        };
        assert_eq!(PriceEstimate::new(3, us, Some(&price)).total.as_deref(), Some("0.0237"));
        assert_eq!(
            PriceEstimate::new(3, us, None),
            PriceEstimate { country: Some("United States"), ..PriceEstimate::default() }
        );
    }
}
