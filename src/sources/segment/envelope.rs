//! The body of a request: one message, or a batch of them.

use std::io;

use serde_json::Value;

use super::call::SegmentCall;
use super::happened_at;
use super::message_context::MessageContext;
use super::parse_item::parse_item;
use crate::error::FieldErrors;
use crate::sources::Item;

/// The largest message, in bytes of JSON.
pub const MAX_MESSAGE_BYTES: usize = 32 * 1024;

/// The largest number of messages of a request; Segment accepts as many.
pub const MAX_MESSAGES: usize = 2_500;

/// The body of a request to `/v1/batch` or one of its siblings.
#[derive(Debug)]
pub struct Envelope {
    body: Value,
    /// The call of a single message; none of a batch, whose messages say it themselves.
    call: Option<SegmentCall>,
    /// The size of the body as it arrived, without compression.
    bytes: usize,
}

/// Why a body has no messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// Not a JSON object.
    #[error("The body must be a JSON object.")]
    NotAnObject,
    /// An object without the list `batch`.
    #[error("The body must have the list “batch”, with messages such as {{\"type\": \"track\"}}.")]
    NoBatch,
    /// More messages than [`MAX_MESSAGES`].
    #[error("These are more than {} messages. Send fewer at once.", MAX_MESSAGES)]
    TooMany,
}

impl Envelope {
    /// Finds the messages of a body of this many bytes: of a batch, or the single one of a `call`.
    pub fn parse(
        body: Value,
        bytes: usize,
        call: Option<SegmentCall>,
    ) -> Result<Self, EnvelopeError> {
        match (body.as_object(), call) {
            (None, _) => return Err(EnvelopeError::NotAnObject),
            (Some(_), Some(_)) => {}
            (Some(object), None) => match object.get("batch") {
                Some(Value::Array(items)) if items.len() > MAX_MESSAGES => {
                    return Err(EnvelopeError::TooMany);
                }
                Some(Value::Array(_)) => {}
                _ => return Err(EnvelopeError::NoBatch),
            },
        }
        Ok(Self { body, call, bytes })
    }

    /// The key in the body, which clients send that cannot set headers.
    #[must_use]
    pub fn write_key(&self) -> Option<&str> {
        self.body.get("writeKey")?.as_str()
    }

    /// The messages, each to be parsed by itself.
    #[must_use]
    pub fn items(&self) -> &[Value] {
        match self.call {
            Some(_) => std::slice::from_ref(&self.body),
            None => self.body.get("batch").and_then(Value::as_array).map_or(&[], Vec::as_slice),
        }
    }

    /// Parses each message; one in error prevents no other.
    #[must_use]
    pub fn parse_items(&self, context: &MessageContext<'_>) -> Vec<Result<Item, FieldErrors>> {
        let sent_at = happened_at::sent_at(&self.body, context.defaults.zone);
        let context = MessageContext { sent_at: sent_at.or(context.sent_at), ..*context };
        let parse = |message: &Value| match self.too_large(message) {
            Some(errors) => Err(errors),
            None => parse_item(message, self.call, &context),
        };
        self.items().iter().map(parse).collect()
    }

    /// The error of a message that is larger than [`MAX_MESSAGE_BYTES`].
    fn too_large(&self, message: &Value) -> Option<FieldErrors> {
        if self.bytes <= MAX_MESSAGE_BYTES {
            return None;
        }
        let mut size = Size(0);
        let is_too_large =
            serde_json::to_writer(&mut size, message).is_err() || size.0 > MAX_MESSAGE_BYTES;
        is_too_large.then(|| {
            FieldErrors::default().with(
                "message",
                format!(
                    "This is larger than {} kB of JSON. Leave out some of its properties.",
                    MAX_MESSAGE_BYTES / 1024
                ),
            )
        })
    }
}

/// Counts bytes instead of writing them; stops at the first that is too many.
struct Size(usize);

impl io::Write for Size {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        if self.0 > MAX_MESSAGE_BYTES {
            Err(io::ErrorKind::FileTooLarge.into())
        } else {
            Ok(bytes.len())
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn batch(body: Value) -> Result<Envelope, EnvelopeError> {
        let bytes = body.to_string().len();
        Envelope::parse(body, bytes, None)
    }

    #[test]
    fn a_batch_has_its_messages_and_a_single_call_is_its_own() {
        let envelope = batch(json!({ "batch": [1, {}], "writeKey": "sk_x" })).unwrap();
        assert_eq!(envelope.items(), [json!(1), json!({})]);
        assert_eq!(envelope.write_key(), Some("sk_x"));
        let single = json!({ "event": "x", "batch": [] });
        let envelope = Envelope::parse(single.clone(), 20, Some(SegmentCall::Track)).unwrap();
        assert_eq!((envelope.items(), envelope.write_key()), (&[single][..], None));
        assert!(batch(json!({ "batch": [] })).unwrap().items().is_empty());
    }

    #[test]
    fn a_body_without_messages_is_refused() {
        for body in [json!([]), json!("x"), json!(null), json!(7)] {
            assert_eq!(batch(body.clone()).unwrap_err(), EnvelopeError::NotAnObject, "{body}");
            let single = Envelope::parse(body, 9, Some(SegmentCall::Page));
            assert_eq!(single.unwrap_err(), EnvelopeError::NotAnObject);
        }
        for body in [json!({}), json!({ "batch": null }), json!({ "batch": {} })] {
            assert_eq!(batch(body.clone()).unwrap_err(), EnvelopeError::NoBatch, "{body}");
        }
        let many = |count: usize| batch(json!({ "batch": vec![1; count] }));
        assert!(many(MAX_MESSAGES).is_ok());
        assert_eq!(many(MAX_MESSAGES + 1).unwrap_err(), EnvelopeError::TooMany);
    }

    #[test]
    fn only_a_message_that_is_too_large_is_refused_for_its_size() {
        let message = |length: usize| json!({ "a": "x".repeat(length) });
        let fits = MAX_MESSAGE_BYTES - message(0).to_string().len();
        let envelope =
            batch(json!({ "batch": [message(fits), message(fits + 1), message(1)] })).unwrap();
        let refused: Vec<bool> =
            envelope.items().iter().map(|item| envelope.too_large(item).is_some()).collect();
        assert_eq!(refused, [false, true, false]);
    }
}
