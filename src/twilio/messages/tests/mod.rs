//! Tests of the client against a real HTTP server that answers correctly, incorrectly or not at
//! all.

mod reading;
mod sending;

use std::time::Duration;

use super::{CreatedMessage, NewTwilioMessage};
use crate::twilio::address::{Address, SendFrom};
use crate::twilio::request_error::SendError;
use crate::twilio::test_server::{Reaction, TestServer, credentials};
use crate::types::deadline::Deadline;

const SID: &str = "SM0123456789abcdef0123456789abcdef";
const MG: &str = "MG0123456789abcdef0123456789abcdef";
const PN: &str = "PN0123456789abcdef0123456789abcdef";

fn answer(status: u16, body: &str) -> Reaction {
    Reaction::Answer(status, body.to_owned())
}

fn error(status: u16, code: i32) -> Reaction {
    answer(
        status,
        &format!(
            r#"{{"code":{code},"message":"Words","more_info":"https://…","status":{status}}}"#
        ),
    )
}

fn created() -> Reaction {
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

/// A deadline in the distant future.
fn soon() -> Deadline {
    Deadline::now().after(Duration::from_mins(1))
}

async fn send(reactions: Vec<Reaction>) -> (Result<CreatedMessage, SendError>, TestServer) {
    let server = TestServer::start(reactions).await;
    let outcome = server.client().create_message(&credentials(), &message(), soon()).await;
    (outcome, server)
}

async fn failure(reaction: Reaction) -> SendError {
    send(vec![reaction]).await.0.unwrap_err()
}
