//! The REST API: accounts, messages, numbers and services, and their refusals.

use serde_json::json;

use super::story::{HANDSET, Story};
use crate::{
    ACCOUNT_SID, API_KEY_SECRET, API_KEY_SID, AUTH_TOKEN, AccountStatus, Clock, EMPTY_SERVICE_SID,
    LONG_CODE, SERVICE_NUMBER_1, SERVICE_SID, SUSPENDED_ACCOUNT_SID, SUSPENDED_AUTH_TOKEN,
    SimulatorOptions, Status, TEST_ACCOUNT_SID, TEST_AUTH_TOKEN, TRIAL_ACCOUNT_SID, VOICE_ONLY,
    WHATSAPP, webhook_client,
};

fn account_path() -> String {
    format!("/2010-04-01/Accounts/{ACCOUNT_SID}.json")
}

#[test]
fn every_default_sid_is_well_formed() {
    let options = SimulatorOptions::default();
    let sids = (options.accounts.iter().map(|account| account.sid.clone()))
        .chain(
            options
                .accounts
                .iter()
                .flat_map(|account| account.api_keys.iter().map(|key| key.sid.clone())),
        )
        .chain(options.numbers.iter().map(|number| number.sid.clone()))
        .chain(options.services.iter().map(|service| service.sid.clone()));
    for sid in sids {
        assert_eq!(sid.len(), 34, "{sid}");
        assert!(
            sid[2..].bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte)),
            "{sid}"
        );
    }
    assert!(options.accounts.iter().all(|account| account.auth_token.len() == 32));
}

#[tokio::test]
async fn wrong_credentials_get_401_and_code_20003() {
    let story = Story::begin().await;
    let (status, json) = story.get_as(ACCOUNT_SID, "wrong", &account_path()).await;
    assert_eq!(status, 401);
    let info = "https://www.twilio.com/docs/errors/20003";
    assert_eq!(
        json,
        json!({"code": 20003, "message": "Authenticate", "more_info": info, "status": 401})
    );
    story.end().await;
}

#[tokio::test]
async fn a_standard_api_key_cannot_read_the_account_but_can_send() {
    let story = Story::begin().await;
    assert_eq!(story.get(&account_path()).await.1["status"], "active");
    let (status, json) = story.get_as(API_KEY_SID, API_KEY_SECRET, &account_path()).await;
    assert_eq!((status, json["code"].as_u64()), (401, Some(20003)));
    let numbers = format!(
        "/2010-04-01/Accounts/{ACCOUNT_SID}/IncomingPhoneNumbers.json?PhoneNumber=%2B15005550006"
    );
    let (status, json) = story.get_as(API_KEY_SID, API_KEY_SECRET, &numbers).await;
    assert_eq!(
        (status, json["incoming_phone_numbers"][0]["capabilities"]["sms"].as_bool()),
        (200, Some(true))
    );
    let params = [("To", HANDSET), ("From", LONG_CODE), ("Body", "x")];
    let (status, _) = story.post_as(API_KEY_SID, API_KEY_SECRET, "Messages.json", &params).await;
    assert_eq!(status, 201);
    assert_eq!(story.simulator.messages_to(HANDSET).len(), 1);
    story.end().await;
}

#[tokio::test]
async fn a_suspended_account_can_be_fetched_but_nothing_else() {
    let story = Story::begin().await;
    let story_ref = &story;
    let get = |path: String| async move {
        story_ref.get_as(SUSPENDED_ACCOUNT_SID, SUSPENDED_AUTH_TOKEN, &path).await
    };
    let base = format!("/2010-04-01/Accounts/{SUSPENDED_ACCOUNT_SID}");
    assert_eq!(get(format!("{base}.json")).await.1["status"], "suspended");
    let (status, json) = get(format!("{base}/IncomingPhoneNumbers.json")).await;
    assert_eq!((status, json["code"].as_u64()), (401, Some(20005)));
    story
        .simulator
        .change_account(ACCOUNT_SID, |account| account.status = AccountStatus::Suspended);
    assert_eq!(story.send("x").await.1["code"], 20005);
    story.end().await;
}

#[tokio::test]
async fn invalid_requests_are_refused_with_twilios_codes() {
    let story = Story::begin().await;
    let long = "x".repeat(1601);
    let whatsapp = format!("whatsapp:{WHATSAPP}");
    let cases: &[(&[(&str, &str)], u64)] = &[
        (&[("From", LONG_CODE), ("Body", "x")], 21604),
        (&[("To", HANDSET), ("Body", "x")], 21603),
        (&[("To", HANDSET), ("From", LONG_CODE)], 21602),
        (&[("To", HANDSET), ("From", LONG_CODE), ("Body", &long)], 21617),
        (&[("To", "12345"), ("From", LONG_CODE), ("Body", "x")], 21211),
        (&[("To", HANDSET), ("From", "+12065550198"), ("Body", "x")], 21659),
        (&[("To", HANDSET), ("From", "nonsense"), ("Body", "x")], 21212),
        (&[("To", HANDSET), ("From", VOICE_ONLY), ("Body", "x")], 21606),
        (&[("To", LONG_CODE), ("From", LONG_CODE), ("Body", "x")], 21266),
        (&[("To", HANDSET), ("From", &whatsapp), ("Body", "x")], 21910),
        (
            &[
                ("To", HANDSET),
                ("From", LONG_CODE),
                ("Body", "x"),
                ("StatusCallback", "http://a_b.com/"),
            ],
            21609,
        ),
        (&[("To", HANDSET), ("From", LONG_CODE), ("MediaUrl", "nonsense")], 21620),
        (&[("To", HANDSET), ("From", LONG_CODE), ("Body", "x"), ("ValidityPeriod", "0")], 21624),
        (&[("To", HANDSET), ("MessagingServiceSid", "MG00"), ("Body", "x")], 21701),
        (&[("To", HANDSET), ("MessagingServiceSid", EMPTY_SERVICE_SID), ("Body", "x")], 21704),
        (&[("To", HANDSET), ("From", LONG_CODE), ("Body", "x"), ("ScheduleType", "fixed")], 35118),
    ];
    for (params, code) in cases {
        let (status, json) = story.post("Messages.json", params).await;
        assert_eq!(json["code"], *code, "{params:?}");
        assert_eq!(json["status"], status);
    }
    let counts = story.simulator.counts();
    assert_eq!((counts.recorded, counts.refused), (0, cases.len() as u64));
    story.end().await;
}

#[tokio::test]
async fn test_credentials_accept_only_magic_numbers_and_send_nothing() {
    let story = Story::begin().await;
    let send = |from: &'static str, to: &'static str| {
        let url =
            format!("{}/2010-04-01/Accounts/{TEST_ACCOUNT_SID}/Messages.json", story.running.url);
        async move {
            let form = [("From", from), ("To", to), ("Body", "x")];
            let request = webhook_client::test_client()
                .post(url)
                .basic_auth(TEST_ACCOUNT_SID, Some(TEST_AUTH_TOKEN));
            let json: serde_json::Value =
                request.form(&form).send().await.unwrap().json().await.unwrap();
            json["code"].as_u64().unwrap_or_default()
        }
    };
    assert_eq!(send("+15005550006", HANDSET).await, 0);
    assert_eq!(send("+15005550007", HANDSET).await, 21606);
    assert_eq!(send("+15005550008", HANDSET).await, 21611);
    assert_eq!(send("+15005550006", "+15005550009").await, 21614);
    assert_eq!(send("+15005550006", "+15005550004").await, 21610);
    assert!(story.simulator.messages().is_empty());
    story.end().await;
}

#[tokio::test]
async fn lists_are_paged_newest_first_without_gaps() {
    let story = Story::begin().await;
    for index in 0..7 {
        story.send(&format!("message {index}")).await;
    }
    story.simulator.wait_idle().await;
    let mut path =
        format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json?PageSize=3&To=%2B12065550111");
    let mut bodies = Vec::new();
    loop {
        let (_, page) = story.get(&path).await;
        bodies.extend(
            page["messages"]
                .as_array()
                .unwrap()
                .iter()
                .map(|m| m["body"].as_str().unwrap().to_owned()),
        );
        match page["next_page_uri"].as_str() {
            Some(next) => path = next.to_owned(),
            None => break,
        }
    }
    let expected: Vec<_> = (0..7).rev().map(|index| format!("message {index}")).collect();
    assert_eq!(bodies, expected);
    let today = Clock::system().now().format("%Y-%m-%d");
    let base = format!("/2010-04-01/Accounts/{ACCOUNT_SID}/Messages.json");
    let count = |json: serde_json::Value| json["messages"].as_array().unwrap().len();
    assert_eq!(count(story.get(&format!("{base}?DateSent%3E={today}")).await.1), 7);
    assert_eq!(count(story.get(&format!("{base}?DateSent%3C=2020-01-01")).await.1), 0);
    assert_eq!(count(story.get(&format!("{base}?From=%2B12065550198")).await.1), 0);
    story.end().await;
}

#[tokio::test]
async fn a_message_is_found_by_sid_and_redacted() {
    let story = Story::begin().await;
    let (_, json) = story.send("secret").await;
    story.simulator.wait_idle().await;
    let path = format!("Messages/{}.json", json["sid"].as_str().unwrap());
    let (_, fetched) = story.get(&format!("/2010-04-01/Accounts/{ACCOUNT_SID}/{path}")).await;
    assert_eq!(
        (fetched["status"].as_str(), fetched["body"].as_str()),
        (Some("delivered"), Some("secret"))
    );
    assert!(fetched["date_sent"].as_str().unwrap().ends_with("+0000"));
    assert_eq!(story.post(&path, &[("Body", "")]).await.1["body"], "");
    assert_eq!(story.post(&path, &[("Status", "canceled")]).await.1["code"], 30409);
    let missing = format!(
        "/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/SM00000000000000000000000000000000.json"
    );
    assert_eq!(story.get(&missing).await.1["code"], 20404);
    story.end().await;
}

#[tokio::test]
async fn a_scheduled_message_can_be_canceled_or_released() {
    let story = Story::begin().await;
    let at = (Clock::system().now() + chrono::TimeDelta::hours(1)).to_rfc3339();
    let callback = story.callback();
    let params = [
        ("To", HANDSET),
        ("MessagingServiceSid", SERVICE_SID),
        ("Body", "later"),
        ("ScheduleType", "fixed"),
        ("SendAt", &at),
        ("StatusCallback", &callback),
    ];
    let (_, first) = story.post("Messages.json", &params).await;
    assert_eq!(first["status"], "scheduled");
    let path = format!("Messages/{}.json", first["sid"].as_str().unwrap());
    assert_eq!(story.post(&path, &[("Status", "canceled")]).await.1["status"], "canceled");
    story.simulator.wait_idle().await;
    assert_eq!(story.receiver.statuses(), ["canceled"]);
    story.post("Messages.json", &params).await;
    story.simulator.release_scheduled();
    story.simulator.wait_idle().await;
    assert_eq!(story.simulator.messages()[1].status, Status::Delivered);
    assert_eq!(story.simulator.messages()[0].status, Status::Canceled);
    story.end().await;
}

#[tokio::test]
async fn webhooks_are_set_on_numbers_and_services() {
    let story = Story::begin().await;
    let path = format!(
        "/2010-04-01/Accounts/{ACCOUNT_SID}/IncomingPhoneNumbers.json?PhoneNumber=%2B15005550006"
    );
    let (_, list) = story.get(&path).await;
    let sid = list["incoming_phone_numbers"][0]["sid"].as_str().unwrap().to_owned();
    let url = "https://example.com/inbound#rc=5&rp=all";
    let (_, number) =
        story.post(&format!("IncomingPhoneNumbers/{sid}.json"), &[("SmsUrl", url)]).await;
    assert_eq!(
        (number["sms_url"].as_str(), number["sms_method"].as_str()),
        (Some(url), Some("POST"))
    );

    let service = format!("{}/v1/Services/{SERVICE_SID}", story.running.url);
    let form = [("InboundRequestUrl", url), ("UseInboundWebhookOnNumber", "false")];
    let request = webhook_client::test_client()
        .post(service)
        .basic_auth(ACCOUNT_SID, Some(AUTH_TOKEN))
        .form(&form);
    assert_eq!(request.send().await.unwrap().status().as_u16(), 200);
    let (_, json) = story.get(&format!("/v1/Services/{SERVICE_SID}")).await;
    assert_eq!(json["inbound_request_url"], url);
    let (_, senders) = story.get(&format!("/v1/Services/{SERVICE_SID}/PhoneNumbers")).await;
    assert_eq!(senders["phone_numbers"][0]["phone_number"], SERVICE_NUMBER_1);
    assert_eq!(senders["meta"]["key"], "phone_numbers");
    story.end().await;
}

#[tokio::test]
async fn whatsapp_needs_an_open_window_and_reports_read() {
    let story = Story::begin().await;
    let (from, to) = (format!("whatsapp:{WHATSAPP}"), format!("whatsapp:{HANDSET}"));
    let params = [("To", to.as_str()), ("From", from.as_str()), ("Body", "x")];
    story.post("Messages.json", &params).await;
    story.simulator.reply(HANDSET, WHATSAPP, "hello").await.unwrap();
    story.post("Messages.json", &params).await;
    story.simulator.wait_idle().await;
    let messages = story.simulator.messages();
    assert_eq!((messages[0].status, messages[0].error_code), (Status::Failed, Some(63016)));
    assert_eq!(messages[1].status, Status::Read);
    story.end().await;
}

#[tokio::test]
async fn even_a_refusal_has_twilios_headers() {
    let story = Story::begin().await;
    let url = format!("{}{}", story.running.url, account_path());
    let response = webhook_client::test_client().get(url).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 401);
    assert!(response.headers()["twilio-request-id"].to_str().unwrap().starts_with("RQ"));
    assert_eq!(response.headers()["twilio-concurrent-requests"], "1");
    story.end().await;
}

#[tokio::test]
async fn credentials_of_one_account_do_not_work_for_another() {
    let story = Story::begin().await;
    let other = format!("/2010-04-01/Accounts/{TRIAL_ACCOUNT_SID}/Messages.json");
    let (_, json) = story.get(&other).await;
    assert_eq!(json["code"], 20003);
    story.end().await;
}
