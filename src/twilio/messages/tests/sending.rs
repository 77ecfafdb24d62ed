//! Tests of sending: the posted form, and the interpretation of each response or its absence.

use std::time::Duration;

use tokio::net::{TcpSocket, TcpStream};
use url::Url;

use super::{MG, SID, answer, created, error, failure, message, send, soon};
use crate::twilio::address::SendFrom;
use crate::twilio::client::{Client, ClientOptions};
use crate::twilio::error_codes::{Disposition, Wait};
use crate::twilio::messages::NewTwilioMessage;
use crate::twilio::request_error::SendError;
use crate::twilio::sid::ServiceSid;
use crate::twilio::status::TwilioStatus;
use crate::twilio::test_server::{Reaction, TestServer, credentials};
use crate::twilio::webhook_form::PostedForm;
use crate::types::deadline::Deadline;

#[tokio::test]
async fn a_receipt_is_parsed_and_the_form_is_complete() {
    let (outcome, server) = send(vec![created()]).await;
    let receipt = outcome.unwrap();
    assert_eq!((receipt.sid.as_str(), receipt.status), (SID, TwilioStatus::Queued));
    assert_eq!((receipt.num_segments, receipt.error_code), (Some(2), None));
    assert_eq!(receipt.exchange.request_id.as_deref(), Some("RQ123"));
    assert_eq!(receipt.exchange.concurrent_requests, Some(7));

    let [request] = server.requests().try_into().unwrap();
    let account = credentials().account_sid;
    assert_eq!(request.line, format!("POST /2010-04-01/Accounts/{account}/Messages.json HTTP/1.1"));
    assert!(request.head.to_lowercase().contains("authorization: basic "));
    let form = PostedForm::read(request.body.as_bytes()).unwrap_or_else(|error| panic!("{error}"));
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
    let server = TestServer::start(vec![answer(201, &receipt)]).await;
    let from = SendFrom::Service(ServiceSid::parse(MG).unwrap());
    let sent = server
        .client()
        .create_message(&credentials(), &NewTwilioMessage { from, ..message() }, soon())
        .await
        .unwrap();
    assert_eq!((sent.status, sent.num_segments, sent.from), (TwilioStatus::Accepted, None, None));
    assert!(server.requests()[0].body.contains(&format!("MessagingServiceSid={MG}")));
    assert!(!server.requests()[0].body.contains("From="));
}

#[tokio::test]
async fn one_connection_is_kept_alive() {
    let server = TestServer::start(vec![created()]).await;
    let client = server.client();
    for _ in 0..5 {
        client.create_message(&credentials(), &message(), soon()).await.unwrap();
    }
    assert_eq!((server.requests().len(), server.connections()), (5, 1));
}

#[tokio::test]
async fn a_missing_answer_leaves_the_outcome_unknown() {
    let (outcome, server) = send(vec![Reaction::Hang]).await;
    let error = outcome.unwrap_err();
    assert!(matches!(error, SendError::Unknown { .. }), "{error:?}");
    assert_eq!(error.disposition(), Disposition::Ambiguous);
    assert!(error.exchange().duration.as_millis() >= 400);
    assert_eq!(server.requests().len(), 1, "the request had been written");
}

#[tokio::test]
async fn a_broken_connection_leaves_the_outcome_unknown_and_is_not_retried() {
    let (outcome, server) = send(vec![Reaction::Close]).await;
    assert!(matches!(outcome, Err(SendError::Unknown { .. })), "{outcome:?}");
    assert_eq!(server.requests().len(), 1);
    // The same on a reused connection.
    let server = TestServer::start(vec![created(), Reaction::Close]).await;
    let client = server.client();
    client.create_message(&credentials(), &message(), soon()).await.unwrap();
    let outcome = client.create_message(&credentials(), &message(), soon()).await;
    assert!(matches!(outcome, Err(SendError::Unknown { .. })), "{outcome:?}");
    assert_eq!(server.requests().len(), 2);
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
async fn a_message_whose_deadline_has_passed_is_not_sent() {
    let server = TestServer::start(vec![created()]).await;
    let client = server.client();
    let late = Deadline::now();
    tokio::time::sleep(Duration::from_millis(5)).await;
    let error = client.create_message(&credentials(), &message(), late).await.unwrap_err();
    assert!(matches!(error, SendError::TooLate { .. }), "{error:?}");
    assert_eq!((server.requests().len(), server.connections()), (0, 0));
    assert!(client.create_message(&credentials(), &message(), soon()).await.is_ok());
}

/// A server that accepts no connections, because its listen backlog is full.
fn server_with_full_backlog()
-> (tokio::net::TcpListener, Url, Vec<tokio::task::JoinHandle<Option<TcpStream>>>) {
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
async fn a_message_whose_deadline_passes_while_connecting_is_not_written() {
    let (listener, url, waiting) = server_with_full_backlog();
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
    // From here on the backlog has capacity; the kernel retries the connection a second later.
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
    for reaction in [error(429, 20_429), answer(429, "<html>slow down</html>"), error(503, 20_429)]
    {
        let error = failure(reaction).await;
        assert!(matches!(error, SendError::Busy { .. }), "{error:?}");
        assert_eq!(error.disposition(), Disposition::RetryAfter(Wait::Backoff));
    }
    // A full queue also answers 429, but is a refusal with its own code.
    assert_eq!(failure(error(429, 21_611)).await.code(), Some(21_611));
}

#[tokio::test]
async fn server_errors_leave_the_outcome_unknown() {
    for reaction in [
        answer(500, "<html>oops</html>"),
        error(500, 20_500),
        error(503, 20_503),
        answer(504, ""),
        answer(408, ""),
        error(400, 21_619),
        Reaction::Truncate(500, "{".to_owned()),
    ] {
        assert!(matches!(failure(reaction).await, SendError::Unknown { .. }));
    }
}

#[tokio::test]
async fn a_receipt_that_cannot_be_read_leaves_the_outcome_unknown() {
    for reaction in [
        answer(201, "<html>"),
        answer(200, "{}"),
        answer(201, ""),
        Reaction::Truncate(201, "{\"sid\":".to_owned()),
    ] {
        let error = failure(reaction).await;
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
    // A refusal remains one even if its body is lost.
    assert!(matches!(
        failure(Reaction::Truncate(400, "{".to_owned())).await,
        SendError::Refused { code: None, .. }
    ));
}

#[tokio::test]
async fn a_redirect_is_not_followed() {
    let (outcome, server) = send(vec![answer(307, "")]).await;
    assert!(matches!(outcome, Err(SendError::Refused { http_status: 307, .. })), "{outcome:?}");
    assert_eq!(server.requests().len(), 1);
}

#[test]
fn debug_shows_neither_text_nor_numbers() {
    let shown = format!("{:?}", message());
    assert!(!shown.contains("Grüße") && !shown.contains("4155550123"), "{shown}");
}

#[tokio::test]
async fn a_receipt_with_a_text_that_cannot_be_stored_is_a_receipt() {
    let receipt = format!(r#"{{"sid":"{SID}","status":"queued","body":"a\u0000\ud800"}}"#);
    let (outcome, _server) = send(vec![answer(201, &receipt)]).await;
    assert_eq!(outcome.unwrap().sid.as_str(), SID);
}
