//! Filters of the page templates for the words of statuses and outcomes: `status_word` and
//! `outcome_word`.

use tera::{Kwargs, State, Tera};

use crate::ledger::outcome::Outcome;
use crate::messages::status::MessageStatus;
use crate::web::http::template_filters::word;

/// Adds the filters.
pub(in crate::web) fn register(tera: &mut Tera) {
    tera.register_filter("status_word", |text: &str, _: Kwargs, _: &State<'_>| status_word(text));
    tera.register_filter("outcome_word", |text: &str, _: Kwargs, _: &State<'_>| outcome_word(text));
}

/// The word for a status of a message; that of anything else, such as an automation, is written
/// out.
fn status_word(text: &str) -> String {
    text.parse::<MessageStatus>().map_or_else(|_| word(text), |status| status.word().to_owned())
}

/// The word for an outcome of the ledger.
fn outcome_word(text: &str) -> String {
    text.parse::<Outcome>().map_or_else(|_| word(text), |outcome| outcome.word().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_and_outcomes_have_the_words_of_marketers() {
        assert_eq!(
            ["queued", "failed", "active"].map(status_word),
            ["On the way", "Not delivered", "Active"]
        );
        assert_eq!(["sent", "retried"].map(outcome_word), ["On the way", "Sent again"]);
    }
}
