//! Whether Twilio can call the public address, as far as the address tells.

use crate::connections::{self, Check, CheckOutcome};
use crate::context::Context;

/// What is not as it should be about the public address.
pub(super) fn address_warning(context: &Context) -> Option<Check> {
    connections::address_check(&context.twilio, &context.config.public_url)
        .filter(|check| check.outcome != CheckOutcome::Passed)
}

/// Whether Twilio can call the public address, as far as it tells.
pub(super) fn is_reachable(context: &Context) -> bool {
    !address_warning(context).is_some_and(|check| check.has_failed())
}
