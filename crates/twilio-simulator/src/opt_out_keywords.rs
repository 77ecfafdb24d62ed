//! The keywords STOP, START and HELP: what Twilio does when a handset texts one.

use super::message::{Direction, Message};
use super::resources::{Number, NumberKind};
use super::world::World;

/// The keywords that Twilio acts on.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Keyword {
    Stop,
    Start,
    Yes,
    Help,
}

impl Keyword {
    /// The keyword that is the whole text, ignoring case: Twilio does not act on "STOP please".
    pub(super) fn of(body: &str) -> Option<Self> {
        match body.trim().to_uppercase().as_str() {
            "STOP" | "STOPALL" | "UNSUBSCRIBE" | "CANCEL" | "END" | "QUIT" | "REVOKE"
            | "OPTOUT" => Some(Self::Stop),
            "START" | "UNSTOP" => Some(Self::Start),
            "YES" => Some(Self::Yes),
            "HELP" | "INFO" => Some(Self::Help),
            _ => None,
        }
    }

    /// The keyword in the parameter `OptOutType` of Advanced Opt-Out.
    pub(super) const fn opt_out_type(self) -> &'static str {
        match self {
            Self::Stop => "STOP",
            Self::Start | Self::Yes => "START",
            Self::Help => "HELP",
        }
    }
}

/// Updates the opt-outs as Twilio does for this kind of number; returns the automatic reply.
pub(super) fn apply_keyword(
    world: &mut World,
    number: &Number,
    message: &Message,
    keyword: Keyword,
) -> Option<(&'static str, Direction)> {
    let handset = message.handset();
    let toll_free = number.kind == NumberKind::TollFree;
    let service = message.service_sid.as_deref();
    if number.kind == NumberKind::ShortCode && service.is_none() {
        return None;
    }
    let mut scopes: Vec<&str> = service.into_iter().collect();
    if toll_free || service.is_none() {
        scopes.push(&number.phone_number);
    }
    let has_reply = match keyword {
        Keyword::Stop => apply_to_scopes(&scopes, |scope| world.opt_outs.add(scope, handset)),
        Keyword::Yes | Keyword::Help if toll_free => false,
        Keyword::Start | Keyword::Yes => {
            // Also removes an opt-out from before the number joined the service.
            scopes.push(&number.phone_number);
            apply_to_scopes(&scopes, |scope| world.opt_outs.remove(scope, handset))
        }
        Keyword::Help => true,
    };
    if !has_reply {
        return None;
    }
    Some(match (keyword, toll_free) {
        (Keyword::Stop, true) => (
            "NETWORK MSG: You replied with the word \"stop\" which blocks all texts sent from this \
             number. Text back \"unstop\" to receive messages again.",
            Direction::Network,
        ),
        (_, true) => (
            "NETWORK MSG: You have replied \"unstop\" and will begin receiving messages again from \
             this number.",
            Direction::Network,
        ),
        (Keyword::Stop, false) => (
            "You have successfully been unsubscribed. You will not receive any more messages from \
             this number. Reply START to resubscribe.",
            Direction::OutboundReply,
        ),
        (Keyword::Start | Keyword::Yes, false) => (
            "You have successfully been re-subscribed to messages from this number. Reply HELP for help. Reply STOP to unsubscribe. Msg&Data Rates May Apply.",
            Direction::OutboundReply,
        ),
        (Keyword::Help, false) => {
            ("Reply STOP to unsubscribe. Msg&Data Rates May Apply.", Direction::OutboundReply)
        }
    })
}

/// Applies a change to each scope; returns whether it changed any of them.
fn apply_to_scopes(scopes: &[&str], mut change: impl FnMut(&str) -> bool) -> bool {
    let mut has_changed = false;
    for scope in scopes {
        has_changed |= change(scope);
    }
    has_changed
}

#[cfg(test)]
mod tests {
    use super::Keyword;

    #[test]
    fn only_the_whole_text_is_a_keyword() {
        assert!(Keyword::of(" stop ").is_some_and(|keyword| keyword == Keyword::Stop));
        assert!(Keyword::of("STOP PLEASE").is_none());
        assert!(Keyword::of("stopp").is_none());
    }
}
