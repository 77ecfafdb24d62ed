//! Sources in requests to the API.

use serde::Deserialize;
use serde_json::Value;
use utoipa::ToSchema;

use crate::error::FieldErrors;
use crate::sources::{self, NewSource, SourceKind, SourcePatch};

/// A source to create.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct NewSourceBody {
    /// 1 to 100 characters, unique regardless of case.
    #[schema(example = "Web shop")]
    name: String,
    /// `segment` (any program that speaks Segment’s protocol) or `webhook` (any JSON or form).
    #[schema(example = "webhook")]
    kind: String,
    /// Whether its requests are accepted; `true` by default.
    enabled: Option<bool>,
    /// Where its requests have the contact and the event. Without it, the usual one of the kind.
    #[schema(value_type = Option<SourceMappingBody>)]
    mapping: Option<Value>,
    /// How its requests prove who sends them; by default, and always of `segment`, by the source’s
    /// key.
    #[schema(value_type = Option<SourceVerificationBody>)]
    verification: Option<Value>,
}

/// Changes to a source; a field that is left out stays as it is.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SourceChanges {
    /// A new name.
    name: Option<String>,
    /// `false` refuses its requests at once; `true` accepts them again.
    enabled: Option<bool>,
    /// Replaces the whole mapping.
    #[schema(value_type = Option<SourceMappingBody>)]
    mapping: Option<Value>,
    /// Replaces the verification. Without `secret`, the saved one stays, as long as `type` does.
    #[schema(value_type = Option<SourceVerificationBody>)]
    verification: Option<Value>,
}

/// Where the requests of a source have the contact and the event.
///
/// A source of Segment’s protocol has only `phone_trait`; a webhook has the others. Their texts are
/// JSONPath queries (RFC 9535) such as `$.customer.phone`, or names of headers such as
/// `header:X-Shopify-Topic`.
#[derive(ToSchema)]
#[schema(as = SourceMapping)]
#[expect(
    dead_code,
    reason = "it describes the object, which is read field by field for the sake of its errors"
)]
pub(super) struct SourceMappingBody {
    /// The trait that has the phone number, with dots for nested ones; `phone` by default.
    phone_trait: Option<String>,
    /// The phone number, by which a contact is found or created.
    #[schema(example = "$.customer.phone")]
    phone: Option<String>,
    /// The contact’s id in your system.
    external_id: Option<String>,
    email: Option<String>,
    first_name: Option<String>,
    last_name: Option<String>,
    /// The name of the event; any other text than a query or header is the name itself.
    #[schema(example = "order_created")]
    event: Option<String>,
    /// Your own id for the event: one that was received before has no effect.
    #[schema(example = "$.id")]
    id: Option<String>,
    /// When it happened.
    time: Option<String>,
    /// The object with the properties of the event.
    #[schema(example = "$")]
    properties: Option<String>,
    /// Attributes of the contact by name, each with its query.
    #[schema(value_type = Option<Object>)]
    attributes: Option<Value>,
}

/// How requests of a source prove who sends them.
#[derive(ToSchema)]
#[schema(as = SourceVerification)]
#[expect(
    dead_code,
    reason = "it describes the object, which is read field by field for the sake of its errors"
)]
pub(super) struct SourceVerificationBody {
    /// `key` (the source’s key), `header` or `query` (a secret in the header or parameter `name`),
    /// or `hmac` (a signature with HMAC-SHA256).
    #[schema(rename = "type", example = "hmac")]
    kind: String,
    /// The secret of `header`, `query` and `hmac`; never returned.
    secret: Option<String>,
    /// Whether a secret is saved; only in responses, and ignored in requests.
    has_secret: Option<bool>,
    /// The name of the header or parameter.
    name: Option<String>,
    /// How a known program signs: `shopify`, `woocommerce`, `stripe` or `github`. With it, the
    /// fields below are not needed.
    preset: Option<String>,
    /// The header that has the signature.
    header: Option<String>,
    /// `hex` or `base64`.
    encoding: Option<String>,
    /// The text in front of the signature, such as `sha256=`.
    prefix: Option<String>,
    /// The header that has the time of the signature.
    timestamp_header: Option<String>,
    /// What is signed: `body` or `timestamp.body`.
    signed: Option<String>,
    /// How many seconds the time may differ from the server’s; 300 by default.
    tolerance_seconds: Option<u32>,
}

impl NewSourceBody {
    /// The source to create. Of an unknown kind, the settings cannot be checked.
    pub(super) fn into_new_source(self) -> Result<NewSource, FieldErrors> {
        let Self { name, kind, enabled, mapping, verification } = self;
        let mut errors = FieldErrors::default();
        let Some(kind) = errors.check("kind", kind.parse::<SourceKind>()) else {
            sources::check_name(&name, &mut errors);
            return Err(errors);
        };
        Ok(NewSource { name, kind, enabled: enabled.unwrap_or(true), mapping, verification })
    }
}

impl From<SourceChanges> for SourcePatch {
    fn from(body: SourceChanges) -> Self {
        let SourceChanges { name, enabled, mapping, verification } = body;
        Self { name, enabled, mapping, verification }
    }
}
