//! What an inbound message asks for, and whether that counts where it was sent to.

use crate::consent::opt_out::own::OwnWords;
use crate::consent::opt_out::{Command, Heard};
use crate::twilio::Address;
use crate::twilio::callbacks::InboundMessage;
use crate::types::phone::PhoneNumber;

/// What an inbound message asks for.
pub fn command(inbound: &InboundMessage, own: &OwnWords) -> Option<Command> {
    let heard = Heard {
        body: &inbound.body,
        opt_out_type: inbound.opt_out_type,
        button_text: inbound.button_text.as_deref(),
        button_payload: inbound.button_payload.as_deref(),
    };
    Command::of(&heard, own)
}

/// Whether a word is an opt-in where it was sent to: the toll-free network knows fewer of them.
pub(super) fn lifts(command: Command, to: &Address) -> bool {
    command.lifts_toll_free() || !to.phone().is_some_and(PhoneNumber::is_toll_free)
}
