//! STOP and START, and their effect on later messages.

use super::story::{HANDSET, Story};
use crate::{
    AUTH_TOKEN, Direction, LONG_CODE, SERVICE_NUMBER_1, SERVICE_NUMBER_2, SERVICE_SID, SHORT_CODE,
    Status, TOLL_FREE, sign,
};

#[tokio::test]
async fn after_stop_a_direct_message_is_refused_until_start() {
    let story = Story::begin().await;
    let webhook = format!("{}/inbound", story.receiver.url);
    story.simulator.change_number(LONG_CODE, |number| number.sms_url = Some(webhook.clone()));
    let reply = story.simulator.reply(HANDSET, LONG_CODE, " stop ").await.unwrap();
    assert_eq!(reply.webhook_status, Some(204));
    let call = story.receiver.calls().pop().unwrap();
    assert_eq!(
        (call.get("Body"), call.get("From"), call.get("MessageSid")),
        (" stop ", HANDSET, reply.sid.as_str())
    );
    assert!(
        call.params.contains(&("FromCity".into(), String::new())),
        "blank values are sent and signed"
    );
    assert!(call.get("OptOutType").is_empty());
    assert_eq!(call.signature, sign(AUTH_TOKEN, &webhook, &call.params));

    let (status, json) = story.send("x").await;
    assert_eq!((status, json["code"].as_u64()), (400, Some(21610)));
    assert!(story.simulator.messages().is_empty());
    let reply = story.simulator.all_messages().pop().unwrap();
    assert_eq!(reply.direction, Direction::OutboundReply);
    assert!(reply.body.starts_with("You have successfully been unsubscribed"));

    story.simulator.reply(HANDSET, LONG_CODE, "Yes").await.unwrap();
    assert_eq!(story.send("x").await.0, 201);
    story.end().await;
}

#[tokio::test]
async fn stop_to_one_number_of_a_service_covers_the_whole_service() {
    let story = Story::begin().await;
    let webhook = format!("{}/inbound", story.receiver.url);
    story.simulator.change_service(SERVICE_SID, |service| {
        service.inbound_request_url = Some(webhook);
        service.advanced_opt_out = true;
    });
    story.simulator.reply(HANDSET, SERVICE_NUMBER_1, "STOP").await.unwrap();
    let call = story.receiver.calls().pop().unwrap();
    assert_eq!((call.get("OptOutType"), call.get("MessagingServiceSid")), ("STOP", SERVICE_SID));

    let through_service = [("To", HANDSET), ("MessagingServiceSid", SERVICE_SID), ("Body", "x")];
    assert_eq!(
        story.post("Messages.json", &through_service).await.0,
        201,
        "a service accepts the message first and fails it later"
    );
    story.simulator.wait_idle().await;
    let message = story.simulator.messages().pop().unwrap();
    assert_eq!((message.status, message.error_code), (Status::Failed, Some(21610)));

    let direct = [("To", HANDSET), ("From", SERVICE_NUMBER_2), ("Body", "x")];
    assert_eq!(story.post("Messages.json", &direct).await.1["code"], 21610);
    assert_eq!(story.send("from another number").await.0, 201);
    story.end().await;
}

#[tokio::test]
async fn yes_does_not_lift_a_toll_free_stop() {
    let story = Story::begin().await;
    let send = || async {
        story.post("Messages.json", &[("To", HANDSET), ("From", TOLL_FREE), ("Body", "x")]).await.0
    };
    story.simulator.reply(HANDSET, TOLL_FREE, "STOP").await.unwrap();
    assert_eq!(send().await, 400);
    story.simulator.reply(HANDSET, TOLL_FREE, "YES").await.unwrap();
    assert_eq!(send().await, 400);
    story.simulator.reply(HANDSET, TOLL_FREE, "UNSTOP").await.unwrap();
    assert_eq!(send().await, 201);
    story.end().await;
}

#[tokio::test]
async fn stop_to_a_short_code_outside_a_service_blocks_nothing() {
    let story = Story::begin().await;
    story.simulator.reply(HANDSET, SHORT_CODE, "STOP").await.unwrap();
    assert!(story.simulator.opt_outs().is_empty());
    story.end().await;
}

#[tokio::test]
async fn a_redelivered_inbound_message_has_the_same_sid_and_idempotency_token() {
    let story = Story::begin().await;
    let webhook = format!("{}/inbound", story.receiver.url);
    story.simulator.change_number(LONG_CODE, |number| number.sms_url = Some(webhook));
    let reply = story.simulator.reply(HANDSET, LONG_CODE, "hello").await.unwrap();
    story.simulator.redeliver(&reply.sid).await.unwrap();
    story.simulator.reply(HANDSET, LONG_CODE, "another").await.unwrap();
    let calls = story.receiver.calls();
    let sids: Vec<_> = calls[..2].iter().map(|call| call.get("MessageSid").to_owned()).collect();
    assert_eq!(sids, [reply.sid.clone(), reply.sid]);
    assert_eq!(calls[0].token, calls[1].token);
    assert_ne!(calls[1].token, calls[2].token, "each message has its own");
    story.end().await;
}

#[tokio::test]
async fn a_twiml_response_becomes_a_reply_message() {
    let story = Story::begin().await;
    let webhook = format!("{}/inbound", story.receiver.url);
    story.receiver.respond_next(&[200]);
    story.receiver.seen.lock().unwrap().body =
        "<Response><Message>Thanks</Message></Response>".into();
    story.simulator.change_number(LONG_CODE, |number| number.sms_url = Some(webhook));
    story.simulator.reply(HANDSET, LONG_CODE, "hello").await.unwrap();
    assert_eq!(story.simulator.all_messages().pop().unwrap().body, "Thanks");
    assert!(story.simulator.messages().is_empty(), "it was not sent through the API");
    story.end().await;
}
