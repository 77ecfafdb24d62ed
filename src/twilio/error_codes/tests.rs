//! Tests of the table of error codes and of the reactions to them.

use super::*;

#[test]
fn the_table_is_sorted_and_without_repeats() {
    assert_eq!(all().len(), 109);
    assert!(all().is_sorted_by(|one, next| one.code < next.code));
}

#[test]
fn every_code_is_explained_in_sentences() {
    for entry in all() {
        assert!(!entry.title.is_empty() && !entry.title.ends_with('.'), "{}", entry.code);
        for text in [entry.means, entry.advice] {
            assert!(text.ends_with('.') && text.len() > 15, "{}: {text}", entry.code);
        }
        assert!(entry.link().ends_with(&format!("/{}", entry.code)));
        assert!(!entry.class.name().is_empty());
    }
}

#[test]
fn every_class_has_a_fitting_disposition() {
    for entry in all() {
        let disposition = entry.on_refusal();
        match (entry.class, entry.contact) {
            (Class::OptOut, _) => {
                assert_eq!(disposition, Disposition::OptedOut, "{}", entry.code);
            }
            (Class::BadNumber, ContactEffect::Invalid) => {
                assert_eq!(disposition, Disposition::BadNumber, "{}", entry.code);
            }
            (_, ContactEffect::Suppress) => {
                assert_eq!(disposition, Disposition::NumberBlocked, "{}", entry.code);
            }
            (Class::Account, _) => {
                assert_eq!(disposition, Disposition::AccountBroken, "{}", entry.code);
            }
            (Class::Request | Class::Inbound | Class::BadNumber, _) => {
                assert_eq!(disposition, Disposition::Reject, "{}", entry.code);
            }
            (Class::Sender, _) => {
                let stops = matches!(
                    disposition,
                    Disposition::SenderBroken | Disposition::RetryAfter(Wait::Later)
                );
                assert!(stops, "{}", entry.code);
            }
            (Class::Rate, _) => {
                let waits = matches!(disposition, Disposition::RetryAfter(_))
                    || entry.retry == Retry::Optional;
                assert!(waits, "{}", entry.code);
            }
            _ => {
                let mild = matches!(
                    disposition,
                    Disposition::RetryAfter(_) | Disposition::Reject | Disposition::Ambiguous
                );
                assert!(mild, "{}", entry.code);
            }
        }
    }
}

#[test]
fn the_codes_that_matter_most_do_what_the_design_says() {
    let of = |code| lookup(code).on_refusal();
    assert_eq!(of(21610), Disposition::OptedOut);
    assert_eq!(of(21211), Disposition::BadNumber);
    assert_eq!(of(30005), Disposition::BadNumber);
    assert_eq!(of(30004), Disposition::NumberBlocked);
    assert_eq!(of(63003), Disposition::Reject, "a number without WhatsApp can still get SMS");
    assert_eq!(of(20429), Disposition::RetryAfter(Wait::Backoff));
    assert_eq!(of(21611), Disposition::RetryAfter(Wait::QueueFull));
    assert_eq!(of(30003), Disposition::RetryAfter(Wait::Later));
    assert_eq!(of(30023), Disposition::RetryAfter(Wait::NextDay));
    assert_eq!(of(21606), Disposition::SenderBroken);
    assert_eq!(of(20003), Disposition::AccountBroken);
    assert_eq!(of(20500), Disposition::Ambiguous);
    assert_eq!(of(21617), Disposition::Reject);
}

#[test]
fn after_acceptance_only_rate_and_queue_errors_are_retried() {
    let of = |code| lookup(code).on_report();
    assert_eq!(of(30001), Disposition::RetryAfter(Wait::QueueFull));
    assert_eq!(of(30022), Disposition::RetryAfter(Wait::Backoff));
    assert_eq!([of(30023), of(30027), of(63038)], [Disposition::RetryAfter(Wait::NextDay); 3]);
    assert_eq!(
        [of(30003), of(30008), of(30017), of(30035), of(30410), of(20500)],
        [Disposition::Reject; 6]
    );
    assert_eq!(
        (of(21610), of(30006), of(30004)),
        (Disposition::OptedOut, Disposition::BadNumber, Disposition::NumberBlocked)
    );
    assert_eq!((of(30034), of(30002)), (Disposition::SenderBroken, Disposition::AccountBroken));
    for entry in all() {
        let again = matches!(entry.on_report(), Disposition::RetryAfter(_));
        assert!(!again || entry.class == Class::Rate, "{}", entry.code);
    }
}

#[test]
fn a_setting_for_one_destination_stops_neither_sender_nor_account() {
    for code in [21408, 21608, 21703, 30018, 63015] {
        assert_eq!(
            (lookup(code).on_refusal(), lookup(code).on_report()),
            (Disposition::Reject, Disposition::Reject),
            "{code}"
        );
    }
}

#[test]
fn an_unknown_code_is_rejected_with_its_own_link() {
    let entry = lookup(99_999);
    assert_eq!(
        (entry.code, entry.on_refusal(), entry.on_report()),
        (99_999, Disposition::Reject, Disposition::Reject)
    );
    assert!(entry.link().ends_with("/99999"));
}
