//! The command in an inbound message (STOP, START, HELP), and whether it counts at the number that
//! it was sent to.

use crate::consent::opt_out::own_words::OwnWords;
use crate::consent::opt_out::{Command, InboundText};
use crate::twilio::Address;
use crate::twilio::callbacks::InboundMessage;
use crate::types::phone::PhoneNumber;

/// The command in an inbound message, if it has one.
pub fn command(inbound: &InboundMessage, own: &OwnWords) -> Option<Command> {
    let heard = InboundText {
        body: &inbound.body,
        opt_out_type: inbound.opt_out_type,
        button_text: inbound.button_text.as_deref(),
        button_payload: inbound.button_payload.as_deref(),
    };
    Command::of(&heard, own)
}

/// Whether a command lifts a suppression at this destination: the toll-free network knows fewer
/// opt-in words.
pub(super) fn lifts_suppression(command: Command, to: &Address) -> bool {
    command.lifts_toll_free() || !to.phone().is_some_and(PhoneNumber::is_toll_free)
}
