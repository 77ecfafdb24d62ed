//! Tests of the matching of Twilio's messages to ours.

use super::*;

fn at(seconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp(1_790_000_000 + seconds, 0).unwrap()
}

fn ours(body: &str, claimed: i64) -> Unconfirmed {
    Unconfirmed {
        id: MessageId::new(),
        connection_id: ConnectionId::new(),
        to_address: "+12065550111".to_owned(),
        body: body.to_owned(),
        status: MessageStatus::Unconfirmed,
        status_at: at(claimed + 30),
        sender_address: "+15005550006".to_owned(),
        claimed_at: at(claimed),
        policy: UnconfirmedPolicy::GiveUp,
    }
}

fn theirs(number: u8, body: &str, created: i64) -> TwilioMessage {
    serde_json::from_value(serde_json::json!({
        "sid": format!("SM{number:032x}"),
        "status": "sent",
        "from": "+15005550006",
        "to": "+12065550111",
        "body": body,
        "date_created": at(created).to_rfc2822(),
    }))
    .unwrap()
}

fn assigned(
    open: &[Unconfirmed],
    listed: &[TwilioMessage],
    owned: &[&str],
    now: i64,
) -> Vec<(usize, u8)> {
    let owned = OwnedSids(owned.iter().map(|sid| (*sid).to_owned()).collect());
    let position = |id| open.iter().position(|unconfirmed| unconfirmed.id == id).unwrap();
    let number = |found: &TwilioMessage| u8::from_str_radix(&found.sid.as_str()[32..], 16).unwrap();
    assign(open, listed, &owned, at(now))
        .into_iter()
        .map(|(id, _, found)| (position(id), number(found)))
        .collect()
}

#[test]
fn a_message_is_matched_by_recipient_sender_text_and_time() {
    let open = [ours("Hello.", 0)];
    assert_eq!(assigned(&open, &[theirs(1, "Hello.", 1)], &[], 40), [(0, 1)]);
    assert_eq!(assigned(&open, &[theirs(1, "Bye.", 1)], &[], 40), []);
    assert_eq!(
        assigned(&open, &[theirs(1, "Hello.", -600), theirs(2, "Hello.", 7_200)], &[], 40),
        [],
        "another time"
    );
    assert_eq!(
        assigned(&open, &[theirs(1, "Hello.", 1)], &[theirs(1, "", 0).sid.as_str()], 40),
        [],
        "it belongs to another message"
    );
    let mut elsewhere = theirs(1, "Hello.", 1);
    elsewhere.from = Some(Address::parse("+15005550007"));
    assert_eq!(assigned(&open, &[elsewhere], &[], 40), []);
}

#[test]
fn equal_messages_are_assigned_in_order_and_each_once() {
    let open = [ours("Hello.", 0), ours("Hello.", 5), ours("Bye.", 6)];
    let listed = [theirs(3, "Bye.", 6), theirs(2, "Hello.", 6), theirs(1, "Hello.", 1)];
    assert_eq!(assigned(&open, &listed, &[], 40), [(0, 1), (1, 2), (2, 3)]);
}

#[test]
fn when_one_of_two_equal_messages_is_missing_callbacks_get_time_first() {
    let open = [ours("Hello.", 0), ours("Hello.", 5)];
    let listed = [theirs(1, "Hello.", 6)];
    assert_eq!(assigned(&open, &listed, &[], 40), []);
    assert_eq!(assigned(&open, &listed, &[], 1_600), []);
    assert_eq!(
        assigned(&open, &listed, &[], 1_700),
        [(0, 1)],
        "after the last check it makes no difference which"
    );
}

#[test]
fn while_an_equal_message_is_being_submitted_none_is_matched() {
    let mut open = [ours("Hello.", 0), ours("Hello.", 1_695)];
    open[1].status = MessageStatus::Submitting;
    assert_eq!(
        assigned(&open, &[theirs(1, "Hello.", 1), theirs(2, "Hello.", 1_696)], &[], 1_700),
        []
    );
    open[1] = ours("Bye.", 1_695);
    open[1].status = MessageStatus::Submitting;
    assert_eq!(
        assigned(&open, &[theirs(1, "Hello.", 1)], &[], 40),
        [(0, 1)],
        "a message with another text does not matter"
    );
}
