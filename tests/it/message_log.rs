//! The message log: filters, saved views, and the CSV export.

use carillon::users::Role;
use serde_json::{Value, json};
use twilio_simulator::{Fault, Rule};

use crate::harness::fixtures::{Twilio, id};
use crate::harness::scriptless_browser::Page;
use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};

pub(crate) async fn send(app: &TestApp, to: &str, body: &str, twilio: &Twilio) -> String {
    id(&app
        .api()
        .post("/messages", json!({ "to": to, "body": body, "sender_id": twilio.sender_id }))
        .await
        .ok())
}

pub(crate) async fn contact(app: &TestApp, phone: &str, first: &str, last: &str) -> String {
    id(&app
        .api()
        .post("/contacts", json!({ "phone": phone, "first_name": first, "last_name": last }))
        .await
        .ok())
}

/// The ids of the messages that a page lists, in order.
fn listed(page: &Page) -> Vec<String> {
    let ids = page.html.split("id=\"state-").skip(1);
    ids.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
}

/// The target of the link whose tag contains `mark`.
fn link(page: &Page, mark: &str) -> String {
    let tag = page.html.split("<a ").find(|tag| tag.split('>').next().unwrap().contains(mark));
    let tag =
        tag.unwrap_or_else(|| panic!("{} has no link with {mark}:\n{}", page.path, page.text()));
    tag.split("href=\"").nth(1).unwrap().split('"').next().unwrap().replace("&amp;", "&")
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_is_filtered_by_every_property_of_a_message() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let ann = contact(&app, HANDSET, "Ann", "Moreno").await;
    contact(&app, OTHER_HANDSET, "Anna", "Osei").await;
    app.simulator
        .inject(Rule::always(Fault::Undelivered { code: 30003 }).for_handset(OTHER_HANDSET));
    let first = send(&app, HANDSET, "Your order is 50% off", &twilio).await;
    let second = send(&app, OTHER_HANDSET, "Your parcel", &twilio).await;
    let automated = app.sms_on("signed_up", &twilio, "Welcome aboard").await;
    app.event("signed_up", HANDSET, json!({})).await;
    app.run_until_idle().await;
    app.text(HANDSET, &twilio.sender, "Thank you for the order").await;
    let site = app.sign_in_as(Role::Viewer).await;
    let all = listed(&site.open("/messages").await.ok());
    assert_eq!(all.len(), 4);
    let (inbound, welcome) = (all[0].clone(), all[1].clone());
    for (query, expected) in [
        ("text=ORDER", vec![&inbound, &first]),
        ("text=order+your", vec![&first]),
        ("text=50%25", vec![&first]),
        ("text=5_%25", vec![]),
        ("status=undelivered", vec![&second]),
        ("outcome=failed&error_code=30003", vec![&second]),
        ("direction=inbound", vec![&inbound]),
        ("automation_id=none&direction=outbound", vec![&second, &first]),
        ("within=hour&text=welcome", vec![&welcome]),
    ] {
        let page = site.open(&format!("/messages?{query}")).await.ok();
        assert_eq!(listed(&page).iter().collect::<Vec<_>>(), expected, "{query}");
        let answered = app.api().get(&format!("/messages?{query}")).await.ok();
        let answered: Vec<String> = answered["data"].as_array().unwrap().iter().map(id).collect();
        assert_eq!(answered.iter().collect::<Vec<_>>(), expected, "the API, {query}");
    }
    let page = site
        .open(&format!(
            "/messages?automation_id={automated}&sender_id={}&text=welcome",
            twilio.sender_id
        ))
        .await
        .ok();
    assert_eq!(listed(&page), [welcome.as_str()]);
    page.must_say("Sender Carillon");
    // Each condition of the filter can be removed separately.
    let wider = link(&page, "aria-label=\"Do not filter by text\"");
    assert_eq!(
        wider,
        format!("/messages?automation_id={automated}&sender_id={}", twilio.sender_id)
    );

    // A contact by name or number, or a choice of several.
    let page = site.open("/messages?contact=Ann+Mor&text=order").await.ok();
    assert_eq!(page.path, format!("/messages?text=order&contact_id={ann}"));
    assert_eq!(listed(&page), [inbound.as_str(), first.as_str()]);
    page.must_say("Contact Ann Moreno");
    assert_eq!(
        site.open("/messages?contact=%2B12065550111").await.ok().path,
        format!("/messages?contact_id={ann}")
    );
    let page = site.open("/messages?contact=ann&status=delivered").await.ok();
    page.must_say("Several contacts match");
    assert_eq!(
        site.open(&link(&page, &format!("contact_id={ann}"))).await.ok().path,
        format!("/messages?status=delivered&contact_id={ann}")
    );
    let page = site.open("/messages?contact=Zoe").await.ok();
    page.must_say("No contact matches");
    assert!(page.html.contains("value=\"Zoe\""), "the typed value is shown again");

    // Two hours later.
    app.clock.advance(chrono::TimeDelta::hours(2));
    assert!(listed(&site.open("/messages?within=hour").await.ok()).is_empty());
    assert_eq!(listed(&site.open("/messages?within=day").await.ok()).len(), 4);
    let today = app.clock.now().date_naive();
    assert_eq!(
        listed(&site.open(&format!("/messages?from_day={today}&to_day={today}")).await.ok()).len(),
        4
    );
    let yesterday = today.pred_opt().unwrap();
    assert!(listed(&site.open(&format!("/messages?to_day={yesterday}")).await.ok()).is_empty());
    site.open("/messages?within=year&to=12").await.ok().must_say("Can’t use this filter");
}

/// SQL: inserts past messages, one per second up to `until`, with UUIDv7 ids of their time.
fn insert_past_messages(
    count: u32,
    until: &str,
    status: &str,
    body: &str,
    twilio: &Twilio,
) -> String {
    format!(
        "INSERT INTO messages (id, connection_id, created_at, status_at, parts, status, direction,
            encoding, to_address, sender_id, body)
         SELECT (lpad(to_hex((extract(epoch FROM at) * 1000)::bigint), 12,
             '0') || '7' || substr(md5(n::text || '{body}'), 1, 3) || '8'
             || substr(md5(n::text), 1, 15))::uuid,
             '{}', at, at, 1, '{status}', 'outbound', 'gsm7', '+1206555' || lpad((n % 10000)::text,
                 4, '0'), '{}', '{body} ' || n
         FROM (SELECT n, {until}::timestamptz - n * interval '1 second' AS at
             FROM generate_series(1, {count}) AS n) AS past",
        twilio.connection_id, twilio.sender_id
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rare_message_is_found_however_many_are_newer() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let now = app.clock.now();
    let ago = |days: i64| format!("'{}'", (now - chrono::TimeDelta::days(days)).to_rfc3339());
    app.run_sql(&insert_past_messages(1, &ago(40), "failed", "A needle", &twilio)).await;
    app.run_sql(&insert_past_messages(30_000, &ago(10), "delivered", "Hay", &twilio)).await;
    app.run_sql(&insert_past_messages(15_000, &ago(1), "delivered", "Hay", &twilio)).await;
    let site = app.sign_in_as(Role::Viewer).await;
    // By the ledger, the list skips the days without a failed message.
    let page = site.open("/messages?status=failed").await.ok();
    assert_eq!(listed(&page).len(), 1);
    assert!(
        !page.says("Search further back")
            && !site.open("/messages?status=expired").await.ok().says("Search further back")
    );
    // A search in texts scans the list in parts and shows how far it got.
    let mut page = site.open("/messages?text=needle").await.ok();
    let mut pages = 1;
    while listed(&page).is_empty() {
        page.must_say("Searched back to");
        page = site.open(&link(&page, "rel=\"next\"")).await.ok();
        pages += 1;
    }
    assert_eq!((pages, listed(&page).len(), page.says("Search further back")), (7, 1, false));
    // A past day is found at once, and the export contains the whole list.
    let day = (now - chrono::TimeDelta::days(40)).date_naive();
    assert_eq!(
        listed(
            &site.open(&format!("/messages?from_day={day}&to_day={day}&text=needle")).await.ok()
        )
        .len(),
        1
    );
    let file = site.open("/messages/export?text=needle").await.ok();
    assert_eq!(records(&file).len(), 1);
    // The API has a cursor after an empty page, too.
    let (mut found, mut cursor) = (Vec::new(), String::new());
    loop {
        let page = app.api().get(&format!("/messages?text=needle{cursor}")).await.ok();
        found
            .extend(page["data"].as_array().unwrap().iter().map(|message| message["body"].clone()));
        let Some(next) = page["next_cursor"].as_str() else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(found, [json!("A needle 1")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filtered_list_is_paged_back_and_forth() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let now = format!("'{}'", app.clock.now().to_rfc3339());
    app.run_sql(&insert_past_messages(120, &now, "delivered", "Even", &twilio)).await;
    let site = app.sign_in_as(Role::Viewer).await;
    let first = site.open("/messages?status=delivered").await.ok();
    let second = site.open(&link(&first, "rel=\"next\"")).await.ok();
    let third = site.open(&link(&second, "rel=\"next\"")).await.ok();
    assert_eq!([&first, &second, &third].map(|page| listed(page).len()), [50, 50, 20]);
    assert!(!third.html.contains("rel=\"next\""));
    let back = site.open(&link(&third, "rel=\"prev\"")).await.ok();
    assert_eq!(listed(&back), listed(&second));
    let start = site.open(&link(&back, "rel=\"prev\"")).await.ok();
    assert_eq!(listed(&start), listed(&first));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_page_of_the_list_loses_nothing_on_either_side() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let ago =
        |days: i64| format!("'{}'", (app.clock.now() - chrono::TimeDelta::days(days)).to_rfc3339());
    app.run_sql(&insert_past_messages(12_000, &ago(20), "delivered", "Hay", &twilio)).await;
    app.run_sql(&insert_past_messages(1, &ago(10), "delivered", "A needle", &twilio)).await;
    app.run_sql(&insert_past_messages(12_000, &ago(1), "delivered", "Hay", &twilio)).await;
    let needle = app
        .texts("SELECT id::text AS text FROM messages WHERE body LIKE 'A needle%'")
        .await
        .remove(0);
    let site = app.sign_in_as(Role::Viewer).await;
    for (place, way_back) in [("older", "prev"), ("newer", "next")] {
        let empty = site.open(&format!("/messages?text=needle&{place}={needle}")).await.ok();
        assert!(listed(&empty).is_empty(), "{place}");
        let back = site.open(&link(&empty, &format!("rel=\"{way_back}\""))).await.ok();
        assert_eq!(listed(&back), [needle.as_str()], "{place}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_selected_template_stays_selected_when_it_is_archived() {
    let app = TestApp::start().await;
    let template = app.template("Hello!").await;
    let site = app.sign_in_as(Role::Marketer).await;
    let chosen = format!("/messages?template_id={template}");
    let page = site.open(&format!("/templates/{template}")).await.ok();
    site.send(&page.form(&format!("/templates/{template}/archive"))).await.ok();
    let page = site.open(&chosen).await.ok();
    let option = format!("<option value=\"{template}\"");
    assert!(
        page.html.contains(&format!("{option} selected")) && !page.says("another one"),
        "{}",
        page.html
    );
    assert!(
        !site.open("/messages").await.ok().html.contains(&option),
        "an archived template is not offered"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_impossible_filter_is_not_a_server_error() {
    let app = TestApp::start().await;
    let site = app.sign_in_as(Role::Viewer).await;
    for query in [
        "to_day=-262143-01-01",
        "from_day=%2B262142-12-31",
        "to_day=%2B99999-01-01",
        "reason=%00",
        "text=%00",
        "contact=%00",
    ] {
        let page = site.open(&format!("/messages?{query}")).await;
        assert!(page.status < 500, "{query}: {}", page.status);
        for path in ["/messages/export", "/messages/live"] {
            let status =
                site.get(&format!("{path}?{query}&rows=")).send().await.unwrap().status().as_u16();
            assert!(status < 500, "{path}?{query}: {status}");
        }
        assert!(
            app.api().get(&format!("/messages?{query}")).await.status < 500,
            "the API, {query}"
        );
    }
    site.open("/messages?reason=%00").await.must_say("Can’t use this filter");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_filter_is_saved_as_a_view_for_all_users() {
    let app = TestApp::start().await;
    let marketer = app.sign_in_as(Role::Marketer).await;
    let page = marketer.open("/messages?status=failed&within=day").await.ok();
    let form = page.form("/messages/views");
    let page = marketer.send(&form.clone().with("name", " ")).await;
    assert_eq!(page.status, 422);
    page.must_say("Enter a name.");
    let page = marketer.send(&form.clone().with("name", "Failed <today>")).await.ok();
    assert_eq!(page.path, "/messages?status=failed&within=day");
    page.must_say("View saved");
    assert!(
        page.html.contains("aria-current=\"page\"><bdi>Failed &lt;today&gt;<"),
        "the view is the one that is shown"
    );
    assert!(
        !page.html.contains("action=\"/messages/views\""),
        "a saved view cannot be saved again"
    );
    let page = marketer.send(&form.with("name", "failed <TODAY>")).await;
    assert_eq!(page.status, 422);
    page.must_say("Another view has this name.");
    assert!(page.html.contains("value=\"failed &lt;TODAY&gt;\""), "the typed value is shown again");

    let viewer = app.sign_in_as(Role::Viewer).await;
    let page = viewer.open("/messages").await.ok();
    assert_eq!(link(&page, "status=failed"), "/messages?status=failed&within=day");
    let page = viewer.open("/messages?status=sent").await.ok();
    assert!(!page.html.contains("action=\"/messages/views\""));
    viewer.open("/messages/views").await.ok().must_say("Made by Ada");

    let views = marketer.open("/messages/views").await.ok();
    let id = app.texts("SELECT id::text AS text FROM message_views").await.remove(0);
    let views = marketer
        .send(&views.form(&format!("/messages/views/{id}")).with("name", &"x".repeat(61)))
        .await;
    assert_eq!(views.status, 422);
    views.must_say("up to 60 characters");
    let views = marketer
        .send(&views.form(&format!("/messages/views/{id}")).with("name", "Trouble"))
        .await
        .ok();
    views.must_say("Trouble");
    let views = marketer.send(&views.form(&format!("/messages/views/{id}/delete"))).await.ok();
    views.must_say("No views yet");
    assert_eq!(app.count("message_views").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_can_begin_with_the_oldest_message() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let now = format!("'{}'", app.clock.now().to_rfc3339());
    app.run_sql(&insert_past_messages(120, &now, "delivered", "Many", &twilio)).await;
    let all = app.texts("SELECT id::text AS text FROM messages ORDER BY id").await;
    let site = app.sign_in_as(Role::Viewer).await;
    let newest = site.open("/messages").await.ok();
    let first = site.open(&link(&newest, "/messages?sort=oldest")).await.ok();
    let second = site.open(&link(&first, "rel=\"prev\"")).await.ok();
    let third = site.open(&link(&second, "rel=\"prev\"")).await.ok();
    let shown = [listed(&first), listed(&second), listed(&third)];
    assert_eq!(shown.concat(), all);
    assert!(!first.html.contains("rel=\"next\"") && !third.html.contains("rel=\"prev\""));
    let back = site.open(&link(&third, "rel=\"next\"")).await.ok();
    assert_eq!(listed(&back), shown[1]);
    let start = site.open(&link(&back, "rel=\"next\"")).await.ok();
    assert_eq!(listed(&start), shown[0]);

    let none = site.open("/messages?sort=oldest&status=failed").await.ok();
    none.must_say("No such messages");
}

#[tokio::test(flavor = "multi_thread")]
async fn views_say_how_many_messages_they_have() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    let ann = contact(&app, HANDSET, "Ann", "Moreno").await;
    app.simulator
        .inject(Rule::always(Fault::Undelivered { code: 30003 }).for_handset(OTHER_HANDSET));
    send(&app, HANDSET, "One", &twilio).await;
    send(&app, HANDSET, "Two", &twilio).await;
    send(&app, OTHER_HANDSET, "Three", &twilio).await;
    app.run_until_idle().await;
    app.text(HANDSET, &twilio.sender, "Thank you").await;
    let marketer = app.sign_in_as(Role::Marketer).await;
    for (name, filter) in [("Ann", format!("contact_id={ann}")), ("Twos", "text=two".to_owned())] {
        let page = marketer.open(&format!("/messages?{filter}")).await.ok();
        marketer.send(&page.form("/messages/views").with("name", name)).await.ok();
    }
    let page = marketer.open("/messages").await.ok();
    page.must_say("All 4 Sent 3 Received 1 Not delivered 1 On the way 0 Ann 3 Twos 1");

    // Of many messages, those of a word would have to be read.
    let now = format!("'{}'", app.clock.now().to_rfc3339());
    app.run_sql(&insert_past_messages(1_200, &now, "sent", "Many", &twilio)).await;
    let counts = "All 1,000+ Sent 1,000+ Received 1 Not delivered 1 On the way 1,000+ Ann 3 Twos";
    for view in ["/messages", "/messages?outcome=failed", "/messages?text=two"] {
        let page = marketer.open(view).await.ok();
        page.must_say(&format!("{counts} Edit views"));
    }
    let page = marketer.open("/messages?status=delivered").await.ok();
    page.must_say("All Sent Received Not delivered On the way Ann Twos Edit views");
}

/// The records of a CSV file, as JSON objects.
fn records(file: &Page) -> Vec<Value> {
    let text = file.html.trim_start_matches('\u{feff}');
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let header: Vec<String> = reader.headers().unwrap().iter().map(str::to_owned).collect();
    let record = |record: csv::StringRecord| {
        header.iter().cloned().zip(record.iter().map(Value::from)).collect::<Value>()
    };
    reader.records().map(|line| record(line.unwrap())).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_export_contains_what_the_list_shows() {
    let app = TestApp::start().await;
    let twilio = app.connect_twilio().await;
    contact(&app, HANDSET, "=cmd|'/c calc'!A0", "Ünal").await;
    let texts = [
        "Plain",
        "Two\nlines, \"quoted\", and ümläuts ☕",
        "=HYPERLINK(\"https://evil.example\")",
        "-1 day",
        "@all",
    ];
    for text in texts {
        send(&app, HANDSET, text, &twilio).await;
    }
    send(&app, OTHER_HANDSET, "Another recipient", &twilio).await;
    app.run_until_idle().await;
    let now = format!("'{}'", app.clock.now().to_rfc3339());
    app.run_sql(&insert_past_messages(2_500, &now, "delivered", "Many", &twilio)).await;
    let site = app.sign_in_as(Role::Viewer).await;

    let filter = "text=&contact_id=&to=%2B12065550111&status=delivered";
    let file = site.open(&format!("/messages/export?{filter}")).await.ok();
    assert!(file.html.contains("\r\n"), "lines end with CRLF, as in RFC 4180");
    let lines = records(&file);
    let of_list = listed(&site.open(&format!("/messages?{filter}")).await.ok());
    assert_eq!(lines.iter().map(|line| line["id"].as_str().unwrap()).collect::<Vec<_>>(), of_list);
    let written: Vec<&str> = lines
        .iter()
        .rev()
        .filter_map(|line| line["text"].as_str())
        .filter(|text| !text.starts_with("Many"))
        .collect();
    assert_eq!(
        written,
        ["Plain", texts[1], "'=HYPERLINK(\"https://evil.example\")", "'-1 day", "'@all"]
    );
    let newest = &lines[0];
    assert_eq!(
        (newest["to"].as_str(), newest["status"].as_str()),
        (Some(HANDSET), Some("delivered"))
    );
    assert_eq!(newest["contact"], json!("'=cmd|'/c calc'!A0 Ünal"));
    assert!(newest["created_at"].as_str().unwrap().ends_with("+00:00"), "{newest}");

    let all = records(&site.open("/messages/export").await.ok());
    let mut ids: Vec<&str> = all.iter().map(|line| line["id"].as_str().unwrap()).collect();
    assert_eq!(ids.len(), 2_506);
    assert!(ids.is_sorted_by(|newer, older| newer > older), "each message once, newest first");
    ids.dedup();
    assert_eq!(ids.len(), 2_506);

    let answer = site.get("/messages/export").send().await.unwrap();
    let named = answer.headers()["content-disposition"].to_str().unwrap().to_owned();
    assert_eq!(
        named,
        format!("attachment; filename=\"messages-{}.csv\"", app.clock.now().format("%Y-%m-%d"))
    );
    assert_eq!(site.open("/messages/export?status=gone").await.status, 400);
    assert_eq!(app.site().open("/messages/export").await.path, "/login?next=%2Fmessages%2Fexport");
}
