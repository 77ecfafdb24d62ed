//! The phone pages.

use super::story::{HANDSET, Story};
use crate::{LONG_CODE, webhook_client};

#[tokio::test]
async fn a_phone_shows_messages_with_escaped_html() {
    let story = Story::begin().await;
    story.send("<script>alert(1)</script>").await;
    story.simulator.wait_idle().await;
    let (status, html) = story.page("/phones/+12065550111").await;
    assert_eq!(status, 200);
    assert!(html.contains("&lt;script&gt;") && !html.contains("<script>alert"), "{html}");
    assert!(html.contains("delivered") && html.contains("+1 206 555 0111"));
    let (status, html) = story.page("/").await;
    assert!(status == 200 && html.contains("/phones/+12065550111"), "{html}");
    story.end().await;
}

#[tokio::test]
async fn a_reply_from_the_page_reaches_the_webhook() {
    let story = Story::begin().await;
    let webhook = format!("{}/inbound", story.receiver.url);
    story.simulator.change_number(LONG_CODE, |number| number.sms_url = Some(webhook));
    let url = format!("{}/phones/{HANDSET}/replies", story.running.url);
    let form = [("to", LONG_CODE), ("body", ""), ("quick", "STOP")];
    let response = webhook_client::test_client().post(&url).form(&form).send().await.unwrap();
    assert_eq!(response.status().as_u16(), 303);
    story.simulator.wait_idle().await;
    assert_eq!(story.receiver.calls()[0].get("Body"), "STOP");
    let (_, html) = story.page("/phones/+12065550111").await;
    assert!(html.contains("the webhook answered 204") && html.contains("Opted out of"), "{html}");

    let empty = webhook_client::test_client()
        .post(&url)
        .form(&[("to", LONG_CODE), ("body", " ")])
        .send()
        .await
        .unwrap();
    assert_eq!(empty.status().as_u16(), 422);
    assert!(empty.text().await.unwrap().contains("Enter a message."));
    story.end().await;
}

#[tokio::test]
async fn cross_site_requests_are_refused() {
    let story = Story::begin().await;
    for (header, value) in [("Sec-Fetch-Site", "cross-site"), ("Origin", "https://evil.example")] {
        for path in ["/faults", "/simulator/api/reset"] {
            let request = webhook_client::test_client()
                .post(format!("{}{path}", story.running.url))
                .header(header, value);
            assert_eq!(request.send().await.unwrap().status().as_u16(), 403, "{header} {path}");
        }
    }
    story.end().await;
}

#[tokio::test]
async fn a_fault_stays_enabled_until_it_is_switched_off() {
    let story = Story::begin().await;
    let post = |path: &str, form: Vec<(&'static str, String)>| {
        let request =
            webhook_client::test_client().post(format!("{}{path}", story.running.url)).form(&form);
        async move { request.send().await.unwrap().status().as_u16() }
    };
    let on = vec![
        ("fault", "undelivered_30003".into()),
        ("extent", "always".into()),
        ("handset", HANDSET.into()),
    ];
    assert_eq!(post("/faults", on).await, 303);
    let (_, html) = story.page("/phones/+12065550111").await;
    assert!(
        html.contains("The message: handset is off")
            && html.contains("until switched off, this phone")
    );
    let (_, other) = story.page("/phones/+12065550112").await;
    assert!(other.contains("No faults"));
    assert_eq!(
        post("/faults/off", vec![("id", "1".into()), ("handset", HANDSET.into())]).await,
        303
    );
    let (_, html) = story.page("/phones/+12065550111").await;
    assert!(html.contains("No faults"));
    assert_eq!(post("/faults", vec![("fault", "nonsense".into())]).await, 422);
    story.end().await;
}

#[tokio::test]
async fn a_fragment_without_changes_is_204() {
    let story = Story::begin().await;
    story.send("x").await;
    story.simulator.wait_idle().await;
    let url = format!("{}/fragments/phones/{HANDSET}", story.running.url);
    let response = webhook_client::test_client().get(&url).send().await.unwrap();
    let version = response.headers()["x-version"].to_str().unwrap().to_owned();
    let again =
        webhook_client::test_client().get(format!("{url}?since={version}")).send().await.unwrap();
    assert_eq!(again.status().as_u16(), 204);
    story.end().await;
}

#[tokio::test]
async fn pages_explain_invalid_numbers() {
    let story = Story::begin().await;
    let (status, html) = story.page("/phones?number=12").await;
    assert!(status == 422 && html.contains("12 is not a phone number"), "{html}");
    assert_eq!(story.page("/phones?number=%2B1%20206%20555%200111").await.0, 303);
    assert_eq!(story.page("/phones/nonsense").await.0, 404);
    assert_eq!(story.page("/assets/simulator.css").await.0, 200);
    assert_eq!(story.page("/nowhere").await.0, 404);
    story.end().await;
}
