//! The control API.

use serde_json::{Value, json};

use super::story::{HANDSET, Story};
use crate::{Fault, LONG_CODE, Rule, webhook_client};

#[tokio::test]
async fn the_control_api_does_what_the_handle_does() {
    let story = Story::begin().await;
    let api = |path: &str| format!("{}/simulator/api{path}", story.running.url);
    let client = webhook_client::test_client();
    let fault = json!({"fault": "undelivered", "code": 30003, "handset": HANDSET, "next": 1});
    let created = client.post(api("/faults")).json(&fault).send().await.unwrap();
    assert_eq!(created.status().as_u16(), 201);
    story.send("x").await;
    client.post(api("/flush")).send().await.unwrap();
    let log: Value = client.get(api("/messages")).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (log["data"][0]["status"].as_str(), log["data"][0]["error_code"].as_u64()),
        (Some("undelivered"), Some(30003))
    );

    let reply = json!({"from": HANDSET, "to": LONG_CODE, "body": "STOP"});
    let result: Value =
        client.post(api("/replies")).json(&reply).send().await.unwrap().json().await.unwrap();
    assert_eq!(result["webhook"], "no webhook is set for this number");
    let opt_outs: Value = client.get(api("/opt-outs")).send().await.unwrap().json().await.unwrap();
    assert_eq!(opt_outs, json!({"data": [{"scope": LONG_CODE, "handset": HANDSET}]}));
    let state: Value = client.get(api("/state")).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (state["counts"]["recorded"].as_u64(), state["under_way"].as_u64()),
        (Some(1), Some(0))
    );

    story.simulator.inject(Rule::always(Fault::Slow));
    client.post(api("/reset")).send().await.unwrap();
    let state: Value = client.get(api("/state")).send().await.unwrap().json().await.unwrap();
    assert_eq!(
        (state["handsets"].as_u64(), state["faults"].as_array().map(Vec::len)),
        (Some(0), Some(0))
    );
    story.end().await;
}

#[tokio::test]
async fn the_fault_of_every_switch_round_trips_through_json() {
    for group in crate::fault_switches::GROUPS {
        for switch in group.switches {
            let json = serde_json::to_value(switch.fault).unwrap();
            assert_eq!(serde_json::from_value::<Fault>(json).unwrap(), switch.fault);
        }
    }
}
