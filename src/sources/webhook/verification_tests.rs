//! Tests of verifications. The signatures were made as each sender's documentation says, with
//! Python's `hmac` and OpenSSL.

use chrono::DateTime;
use proptest::prelude::*;
use serde_json::json;

use super::super::verification_input::ParsedVerification;
use super::*;
use crate::error::FieldErrors;

/// The body that all but GitHub's own example sign.
const BODY: &[u8] = br#"{"id":820982911946154508,"phone":"+14155550123"}"#;
/// When the signatures with a time were made.
const SIGNED_AT: i64 = 1_794_650_400;

fn parsed(value: &Value) -> WebhookVerification {
    ParsedVerification::parse(value).unwrap().verification
}

fn check(
    verification: &Value,
    headers: &[(&str, &str)],
    body: &[u8],
    at: i64,
) -> Result<(), Unproven> {
    let ParsedVerification { verification, secret } =
        ParsedVerification::parse(verification).unwrap();
    let request = UnverifiedRequest { headers, query: &[], body };
    verification.check(secret.as_ref(), &request, DateTime::from_timestamp(at, 0).unwrap())
}

fn preset(name: &str, secret: &str) -> Value {
    json!({ "type": "hmac", "preset": name, "secret": secret })
}

#[test]
fn shopify_signs_the_body_in_base64() {
    let shopify = preset("shopify", "hush-shop-secret");
    let right = "nbehtYFRdd2wW5k6qJAksBA/MknHQjPUC5FCgRHBHKI=";
    let header = |value| [("x-shopify-hmac-sha256", value)];
    assert_eq!(check(&shopify, &header(right), BODY, 0), Ok(()));
    let wrong = Err(Unproven::WrongSignature("X-Shopify-Hmac-SHA256".to_owned()));
    assert_eq!(check(&shopify, &header(right), b"{}", 0), wrong);
    assert_eq!(check(&preset("shopify", "other"), &header(right), BODY, 0), wrong);
    assert_eq!(
        check(&shopify, &header("OCwXc8RUJ3a58ltrmByej2oTzOIYI4KbWZ6+LVpKSlA="), BODY, 0),
        wrong
    );
    assert_eq!(
        check(&shopify, &header("not base64!"), BODY, 0),
        Err(Unproven::MalformedSignature("X-Shopify-Hmac-SHA256".to_owned()))
    );
    assert_eq!(
        check(&shopify, &[], BODY, 0),
        Err(Unproven::MissingHeader("X-Shopify-Hmac-SHA256".to_owned()))
    );
}

#[test]
fn woocommerce_signs_the_body_in_base64_and_pings_a_new_webhook_unsigned() {
    let woocommerce = preset("woocommerce", "hush-woo-secret");
    let header = [("X-WC-Webhook-Signature", "OCwXc8RUJ3a58ltrmByej2oTzOIYI4KbWZ6+LVpKSlA=")];
    assert_eq!(check(&woocommerce, &header, BODY, 0), Ok(()));
    assert!(check(&woocommerce, &header, b"", 0).is_err());
    let verification = parsed(&woocommerce);
    assert!(verification.is_ping(b"webhook_id=31"));
    for other in [&b"webhook_id="[..], b"webhook_id=31&phone=1", b"webhook_id=x", BODY, b""] {
        assert!(!verification.is_ping(other));
    }
    assert!(!parsed(&preset("shopify", "x")).is_ping(b"webhook_id=31"));
}

#[test]
fn githubs_documented_example_is_right() {
    let github = preset("github", "It's a Secret to Everybody");
    let signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17";
    let header = |value| [("X-Hub-Signature-256", value)];
    assert_eq!(check(&github, &header(signature), b"Hello, World!", 0), Ok(()));
    let upper = signature.to_uppercase();
    assert_eq!(check(&github, &[("X-Hub-Signature-256", &upper)], b"Hello, World!", 0), Ok(()));
    assert!(check(&github, &header(signature), b"Hello, World", 0).is_err());
    for malformed in [&signature["sha256=".len()..], "sha1=00", "sha256=", "sha256=0", "sha256=xy"]
    {
        assert_eq!(
            check(&github, &header(malformed), b"Hello, World!", 0),
            Err(Unproven::MalformedSignature("X-Hub-Signature-256".to_owned())),
            "{malformed}"
        );
    }
}

#[test]
fn stripe_signs_time_and_body_in_hex() {
    let stripe = preset("stripe", "whsec_test_secret");
    let v1 = "v1=d9677fc65edbfbec3950cc3a90e1990ce854f6a511f8b1bbd92aebbab266b4ac";
    let of = |header: &str, at| check(&stripe, &[("Stripe-Signature", header)], BODY, at);
    let right = format!("t={SIGNED_AT},{v1}");
    assert_eq!(of(&right, SIGNED_AT), Ok(()));
    assert_eq!(of(&right, SIGNED_AT + 300), Ok(()));
    assert_eq!(of(&right, SIGNED_AT - 300), Ok(()));
    // While a secret is replaced, both sign; v0 is of test mode and never counts.
    let other = "v1=5257a869e7ecebeda32affa62cdca3fa51cad7e77a0e56ff536d0ce8e108d8bd";
    assert_eq!(of(&format!("t={SIGNED_AT},{other},{v1},v0=00"), SIGNED_AT), Ok(()));
    let wrong = Err(Unproven::WrongSignature("Stripe-Signature".to_owned()));
    assert_eq!(of(&format!("t={SIGNED_AT},{other}"), SIGNED_AT), wrong);
    assert_eq!(of(&format!("t={},{v1}", SIGNED_AT + 1), SIGNED_AT), wrong);
    let malformed = Err(Unproven::MalformedSignature("Stripe-Signature".to_owned()));
    for header in [v1, "t=1", "", &format!("t={SIGNED_AT},v0={}", &v1[3..])] {
        assert_eq!(of(header, SIGNED_AT), malformed, "{header}");
    }
    let old = of(&right, SIGNED_AT + 301).unwrap_err();
    assert_eq!(
        old.to_string(),
        "It was signed 301 seconds ago; at most 300 are allowed. Check the clocks."
    );
    assert!(of(&right, SIGNED_AT - 301).unwrap_err().to_string().contains("301 seconds ahead"));
}

#[test]
fn a_scheme_of_its_own_signs_the_body_or_time_and_body() {
    let timed = json!({
        "type": "hmac", "header": "X-Signature", "encoding": "hex", "prefix": "v1=", "signed": "timestamp.body",
        "timestamp_header": "X-Timestamp", "tolerance_seconds": 60, "secret": "custom-secret",
    });
    let signature = "v1=e17b9aa3272eb3e57c069c99d0b04fd139c903a41a538cf4826791ad575ada77";
    let headers = [("X-Signature", signature), ("X-Timestamp", "1794650400")];
    assert_eq!(check(&timed, &headers, BODY, SIGNED_AT + 60), Ok(()));
    assert!(matches!(check(&timed, &headers, BODY, SIGNED_AT + 61), Err(Unproven::TooOld { .. })));
    assert_eq!(
        check(&timed, &headers[..1], BODY, SIGNED_AT),
        Err(Unproven::MissingHeader("X-Timestamp".to_owned()))
    );
    let moved = [("X-Signature", signature), ("X-Timestamp", "1794650401")];
    assert_eq!(
        check(&timed, &moved, BODY, SIGNED_AT),
        Err(Unproven::WrongSignature("X-Signature".to_owned()))
    );

    let plain = json!(
        { "type": "hmac", "header": "X-Signature", "encoding": "base64", "secret": "custom-secret" }
    );
    for right in [
        "XwJP+33S5MoGAX8KBvMHDS96Mwpzz8nKtQYM1tJ6Ul0=",
        "XwJP+33S5MoGAX8KBvMHDS96Mwpzz8nKtQYM1tJ6Ul0",
        "XwJP-33S5MoGAX8KBvMHDS96Mwpzz8nKtQYM1tJ6Ul0=",
    ] {
        assert_eq!(check(&plain, &[("x-signature", right)], BODY, 0), Ok(()), "{right}");
    }
}

#[test]
fn a_secret_in_a_header_or_in_the_query_must_be_the_whole_secret() {
    let header = json!({ "type": "header", "name": "X-Token", "secret": "hush" });
    assert_eq!(check(&header, &[("x-token", "hush")], b"", 0), Ok(()));
    for wrong in ["", "hus", "hush ", "Hush"] {
        let wrong = check(&header, &[("x-token", wrong)], b"", 0);
        assert_eq!(wrong, Err(Unproven::WrongSecret("X-Token".to_owned())));
    }
    let query = parsed(&json!({ "type": "query", "name": "token", "secret": "hush" }));
    let check = |query: &[(&str, &str)], secret: Option<&str>| {
        let parameters: Vec<(String, String)> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let request = UnverifiedRequest { headers: &[], query: &parameters, body: b"" };
        let secret = secret.map(SecretString::from);
        parsed(&json!({ "type": "query", "name": "token", "secret": "x" })).check(
            secret.as_ref(),
            &request,
            DateTime::UNIX_EPOCH,
        )
    };
    assert!(query.needs_secret());
    assert_eq!(check(&[("token", "hush")], Some("hush")), Ok(()));
    assert_eq!(
        check(&[("token", "no")], Some("hush")),
        Err(Unproven::WrongSecret("token".to_owned()))
    );
    assert_eq!(check(&[], Some("hush")), Err(Unproven::MissingParameter("token".to_owned())));
    assert_eq!(check(&[("token", "")], Some("")), Err(Unproven::NoSecret));
    assert_eq!(check(&[("token", "")], None), Err(Unproven::NoSecret));
}

#[test]
fn a_key_is_presented_in_three_ways() {
    let key = |headers: &[(&str, &str)], query: &[(&str, &str)]| {
        let query: Vec<(String, String)> =
            query.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        UnverifiedRequest { headers, query: &query, body: b"" }.key().map(str::to_owned)
    };
    let sk = Some("sk_1".to_owned());
    assert_eq!(key(&[("Authorization", "bearer sk_1")], &[]), sk);
    assert_eq!(key(&[("X-Carillon-Key", " sk_1 ")], &[]), sk);
    assert_eq!(key(&[("Authorization", "Basic x")], &[("key", "sk_1")]), sk);
    assert_eq!(key(&[("Authorization", "Bearer ")], &[]), None);
    assert_eq!(key(&[], &[]), None);
}

fn fields(value: &Value) -> Vec<String> {
    let errors: FieldErrors = ParsedVerification::parse(value).unwrap_err();
    errors.iter().map(|(field, _)| field.to_owned()).collect()
}

#[test]
fn a_verification_is_parsed_and_written_without_its_secret() {
    for (written, stored) in [
        (json!({ "type": "key" }), json!({ "type": "key" })),
        (
            json!({ "type": "header", "name": " X-Token ", "secret": "s" }),
            json!({ "type": "header", "name": "X-Token" }),
        ),
        (preset("stripe", "s"), json!({ "type": "hmac", "preset": "stripe" })),
        (
            json!({ "type": "hmac", "header": "X-S", "encoding": "hex", "secret": "s" }),
            json!(
                { "type": "hmac", "header": "X-S", "encoding": "hex", "prefix": "", "signed": "body" }
            ),
        ),
    ] {
        let verification = parsed(&written);
        assert_eq!(verification.to_value(), stored);
        assert_eq!(ParsedVerification::of_stored(&stored).unwrap(), verification);
        let mut shown = stored.clone();
        shown["has_secret"] = true.into();
        assert!(ParsedVerification::parse(&shown).unwrap().secret.is_none());
    }
}

#[test]
fn every_fault_of_a_verification_is_named() {
    for (wrong, names) in [
        (json!({ "type": "password" }), &["verification.type"][..]),
        (json!({ "type": "key", "secret": "x" }), &["verification.secret"]),
        (json!({ "type": "header", "secret": 7 }), &["verification.name", "verification.secret"]),
        (json!({ "type": "query", "name": "a", "secret": " " }), &["verification.secret"]),
        (preset("paypal", "x"), &["verification.preset"]),
        (
            json!({ "type": "hmac", "encoding": "md5", "timestamp_header": "T", "secret": "x" }),
            &["verification.encoding", "verification.header", "verification.timestamp_header"],
        ),
        (
            json!({
                "type": "hmac", "header": "H", "encoding": "hex", "signed": "timestamp.body", "tolerance_seconds": 0,
                "timestamp_header": "T", "secret": "x",
            }),
            &["verification.tolerance_seconds"],
        ),
        (json!("key"), &["verification"]),
    ] {
        assert_eq!(fields(&wrong), names, "{wrong}");
    }
}

proptest! {
    #[test]
    fn any_signature_is_checked_without_panic(
        header in "(t=|v1=|sha256=|,|[0-9a-f]{0,9}|.){0,12}", time in ".{0,12}", body in proptest::collection::vec(any::<u8>(), 0..20)
    ) {
        let own = json!({
            "type": "hmac", "header": "Stripe-Signature", "encoding": "base64", "signed": "timestamp.body",
            "timestamp_header": "X-Time", "secret": "x",
        });
        let github = json!({
            "type": "hmac", "header": "Stripe-Signature", "encoding": "hex", "prefix": "sha256=", "secret": "x",
        });
        for verification in [preset("stripe", "x"), own, github] {
            let headers = [("stripe-signature", header.as_str()), ("x-time", time.as_str())];
            prop_assert!(check(&verification, &headers, &body, 0).is_err());
        }
    }
}
