//! Tests of reading from Twilio: messages, lists, numbers, services, the account.

use super::{MG, PN, SID, answer, created, error};
use crate::twilio::account::AccountStatus;
use crate::twilio::address::Address;
use crate::twilio::messages::TwilioMessageFilter;
use crate::twilio::request_error::TwilioError;
use crate::twilio::sid::{MessageSid, ServiceSid};
use crate::twilio::test_server::{TestServer, credentials};

#[tokio::test]
async fn a_message_is_fetched_by_its_sid() {
    let server = TestServer::start(vec![created(), error(404, 20_404)]).await;
    let sid = MessageSid::parse(SID).unwrap();
    let found = server.client().fetch_message(&credentials(), &sid).await.unwrap();
    assert_eq!(found.date_created.unwrap().to_rfc3339(), "2026-11-21T14:07:00+00:00");
    assert_eq!((found.date_sent, found.body.as_deref()), (None, Some("Hello")));
    let missing = server.client().fetch_message(&credentials(), &sid).await.unwrap_err();
    assert!(matches!(missing, TwilioError::NotFound { .. }), "{missing:?}");
}

#[tokio::test]
async fn lists_follow_their_pages_up_to_the_limit() {
    let page = |next: &str| {
        let item = format!(r#"{{"sid":"{SID}","status":"sent"}}"#);
        answer(200, &format!(r#"{{"messages":[{item},{item}],"next_page_uri":{next}}}"#))
    };
    let server =
        TestServer::start(vec![page(r#""/2010-04-01/next?Page=1&PageToken=PA""#), page("null")])
            .await;
    let filter = TwilioMessageFilter {
        to: Some(Address::parse("+14155550123")),
        sent_after: "2026-11-21T14:07:00Z".parse().ok(),
        ..TwilioMessageFilter::default()
    };
    let client = server.client();
    assert_eq!(client.list_messages(&credentials(), &filter, 50).await.unwrap().items.len(), 4);
    let requests = server.requests();
    assert!(
        requests[0]
            .line
            .contains("?To=%2B14155550123&DateSent%3E=2026-11-21T14%3A07%3A00Z&PageSize=50 ")
    );
    assert_eq!(requests[1].line, "GET /2010-04-01/next?Page=1&PageToken=PA HTTP/1.1");

    let server = TestServer::start(vec![page(r#""/again""#)]).await;
    assert_eq!(
        server.client().list_messages(&credentials(), &filter, 3).await.unwrap().items.len(),
        3
    );
    assert_eq!(server.requests().len(), 2);
}

#[tokio::test]
async fn numbers_are_found_exactly_and_their_webhook_is_set() {
    let number = |number: &str| {
        format!(
            r#"{{"sid":"{PN}","phone_number":"{number}","capabilities":{{"sms":true,"mms":false,"voice":true}},
               "sms_url":"","sms_application_sid":"AP1"}}"#
        )
    };
    let list = format!(
        r#"{{"incoming_phone_numbers":[{},{}]}}"#,
        number("+141555501239"),
        number("+14155550123")
    );
    let server = TestServer::start(vec![
        answer(200, &list),
        answer(200, &list),
        answer(200, &number("+14155550123")),
    ])
    .await;
    let (client, wanted) = (server.client(), "+14155550123".to_owned().try_into().unwrap());
    let found = client.find_number(&credentials(), &wanted).await.unwrap().unwrap();
    assert_eq!(found.phone_number, wanted);
    assert!(found.capabilities.sms && !found.capabilities.mms);
    assert_eq!(found.sms_url, None);
    let absent = "+14155550999".to_owned().try_into().unwrap();
    assert_eq!(client.find_number(&credentials(), &absent).await.unwrap(), None);
    client.update_number_webhook(&credentials(), &found, "https://c/in").await.unwrap();
    let requests = server.requests();
    assert!(requests[2].line.contains(&format!("/IncomingPhoneNumbers/{PN}.json")));
    assert_eq!(requests[2].body, "SmsUrl=https%3A%2F%2Fc%2Fin&SmsMethod=POST&SmsApplicationSid=");
}

#[tokio::test]
async fn services_are_listed_with_their_numbers() {
    let service = format!(r#"{{"sid":"{MG}","friendly_name":"News","inbound_request_url":null}}"#);
    let numbers = format!(
        r#"{{"phone_numbers":[{{"sid":"{PN}","phone_number":"+14155550123","capabilities":["SMS","MMS"]}}],
           "meta":{{"next_page_url":null,"key":"phone_numbers"}}}}"#
    );
    let list = format!(
        r#"{{"services":[{service}],"meta":{{"next_page_url":"https://messaging.twilio.com/v1/p2"}}}}"#
    );
    let reactions = [&list, r#"{"services":[]}"#, &numbers, &service].map(|body| answer(200, body));
    let server = TestServer::start(reactions.to_vec()).await;
    let (client, sid) = (server.client(), ServiceSid::parse(MG).unwrap());
    let services = client.list_services(&credentials()).await.unwrap();
    assert_eq!((services.len(), services[0].friendly_name.as_str()), (1, "News"));
    assert!(client.service_numbers(&credentials(), &sid).await.unwrap()[0].capabilities.mms);
    client.update_service_inbound(&credentials(), &sid, "https://c/in").await.unwrap();
    let requests = server.requests();
    assert_eq!(requests[1].line, "GET /v1/p2 HTTP/1.1");
    assert!(requests[3].body.ends_with("&InboundMethod=POST&UseInboundWebhookOnNumber=false"));
}

#[tokio::test]
async fn the_account_has_its_status_and_invalid_keys_are_reported() {
    let account = credentials().account_sid;
    let body = format!(
        r#"{{"sid":"{account}","friendly_name":"Shop","status":"suspended","type":"New","auth_token":"x"}}"#
    );
    let server =
        TestServer::start(vec![answer(200, &body), error(401, 20_003), answer(200, "<html>")])
            .await;
    let client = server.client();
    assert_eq!(
        client.fetch_account(&credentials()).await.unwrap().status,
        AccountStatus::Suspended
    );
    let refused = client.fetch_account(&credentials()).await.unwrap_err();
    assert!(
        refused.to_string().starts_with("Twilio doesn’t accept these keys (20003)"),
        "{refused}"
    );
    let nonsense = client.fetch_account(&credentials()).await.unwrap_err();
    assert!(matches!(nonsense, TwilioError::Unreadable { .. }), "{nonsense:?}");
}

#[tokio::test]
async fn a_text_that_cannot_be_stored_does_not_stop_the_list() {
    let other = "SM00000000000000000000000000000009";
    let page = format!(
        r#"{{"messages":[{{"sid":"{SID}","status":"received","body":"STOP\u0000","from":"+1415\ud8005550123"}},
            {{"sid":"no SID","status":"received"}},{{"sid":"{other}","status":"received","body":7}}],"next_page_uri":null}}"#
    );
    let server = TestServer::start(vec![answer(200, &page), answer(200, &page)]).await;
    let (client, filter) = (server.client(), TwilioMessageFilter::default());
    let listed = client.list_messages(&credentials(), &filter, 50).await.unwrap();
    let listed: Vec<_> = listed
        .items
        .iter()
        .map(|message| (message.sid.as_str(), message.body.as_deref()))
        .collect();
    assert_eq!(listed, [(SID, Some("STOP")), (other, None)]);
    // A search for a sent message must fail, because the unreadable item may be that message.
    let since = "2026-11-21T14:07:00Z".parse().unwrap();
    let error = client
        .list_messages_since(&credentials(), &filter, since, 50)
        .await
        .unwrap()
        .complete()
        .unwrap_err();
    assert!(matches!(error, TwilioError::Unreadable { .. }), "{error:?}");
}

#[tokio::test]
async fn an_unreadable_item_does_not_hide_the_others_of_its_list() {
    let good = |n: u8| {
        format!(
            r#"{{"sid":"SM{n:032x}","status":"received","direction":"inbound","from":"+14155550123","to":"+12065550100"}}"#
        )
    };
    let bad = r#"{"sid":"no SID","status":"received"}"#;
    let page = format!(r#"{{"messages":[{},{bad},7,{}],"next_page_uri":null}}"#, good(1), good(3));
    let server = TestServer::start(vec![answer(200, &page)]).await;
    let listing = server
        .client()
        .list_messages(&credentials(), &TwilioMessageFilter::default(), 50)
        .await
        .unwrap();
    assert_eq!(
        listing.items.iter().map(|message| message.sid.as_str().ends_with('1')).collect::<Vec<_>>(),
        [true, false]
    );
    let has_sid: Vec<_> = listing.unreadable.iter().map(|item| item.sid.is_some()).collect();
    assert_eq!(has_sid, [true, false]);
    assert!(
        listing.unreadable[0].error.to_string().contains("fields are missing or of another kind"),
        "{:?}",
        listing.unreadable
    );
    assert!(listing.complete().is_err(), "a caller that needs all items gets the error");
}
