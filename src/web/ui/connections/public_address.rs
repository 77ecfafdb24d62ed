//! Whether Twilio can call the public address, judging by the address alone.

use crate::connections::{self, Check, CheckOutcome};
use crate::context::Context;

/// The problem with the public address, if there is one.
pub(super) fn address_warning(context: &Context) -> Option<Check> {
    connections::check_public_url(&context.twilio, &context.config.public_url)
        .filter(|check| check.outcome != CheckOutcome::Passed)
}

/// Whether Twilio can call the public address; warnings do not count.
pub(super) fn is_reachable(context: &Context) -> bool {
    !address_warning(context).is_some_and(|check| check.has_failed())
}
