//! Example bodies of requests, written by hand: generated ones satisfy a schema and make no sense.

use serde_json::{Value, json};

/// The body of an example request; none if the operation takes none.
pub(super) fn example_body(method: &str, path: &str) -> Option<Value> {
    Some(match (method, path) {
        ("post", "/events") => json!({
            "id": "order-1001",
            "name": "order_completed",
            "contact": { "phone": "+14155550100" },
            "properties": { "order_id": "1001", "total": 49.9 },
        }),
        ("post", "/contacts") => json!({
            "phone": "+14155550100",
            "first_name": "Ada",
            "attributes": { "plan": "gold" },
            "tags": ["Newsletter"],
        }),
        ("put", "/contacts/by-phone/{phone}") => {
            json!({ "first_name": "Ada", "attributes": { "plan": "gold" } })
        }
        ("patch", "/contacts/{id}") => json!({ "first_name": "Ada", "email": null }),
        ("post", "/contacts/{id}/tags") => json!({ "name": "VIP" }),
        ("post", "/messages") => json!({
            "to": "+14155550100",
            "body": "Your parcel arrives today.",
            "sender_id": "SENDER_ID",
        }),
        ("post", "/templates") => json!({
            "name": "Order thanks",
            "body": "Thank you, {{ contact.first_name | default(value=\"friend\") }}!",
        }),
        ("patch", "/templates/{id}") => json!({ "body": "Thank you for your order!" }),
        ("post", "/automations") => json!({
            "name": "Thank buyers",
            "trigger": { "type": "event", "name": "order_completed", "where": { "country": "DE" } },
            "steps": [
                { "type": "wait", "seconds": 3600 },
                { "type": "send_sms", "template_id": "TEMPLATE_ID", "sender_id": "SENDER_ID" },
            ],
        }),
        ("patch", "/automations/{id}") => json!({ "status": "active" }),
        ("post", "/sources") => json!({
            "name": "Web shop",
            "kind": "webhook",
            "mapping": { "phone": "$.customer.phone", "event": "order_created", "id": "$.id" },
            "verification": { "type": "hmac", "preset": "shopify", "secret": "SECRET" },
        }),
        ("patch", "/sources/{id}") => json!({ "enabled": false }),
        ("post", "/ledger/retry") => json!({ "from": "2026-12-01", "dry_run": true }),
        ("post", "/opt-out-words") => json!({ "word": "adios amigos" }),
        ("patch", "/senders/{id}") => json!({ "parts_per_second": 1 }),
        ("post", "/connections") => json!({
            "account_sid": "ACCOUNT_SID",
            "api_key_sid": "API_KEY_SID",
            "api_key_secret": "API_KEY_SECRET",
            "sender": "+15005550006",
        }),
        ("patch", "/connections/{id}") => json!({ "name": "Shop" }),
        ("put", "/connections/{id}/keys") => {
            json!({ "api_key_sid": "API_KEY_SID", "api_key_secret": "API_KEY_SECRET" })
        }
        ("post", "/connections/{id}/senders") => json!({ "sender": "+15005550006" }),
        ("post", "/connections/{id}/webhook-secret") => json!({ "former": "accept" }),
        _ => return None,
    })
}
