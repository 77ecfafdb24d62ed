//! The client against a real HTTP server that answers well, badly or not at all.

use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};

use super::*;
use crate::twilio::account::AccountStatus;
use crate::twilio::canned::{Act, Canned, credentials};
use crate::twilio::client::ClientOptions;
use crate::twilio::errors::{Disposition, Wait};
use crate::twilio::form::PostedForm;

const SID: &str = "SM0123456789abcdef0123456789abcdef";
const MG: &str = "MG0123456789abcdef0123456789abcdef";
const PN: &str = "PN0123456789abcdef0123456789abcdef";

fn answer(status: u16, body: &str) -> Act {
    Act::Answer(status, body.to_owned())
}

fn error(status: u16, code: i32) -> Act {
    answer(
        status,
        &format!(
            r#"{{"code":{code},"message":"Words","more_info":"https://…","status":{status}}}"#
        ),
    )
}

fn created() -> Act {
    answer(
        201,
        &format!(
            r#"{{"sid":"{SID}","status":"queued","num_segments":"2","error_code":null,"from":"+12065550100",
               "to":"+14155550123","body":"Hello","date_created":"Sat, 21 Nov 2026 14:07:00 +0000","date_sent":null,
               "price":null,"something_new":{{}}}}"#
        ),
    )
}

fn message() -> NewTwilioMessage {
    NewTwilioMessage {
        to: Address::parse("+14155550123"),
        from: SendFrom::Address(Address::parse("+12065550100")),
        body: Some("Grüße & 1+1=2 😀".to_owned()),
        media_urls: vec!["https://a/1".to_owned(), "https://a/2".to_owned()],
        status_callback: Some("https://c/hooks/1#rc=5&rp=all".to_owned()),
        validity_period: Some(600),
    }
}

/// Time enough.
fn soon() -> Deadline {
    Deadline::now().after(Duration::from_mins(1))
}

async fn send(acts: Vec<Act>) -> (Result<CreatedMessage, SendError>, Canned) {
    let server = Canned::start(acts).await;
    let outcome = server.client().create_message(&credentials(), &message(), soon()).await;
    (outcome, server)
}

async fn failure(act: Act) -> SendError {
    send(vec![act]).await.0.unwrap_err()
}

#[tokio::test]
async fn a_receipt_is_read_and_the_form_is_whole() {
    let (outcome, server) = send(vec![created()]).await;
    let receipt = outcome.unwrap();
    assert_eq!((receipt.sid.as_str(), receipt.status), (SID, TwilioStatus::Queued));
    assert_eq!((receipt.num_segments, receipt.error_code), (Some(2), None));
    assert_eq!(receipt.exchange.request_id.as_deref(), Some("RQ123"));
    assert_eq!(receipt.exchange.concurrent_requests, Some(7));

    let [seen] = server.seen().try_into().unwrap();
    let account = credentials().account_sid;
    assert_eq!(seen.line, format!("POST /2010-04-01/Accounts/{account}/Messages.json HTTP/1.1"));
    assert!(seen.head.to_lowercase().contains("authorization: basic "));
    let form = PostedForm::read(seen.body.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
    let form: Vec<_> =
        form.signed().iter().map(|(key, value)| (key.as_ref(), value.as_ref())).collect();
    assert_eq!(
        form,
        [
            ("To", "+14155550123"),
            ("From", "+12065550100"),
            ("Body", "Grüße & 1+1=2 😀"),
            ("MediaUrl", "https://a/1"),
            ("MediaUrl", "https://a/2"),
            ("StatusCallback", "https://c/hooks/1#rc=5&rp=all"),
            ("ValidityPeriod", "600"),
        ]
    );
}

#[tokio::test]
async fn a_service_sends_in_place_of_a_number() {
    let receipt = format!(
        r#"{{"sid":"{SID}","status":"accepted","num_segments":"0","from":null,"messaging_service_sid":"{MG}"}}"#
    );
    let server = Canned::start(vec![answer(201, &receipt)]).await;
    let from = SendFrom::Service(ServiceSid::parse(MG).unwrap());
    let sent = server
        .client()
        .create_message(&credentials(), &NewTwilioMessage { from, ..message() }, soon())
        .await
        .unwrap();
    assert_eq!((sent.status, sent.num_segments, sent.from), (TwilioStatus::Accepted, None, None));
    assert!(server.seen()[0].body.contains(&format!("MessagingServiceSid={MG}")));
    assert!(!server.seen()[0].body.contains("From="));
}

#[tokio::test]
async fn one_connection_is_kept_alive() {
    let server = Canned::start(vec![created()]).await;
    let client = server.client();
    for _ in 0..5 {
        client.create_message(&credentials(), &message(), soon()).await.unwrap();
    }
    assert_eq!((server.seen().len(), server.connections()), (5, 1));
}

#[tokio::test]
async fn a_missing_answer_leaves_the_outcome_unknown() {
    let (outcome, server) = send(vec![Act::Hang]).await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, SendError::Unknown { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Ambiguous);
    assert!(error.exchange().duration.as_millis() >= 400);
    assert_eq!(server.seen().len(), 1, "the request had been written");
}

#[tokio::test]
async fn a_broken_connection_leaves_the_outcome_unknown_and_is_not_retried() {
    let (outcome, server) = send(vec![Act::Close]).await;
    assert!(matches!(outcome, Err(SendError::Unknown { .. })), "{outcome:?}");
    assert_eq!(server.seen().len(), 1);
    // The same on a connection that has served before.
    let server = Canned::start(vec![created(), Act::Close]).await;
    let client = server.client();
    client.create_message(&credentials(), &message(), soon()).await.unwrap();
    let outcome = client.create_message(&credentials(), &message(), soon()).await;
    assert!(matches!(outcome, Err(SendError::Unknown { .. })), "{outcome:?}");
    assert_eq!(server.seen().len(), 2);
}

#[tokio::test]
async fn a_refused_connection_means_not_sent() {
    let closed = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let options = ClientOptions {
        api_url: format!("http://{closed}").parse().ok(),
        ..ClientOptions::default()
    };
    let error = Client::new(&options)
        .unwrap()
        .create_message(&credentials(), &message(), soon())
        .await
        .unwrap_err();
    assert!(matches!(error, SendError::NotSent { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::RetryAfter(Wait::Backoff));
    assert!(error.to_string().contains("Connection refused"), "{error}");
}

#[tokio::test]
async fn a_message_whose_time_has_passed_is_not_sent() {
    let server = Canned::start(vec![created()]).await;
    let client = server.client();
    let late = Deadline::now();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let error = client.create_message(&credentials(), &message(), late).await.unwrap_err();
    assert!(matches!(error, SendError::TooLate { .. }), "{error:?}");
    assert_eq!((server.seen().len(), server.connections()), (0, 0));
    assert!(client.create_message(&credentials(), &message(), soon()).await.is_ok());
}

/// A server that takes no connections: so many wait for it already that the system answers nobody
/// any more.
fn crowded() -> (tokio::net::TcpListener, Url, Vec<tokio::task::JoinHandle<Option<TcpStream>>>) {
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let listener = socket.listen(1).unwrap();
    let address = listener.local_addr().unwrap();
    let waiting = (0..4)
        .map(|_| tokio::spawn(async move { TcpStream::connect(address).await.ok() }))
        .collect();
    (listener, format!("http://{address}").parse().unwrap(), waiting)
}

#[tokio::test]
async fn a_message_whose_time_passes_while_the_connection_is_made_is_not_written() {
    let (listener, url, waiting) = crowded();
    let client =
        Client::new(&ClientOptions { api_url: Some(url), ..ClientOptions::default() }).unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    let before = Deadline::now().after(Duration::from_millis(200));
    let sending =
        tokio::spawn(
            async move { client.create_message(&credentials(), &message(), before).await },
        );
    tokio::time::sleep(Duration::from_millis(400)).await;
    assert!(!sending.is_finished(), "it waits for its connection");
    for others in waiting {
        others.abort();
    }
    // From here on there is room: the system asks again a second later.
    let mut read = Vec::new();
    let written = tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let mut bytes = [0; 1_000];
            while stream.readable().await.is_ok() {
                match stream.try_read(&mut bytes) {
                    Ok(0) => break,
                    Ok(count) => read.extend_from_slice(&bytes[..count]),
                    Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                    Err(_) => break,
                }
            }
            assert_eq!(String::from_utf8_lossy(&read), "", "nothing was written");
        }
    });
    let error = sending.await.unwrap().unwrap_err();
    assert!(matches!(error, SendError::TooLate { .. }), "{error:?}");
    assert!(error.exchange().duration > Duration::from_millis(400), "{error:?}");
    assert!(!written.is_finished(), "{:?}", written.await);
}

#[tokio::test]
async fn too_many_requests_are_safe_to_repeat() {
    for act in [error(429, 20_429), answer(429, "<html>slow down</html>"), error(503, 20_429)] {
        let error = failure(act).await;
        assert!(matches!(error, SendError::Busy { .. }), "{error:?}");
        assert_eq!(error.disposition(), Disposition::RetryAfter(Wait::Backoff));
    }
    // A full queue answers 429, too, and is a refusal with a code of its own.
    assert_eq!(failure(error(429, 21_611)).await.code(), Some(21_611));
}

#[tokio::test]
async fn server_errors_leave_the_outcome_unknown() {
    for act in [
        answer(500, "<html>oops</html>"),
        error(500, 20_500),
        error(503, 20_503),
        answer(504, ""),
        answer(408, ""),
        error(400, 21_619),
        Act::Truncate(500, "{".to_owned()),
    ] {
        assert!(matches!(failure(act).await, SendError::Unknown { .. }));
    }
}

#[tokio::test]
async fn a_receipt_that_cannot_be_read_leaves_the_outcome_unknown() {
    for act in [
        answer(201, "<html>"),
        answer(200, "{}"),
        answer(201, ""),
        Act::Truncate(201, "{\"sid\":".to_owned()),
    ] {
        let error = failure(act).await;
        assert!(matches!(error, SendError::Unknown { .. }), "{error:?}");
    }
}

#[tokio::test]
async fn refusals_carry_their_code_and_what_to_do() {
    let stop = failure(error(400, 21_610)).await;
    assert!(
        matches!(stop, SendError::Refused { code: Some(21_610), http_status: 400, .. }),
        "{stop:?}"
    );
    assert_eq!(stop.disposition(), Disposition::OptedOut);
    assert_eq!(stop.exchange().request_id.as_deref(), Some("RQ123"));
    assert!(stop.to_string().contains("replied STOP"));
    assert_eq!(failure(error(400, 21_211)).await.disposition(), Disposition::BadNumber);
    assert_eq!(failure(error(401, 20_003)).await.disposition(), Disposition::AccountBroken);
    assert_eq!(failure(answer(401, "no")).await.disposition(), Disposition::AccountBroken);
    assert_eq!(
        failure(answer(400, r#"{"code":"21606"}"#)).await.disposition(),
        Disposition::SenderBroken
    );
    assert_eq!(failure(answer(413, "<html>")).await.disposition(), Disposition::Reject);
    // The words of a refusal may be lost on the way; that it is one is not.
    assert!(matches!(
        failure(Act::Truncate(400, "{".to_owned())).await,
        SendError::Refused { code: None, .. }
    ));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (outcome, server) = send(vec![answer(307, "")]).await;
    assert!(matches!(outcome, Err(SendError::Refused { http_status: 307, .. })), "{outcome:?}");
    assert_eq!(server.seen().len(), 1);
}

#[tokio::test]
async fn a_message_is_fetched_by_its_sid() {
    let server = Canned::start(vec![created(), error(404, 20_404)]).await;
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
        Canned::start(vec![page(r#""/2010-04-01/next?Page=1&PageToken=PA""#), page("null")]).await;
    let filter = TwilioMessageFilter {
        to: Some(Address::parse("+14155550123")),
        sent_after: "2026-11-21T14:07:00Z".parse().ok(),
        ..TwilioMessageFilter::default()
    };
    let client = server.client();
    assert_eq!(client.list_messages(&credentials(), &filter, 50).await.unwrap().items.len(), 4);
    let seen = server.seen();
    assert!(
        seen[0]
            .line
            .contains("?To=%2B14155550123&DateSent%3E=2026-11-21T14%3A07%3A00Z&PageSize=50 ")
    );
    assert_eq!(seen[1].line, "GET /2010-04-01/next?Page=1&PageToken=PA HTTP/1.1");

    let server = Canned::start(vec![page(r#""/again""#)]).await;
    assert_eq!(
        server.client().list_messages(&credentials(), &filter, 3).await.unwrap().items.len(),
        3
    );
    assert_eq!(server.seen().len(), 2);
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
    let server = Canned::start(vec![
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
    let seen = server.seen();
    assert!(seen[2].line.contains(&format!("/IncomingPhoneNumbers/{PN}.json")));
    assert_eq!(seen[2].body, "SmsUrl=https%3A%2F%2Fc%2Fin&SmsMethod=POST&SmsApplicationSid=");
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
    let acts = [&list, r#"{"services":[]}"#, &numbers, &service].map(|body| answer(200, body));
    let server = Canned::start(acts.to_vec()).await;
    let (client, sid) = (server.client(), ServiceSid::parse(MG).unwrap());
    let services = client.list_services(&credentials()).await.unwrap();
    assert_eq!((services.len(), services[0].friendly_name.as_str()), (1, "News"));
    assert!(client.service_numbers(&credentials(), &sid).await.unwrap()[0].capabilities.mms);
    client.update_service_inbound(&credentials(), &sid, "https://c/in").await.unwrap();
    let seen = server.seen();
    assert_eq!(seen[1].line, "GET /v1/p2 HTTP/1.1");
    assert!(seen[3].body.ends_with("&InboundMethod=POST&UseInboundWebhookOnNumber=false"));
}

#[tokio::test]
async fn the_account_tells_its_status_and_wrong_keys_are_named() {
    let account = credentials().account_sid;
    let body = format!(
        r#"{{"sid":"{account}","friendly_name":"Shop","status":"suspended","type":"New","auth_token":"x"}}"#
    );
    let server =
        Canned::start(vec![answer(200, &body), error(401, 20_003), answer(200, "<html>")]).await;
    let client = server.client();
    assert_eq!(
        client.fetch_account(&credentials()).await.unwrap().status,
        AccountStatus::Suspended
    );
    let refused = client.fetch_account(&credentials()).await.unwrap_err();
    assert!(refused.to_string().starts_with("Twilio refused these keys (20003)"), "{refused}");
    let nonsense = client.fetch_account(&credentials()).await.unwrap_err();
    assert!(matches!(nonsense, TwilioError::Unreadable { .. }), "{nonsense:?}");
}

#[test]
fn debug_shows_neither_text_nor_numbers() {
    let shown = format!("{:?}", message());
    assert!(!shown.contains("Grüße") && !shown.contains("4155550123"), "{shown}");
}

#[tokio::test]
async fn a_text_that_cannot_be_stored_does_not_hold_up_the_list() {
    let other = "SM00000000000000000000000000000009";
    let page = format!(
        r#"{{"messages":[{{"sid":"{SID}","status":"received","body":"STOP\u0000","from":"+1415\ud8005550123"}},
            {{"sid":"no SID","status":"received"}},{{"sid":"{other}","status":"received","body":7}}],"next_page_uri":null}}"#
    );
    let server = Canned::start(vec![answer(200, &page), answer(200, &page)]).await;
    let (client, filter) = (server.client(), TwilioMessageFilter::default());
    let listed = client.list_messages(&credentials(), &filter, 50).await.unwrap();
    let listed: Vec<_> = listed
        .items
        .iter()
        .map(|message| (message.sid.as_str(), message.body.as_deref()))
        .collect();
    assert_eq!(listed, [(SID, Some("STOP")), (other, None)]);
    // What was sent is looked for here: an item that cannot be read may be it.
    let since = "2026-11-21T14:07:00Z".parse().unwrap();
    let error = client
        .list_messages_since(&credentials(), &filter, since, 50)
        .await
        .unwrap()
        .whole()
        .unwrap_err();
    assert!(matches!(error, TwilioError::Unreadable { .. }), "{error:?}");
}

#[tokio::test]
async fn a_receipt_with_a_text_that_cannot_be_stored_is_a_receipt() {
    let receipt = format!(r#"{{"sid":"{SID}","status":"queued","body":"a\u0000\ud800"}}"#);
    let (outcome, _server) = send(vec![answer(201, &receipt)]).await;
    assert_eq!(outcome.unwrap().sid.as_str(), SID);
}

#[tokio::test]
async fn one_item_that_cannot_be_read_does_not_hide_the_others_of_its_list() {
    let good = |n: u8| {
        format!(
            r#"{{"sid":"SM{n:032x}","status":"received","direction":"inbound","from":"+14155550123","to":"+12065550100"}}"#
        )
    };
    let bad = r#"{"sid":"no SID","status":"received"}"#;
    let page = format!(r#"{{"messages":[{},{bad},7,{}],"next_page_uri":null}}"#, good(1), good(3));
    let server = Canned::start(vec![answer(200, &page)]).await;
    let listing = server
        .client()
        .list_messages(&credentials(), &TwilioMessageFilter::default(), 50)
        .await
        .unwrap();
    assert_eq!(
        listing.items.iter().map(|message| message.sid.as_str().ends_with('1')).collect::<Vec<_>>(),
        [true, false]
    );
    let broken: Vec<_> = listing.broken.iter().map(|broken| broken.sid.is_some()).collect();
    assert_eq!(broken, [true, false]);
    assert!(
        listing.broken[0].error.to_string().contains("fields are missing or of another kind"),
        "{:?}",
        listing.broken
    );
    assert!(listing.whole().is_err(), "who needs all of them is told");
}
