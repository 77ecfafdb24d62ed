//! The migration to one contact for each telephone line: contacts of the same line are merged,
//! their suppressions first.

use carillon::consent::suppression;
use diesel_async::SimpleAsyncConnection;
use serde_json::json;
use twilio_simulator::LONG_CODE;

use crate::harness::{HANDSET, OTHER_HANDSET, TestApp};
use crate::phone_lines::{STOP_TAG, phone, tags};

/// Runs the migration again, in a database with duplicates; the index that forbids some of them
/// must be dropped before.
async fn merge_duplicates(app: &TestApp) {
    let migration = include_str!("../../migrations/2026-11-30-080201_join_double_contacts/up.sql");
    app.conn().await.batch_execute(&format!("BEGIN; {migration} COMMIT;")).await.unwrap();
}

/// Replaces a number in all tables by its form before the migration.
async fn replace_number(app: &TestApp, from: &str, to: &str) {
    let replace_everywhere = format!(
        "UPDATE contacts SET phone = '{to}' WHERE phone = '{from}'; UPDATE suppressions
            SET phone = '{to}' WHERE phone = '{from}';
         UPDATE consent_records SET phone = '{to}' WHERE phone = '{from}'; UPDATE messages
             SET to_address = '{to}' WHERE to_address = '{from}';"
    );
    app.conn().await.batch_execute(&replace_everywhere).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_migration_merges_the_contacts_of_one_line_suppressions_first() {
    for (current, other) in [
        ("+525512345678", "+5215512345678"),
        ("+5511981234567", "+551181234567"),
        ("+541123456789", "+5491123456789"),
    ] {
        let app = TestApp::start().await;
        app.conn().await.batch_execute("DROP INDEX contacts_argentine_line_key").await.unwrap();
        let twilio = app.connect_twilio().await;
        app.sms_on("hello", &twilio, "Hello.").await;
        let known = json!({ "phone": HANDSET, "first_name": "Ann", "external_id": "7", "email": "ann@example.com",
            "attributes": { "city": "Köln" }, "tags": ["VIP"] });
        let survivor = app.api().post("/contacts", known).await.ok()["id"].clone();
        let second = json!({ "phone": OTHER_HANDSET, "last_name": "Smith", "external_id": "8",
            "attributes": { "city": "Bonn", "age": 40 }, "tags": ["new"] });
        app.api().post("/contacts", second).await.ok();
        app.event("hello", HANDSET, json!({})).await;
        app.run_until_idle().await;
        app.text(OTHER_HANDSET, LONG_CODE, "STOP").await;
        app.api()
            .patch(&format!("/connections/{}", twilio.connection_id), json!({ "disabled": true }))
            .await
            .ok();
        app.event("hello", HANDSET, json!({})).await;
        app.run_until_idle().await;
        // The contact is reachable under one number and has texted STOP from the other, in both
        // combinations.
        replace_number(&app, HANDSET, if current == "+541123456789" { current } else { other })
            .await;
        replace_number(
            &app,
            OTHER_HANDSET,
            if current == "+541123456789" { other } else { current },
        )
        .await;

        merge_duplicates(&app).await;
        let contact = app.contact_of(current).await;
        assert_eq!(
            (app.count("contacts").await, &contact["id"], &contact["phone"]),
            (1, &survivor, &json!(current))
        );
        assert_eq!(contact["suppression"]["reason"], "stop", "{current}");
        let mut tags = tags(&contact);
        tags.sort_unstable();
        assert_eq!(tags, [STOP_TAG, "VIP", "new"]);
        assert_eq!(
            (&contact["first_name"], &contact["last_name"], &contact["external_id"]),
            (&json!("Ann"), &json!("Smith"), &json!("7"))
        );
        assert_eq!(
            contact["attributes"],
            json!({ "city": "Köln", "age": 40, "joined_external_id": "8" })
        );
        for rows in ["messages", "events", "enrollments"] {
            let lost = app
                .count(&format!(
                    "{rows} WHERE contact_id IS DISTINCT FROM '{}'",
                    survivor.as_str().unwrap()
                ))
                .await;
            assert_eq!(lost, 0, "{rows} of {current}");
        }
        assert_eq!(
            app.texts(
                "SELECT DISTINCT summary AS text FROM audit_log WHERE actor_name = 'The upgrade'"
            )
            .await,
            ["joined two contacts of one telephone line"]
        );

        // A message pending to the old number is not sent after the STOP of the line.
        app.api()
            .patch(&format!("/connections/{}", twilio.connection_id), json!({ "disabled": false }))
            .await
            .ok();
        app.run_until_idle().await;
        assert_eq!(app.count("messages WHERE status = 'suppressed'").await, 1);
        assert_eq!(app.count("messages WHERE status = 'pending'").await, 0);
        assert_eq!(
            suppression::count_opt_outs(&mut *app.conn().await, chrono::DateTime::UNIX_EPOCH)
                .await
                .unwrap(),
            1
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_migration_keeps_the_older_of_two_stops_and_leaves_invalid_numbers_in_place() {
    let app = TestApp::start().await;
    app.conn().await.batch_execute(
        "DROP INDEX contacts_argentine_line_key;
         INSERT INTO suppressions (id, phone, reason, since) VALUES
            (gen_random_uuid(), '+5215512345678', 'stop', '2026-01-01'), (gen_random_uuid(), '+525512345678', 'stop', '2026-02-01'),
            (gen_random_uuid(), '+5215512345678', 'invalid_number', '2026-03-01'), (gen_random_uuid(), '+5491123456789', 'manual', '2026-01-01'),
            (gen_random_uuid(), '+5491123456789', 'stop', '2026-01-02'), (gen_random_uuid(), '+541123456789', 'stop', '2026-01-03');",
    )
    .await
    .unwrap();
    merge_duplicates(&app).await;
    let suppressions =
        "SELECT phone || ' ' || reason || ' ' || since::date || CASE WHEN counted THEN ''
                   ELSE ' uncounted' END AS text
        FROM suppressions ORDER BY phone COLLATE \"C\", reason";
    assert_eq!(
        app.texts(suppressions).await,
        [
            "+5215512345678 invalid_number 2026-03-01",
            "+525512345678 stop 2026-01-01",
            "+541123456789 manual 2026-01-01 uncounted",
            "+541123456789 stop 2026-01-03",
            "+5491123456789 manual 2026-01-01",
            "+5491123456789 stop 2026-01-02 uncounted",
        ]
    );
}

/// The rules exist twice, in Rust and in the migration, and must agree.
#[tokio::test(flavor = "multi_thread")]
async fn the_migration_and_the_program_know_the_same_old_numbers() {
    let app = TestApp::start().await;
    app.conn().await.batch_execute("DROP INDEX contacts_argentine_line_key").await.unwrap();
    let mut numbers = Vec::new();
    for (code, digits) in [("521", 10), ("55", 10), ("229", 8), ("225", 8), ("841", 9), ("237", 8)]
    {
        for leading in 0..1_000_u64 {
            numbers.push(format!("+{code}{leading:03}{}", "1234567".get(..digits - 3).unwrap()));
        }
    }
    let rows: Vec<String> = numbers
        .iter()
        .map(|number| format!("(gen_random_uuid(), '{number}', 'stop', now())"))
        .collect();
    let insert = format!(
        "INSERT INTO suppressions (id, phone, reason, since) VALUES {} ON CONFLICT DO NOTHING",
        rows.join(", ")
    );
    app.conn().await.batch_execute(&insert).await.unwrap();
    merge_duplicates(&app).await;
    let mut expected: Vec<String> =
        numbers.iter().map(|number| String::from(phone(number).current())).collect();
    expected.sort_unstable();
    expected.dedup();
    assert!(
        expected.len() < numbers.len() + 1
            && expected.iter().filter(|number| !numbers.contains(number)).count() > 1_000
    );
    assert_eq!(
        app.texts("SELECT phone AS text FROM suppressions ORDER BY phone COLLATE \"C\"").await,
        expected
    );
}
