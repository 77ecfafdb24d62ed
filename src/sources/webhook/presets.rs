//! Presets: the settings of a webhook source for well-known senders, with an example of what they
//! send.

use std::sync::LazyLock;

use serde::Serialize;
use serde_json::{Value, json};

/// Settings to start a source with.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WebhookPreset {
    /// A stable id, such as `shopify`.
    pub id: &'static str,
    /// What users call the sender.
    pub name: &'static str,
    /// Where to set it up at the sender.
    pub explanation: &'static str,
    /// What the secret is and where to find it; `None` if the source's key is used.
    pub secret_label: Option<&'static str>,
    /// How requests prove who they are, without the secret.
    pub verification: Value,
    /// Where requests have the contact and the event.
    pub mapping: Value,
    /// An example of a body.
    pub sample_body: &'static str,
    /// Headers of the example, without its signature.
    pub sample_headers: Value,
}

static PRESETS: LazyLock<Vec<WebhookPreset>> =
    LazyLock::new(|| vec![any_json(), shopify(), woocommerce(), stripe(), github()]);

/// All presets, the general one first.
#[must_use]
pub fn presets() -> &'static [WebhookPreset] {
    &PRESETS
}

/// The preset with this id.
#[must_use]
pub fn preset(id: &str) -> Option<&'static WebhookPreset> {
    PRESETS.iter().find(|preset| preset.id == id)
}

fn any_json() -> WebhookPreset {
    WebhookPreset {
        id: "json",
        name: "Any webhook",
        explanation: "For your own programs, curl, and every tool that can post JSON or a form. The \
                      source’s key proves who sends.",
        secret_label: None,
        verification: json!({ "type": "key" }),
        mapping: json!({
            "phone": "$.customer.phone || $.phone",
            "external_id": "$.customer.id",
            "email": "$.customer.email || $.email",
            "first_name": "$.customer.first_name || $.first_name",
            "last_name": "$.customer.last_name || $.last_name",
            "event": "$.type || $.event",
            "id": "$.id",
            "time": "$.occurred_at",
            "properties": "$",
        }),
        sample_body: include_str!("samples/json.json"),
        sample_headers: json!({}),
    }
}

fn shopify() -> WebhookPreset {
    WebhookPreset {
        id: "shopify",
        name: "Shopify",
        explanation: "In Shopify, open “Settings”, “Notifications”, “Webhooks”. Create a webhook in \
                      JSON, such as “Order creation”, with this source’s URL.",
        secret_label: Some(
            "The signing secret below the list of webhooks. For webhooks of an app, its client \
             secret.",
        ),
        verification: json!({ "type": "hmac", "preset": "shopify" }),
        mapping: json!({
            "phone": "$.phone || $.customer.phone || $.shipping_address.phone || \
                      $.billing_address.phone || $.customer.default_address.phone",
            "country": "$.shipping_address.country_code || $.billing_address.country_code || \
                        $.customer.default_address.country_code",
            "email": "$.email || $.customer.email || $.contact_email",
            "first_name": "$.customer.first_name || $.shipping_address.first_name || $.first_name",
            "last_name": "$.customer.last_name || $.shipping_address.last_name || $.last_name",
            "event": "header:X-Shopify-Topic",
            "id": "header:X-Shopify-Webhook-Id || body",
            "time": "header:X-Shopify-Triggered-At || $.updated_at",
            "properties": "$",
        }),
        sample_body: include_str!("samples/shopify.json"),
        sample_headers: json!({
            "x-shopify-topic": "orders/create",
            "x-shopify-shop-domain": "bells.myshopify.com",
            "x-shopify-webhook-id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
            "x-shopify-triggered-at": "2026-12-01T15:15:30.123456789Z",
        }),
    }
}

fn woocommerce() -> WebhookPreset {
    WebhookPreset {
        id: "woocommerce",
        name: "WooCommerce",
        explanation: "In WordPress, open “WooCommerce”, “Settings”, “Advanced”, “Webhooks”. Add a \
                      webhook, such as “Order created”, with this source’s URL as its delivery \
                      URL.",
        secret_label: Some("The secret of the webhook in WooCommerce."),
        verification: json!({ "type": "hmac", "preset": "woocommerce" }),
        mapping: json!({
            "phone": "$.billing.phone || $.shipping.phone",
            "country": "$.billing.country || $.shipping.country",
            "email": "$.billing.email || $.email",
            "first_name": "$.billing.first_name || $.first_name",
            "last_name": "$.billing.last_name || $.last_name",
            "event": "header:X-WC-Webhook-Topic",
            "id": "body",
            "time": "$.date_modified_gmt || $.date_created_gmt",
            "properties": "$",
        }),
        sample_body: include_str!("samples/woocommerce.json"),
        sample_headers: json!({
            "x-wc-webhook-topic": "order.created",
            "x-wc-webhook-source": "https://bells.example.com/",
            "x-wc-webhook-id": "3",
            "x-wc-webhook-delivery-id": "36e520ebabc2fa725092ff4a47acedf2",
        }),
    }
}

fn stripe() -> WebhookPreset {
    WebhookPreset {
        id: "stripe",
        name: "Stripe",
        explanation: "In Stripe, open “Developers”, “Webhooks”. Add an endpoint with this source’s \
                      URL and events such as checkout.session.completed. Collect phone numbers in \
                      “Checkout”, so that they are in the event.",
        secret_label: Some("The endpoint’s signing secret; it begins with whsec_."),
        verification: json!({ "type": "hmac", "preset": "stripe" }),
        mapping: json!({
            "phone": "$.data.object.customer_details.phone || $.data.object.phone || \
                      $.data.object.customer_phone || $.data.object.billing_details.phone || \
                      $.data.object.shipping.phone",
            "country": "$.data.object.customer_details.address.country || \
                        $.data.object.address.country || $.data.object.billing_details.address.country",
            "email": "$.data.object.customer_details.email || $.data.object.email || \
                      $.data.object.customer_email || $.data.object.billing_details.email || \
                      $.data.object.receipt_email",
            "name": "$.data.object.customer_details.name || $.data.object.customer_name || \
                     $.data.object.billing_details.name",
            "event": "$.type",
            "id": "$.id",
            "time": "$.created",
            "properties": "$.data.object",
        }),
        sample_body: include_str!("samples/stripe.json"),
        sample_headers: json!({}),
    }
}

fn github() -> WebhookPreset {
    WebhookPreset {
        id: "github",
        name: "Signed like GitHub",
        explanation: "For senders that sign the body with HMAC-SHA256 in X-Hub-Signature-256, as \
                      GitHub does. Set the content type to JSON and the same secret there and here.",
        secret_label: Some("The secret that you set at the sender."),
        verification: json!({ "type": "hmac", "preset": "github" }),
        mapping: json!({
            "phone": "$.phone || $.customer.phone",
            "external_id": "$.customer.id",
            "email": "$.email || $.customer.email",
            "first_name": "$.first_name || $.customer.first_name",
            "last_name": "$.last_name || $.customer.last_name",
            "event": "$.event || $.type || header:X-GitHub-Event",
            "id": "$.id || header:X-GitHub-Delivery",
            "time": "$.occurred_at",
            "properties": "$",
        }),
        sample_body: include_str!("samples/github.json"),
        sample_headers: json!({}),
    }
}
