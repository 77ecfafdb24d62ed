//! Pages read few rows however large their table is, by the statistics of PostgreSQL.

use std::collections::BTreeSet;

use carillon::automations::{self, EnrollmentFilter, EnrollmentStatus, counts};
use carillon::contacts::{self, ContactFilter, Position, SCAN_LIMIT};
use carillon::db::Conn;
use carillon::messages::log::next_job::{self, NextJob};
use carillon::messages::message as messages;
use carillon::search::SearchText;
use carillon::types::id::{AutomationId, ContactId, MessageId};
use diesel_async::RunQueryDsl;

use crate::harness::TestApp;

#[derive(diesel::QueryableByName)]
struct Read {
    #[diesel(sql_type = diesel::sql_types::BigInt)]
    rows: i64,
}

/// The rows of a table that this transaction has read, by index or sequentially.
async fn rows_read(conn: &mut Conn, table: &str) -> i64 {
    let query = format!(
        "SELECT seq_tup_read + idx_tup_fetch AS rows FROM pg_stat_xact_user_tables
            WHERE relname = '{table}'"
    );
    let read: Read = diesel::sql_query(query).get_result(conn).await.unwrap();
    read.rows
}

/// Runs work in a transaction, and returns how many rows of a table it read.
async fn count_rows_read<T>(
    app: &TestApp,
    table: &str,
    work: impl AsyncFnOnce(&mut Conn) -> T,
) -> (T, i64) {
    let conn = &mut *app.conn().await;
    diesel::sql_query("BEGIN").execute(conn).await.unwrap();
    let before = rows_read(conn, table).await;
    let done = work(conn).await;
    let read = rows_read(conn, table).await - before;
    diesel::sql_query("COMMIT").execute(conn).await.unwrap();
    (done, read)
}

impl TestApp {
    /// Runs an insert and updates the statistics of its table.
    async fn fill(&self, table: &str, statement: &str) {
        self.run_sql(statement).await;
        self.run_sql(&format!("ANALYZE {table}")).await;
    }

    async fn message(&self, status: &str, automation: Option<AutomationId>) -> MessageId {
        let id = MessageId::at(self.clock.now());
        let automation = automation.map_or_else(|| "NULL".to_owned(), |id| format!("'{id}'"));
        self.run_sql(&format!(
            "INSERT INTO messages (id, connection_id, created_at, status_at, parts, status,
                direction, encoding, to_address, automation_id, body)
             SELECT '{id}', gen_random_uuid(), at, at, 1, '{status}', 'outbound', 'gsm7',
                 '+14155550123', {automation}, 'Hi'
             FROM (SELECT '{now}'::timestamptz AS at) AS now",
            now = self.clock.now().to_rfc3339(),
        ))
        .await;
        id
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pending_message_finds_its_job_among_very_many() {
    let app = TestApp::start().await;
    let (pending, delivered) =
        (app.message("pending", None).await, app.message("delivered", None).await);
    let now = app.clock.now().to_rfc3339();
    // 15,000 jobs are due earlier, the job of the message in a minute, and 15,000 later.
    app.fill(
        "jobs",
        &format!(
            "INSERT INTO jobs (kind, subject, run_at, created_at)
             SELECT CASE n WHEN 0 THEN 'send' ELSE 'advance' END, CASE n WHEN 0
                 THEN '{pending}'::uuid ELSE gen_random_uuid() END,
                 CASE n WHEN 0 THEN now + interval '1 minute' ELSE now + n * interval '1 hour' END,
                     now
             FROM (SELECT '{now}'::timestamptz AS now) AS now, generate_series(-15000, 15000) AS n"
        ),
    )
    .await;
    let plan = async |conn: &mut Conn, id| {
        let message = messages::find(conn, id).await.unwrap();
        next_job::find(conn, &message).await.unwrap()
    };
    let (planned, read) =
        count_rows_read(&app, "jobs", async |conn: &mut Conn| plan(conn, pending).await).await;
    assert_eq!(planned, NextJob::At(app.clock.now() + chrono::TimeDelta::minutes(1)));
    assert!(read <= 10_000, "{read} jobs were read");
    let (planned, read) =
        count_rows_read(&app, "jobs", async |conn: &mut Conn| plan(conn, delivered).await).await;
    assert_eq!((planned, read), (NextJob::Unknown, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_counts_of_an_automation_come_from_its_newest_enrollments_and_the_ledger() {
    let app = TestApp::start().await;
    let automation = AutomationId::new();
    for status in ["delivered", "delivered", "failed"] {
        app.message(status, Some(automation)).await;
    }
    // The oldest 5,000 have failed; of the others, every tenth is active.
    app.fill(
        "enrollments",
        &format!(
            "INSERT INTO enrollments (id, automation_id, version, contact_id, cause, status,
                due_at, started_at, finished_at, reason)
             SELECT lpad(to_hex(n), 32, '0')::uuid, '{automation}', 1, gen_random_uuid(),
                 'contact:' || n, status, now(), now(),
                 CASE WHEN status <> 'active' THEN now() END, CASE WHEN status = 'failed'
                     THEN 'No sender.' END
             FROM (SELECT n, CASE WHEN n < 5000 THEN 'failed' WHEN n % 10 = 0 THEN 'active'
                 ELSE 'completed' END AS status
                   FROM generate_series(0, 24999) AS n) AS past"
        ),
    )
    .await;
    let (newest, read) = count_rows_read(&app, "enrollments", async |conn: &mut Conn| {
        counts::newest(conn, automation).await.unwrap()
    })
    .await;
    let by_status =
        [EnrollmentStatus::Active, EnrollmentStatus::Completed, EnrollmentStatus::Failed]
            .map(|status| newest.with(status));
    assert_eq!((by_status, newest.scanned), ([2_000, 18_000, 0], 20_000));
    assert!(read <= 20_000, "{read} enrollments were read");
    let now = app.clock.now();
    let (counts, read) = count_rows_read(&app, "messages", async |conn: &mut Conn| {
        counts::messages(conn, automation, now).await.unwrap()
    })
    .await;
    assert_eq!((counts.recipients, counts.delivered, counts.failed, read), (3, 2, 1, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn contacts_in_a_former_version_are_found_behind_very_many_in_the_current_one() {
    let app = TestApp::start().await;
    let (automation, now) = (AutomationId::new(), app.clock.now());
    let saved = now - chrono::TimeDelta::days(1);
    app.run_sql(&format!(
        "INSERT INTO automations (id, name, status, created_at, updated_at) VALUES ('{automation}',
            'A', 'active', now(), now())"
    ))
    .await;
    app.run_sql(&format!(
        "INSERT INTO automation_versions (automation_id, version, trigger, steps, created_at)
         VALUES ('{automation}', 1, '{{}}', '[]', now()), ('{automation}', 2, '{{}}', '[]', '{}')",
        saved.to_rfc3339()
    ))
    .await;
    // Ten contacts per second: 15,000 entered version 1 before the edit, and 25,000 version 2 after
    // it; every hundredth is active.
    app.fill(
        "enrollments",
        &format!(
            "INSERT INTO enrollments (id, automation_id, version, contact_id, cause, status,
                due_at, started_at, finished_at)
             SELECT (lpad(to_hex({saved} + n * 100), 12, '0') || '00000000000000000000')::uuid,
                 '{automation}', CASE WHEN n < 0 THEN 1 ELSE 2 END,
                 gen_random_uuid(), 'contact:' || n, status, now(), now(),
                     CASE WHEN status <> 'active' THEN now() END
             FROM (SELECT n, CASE WHEN n % 100 = 0 THEN 'active' ELSE 'completed' END AS status
                 FROM generate_series(-15000, 24999) AS n) AS past",
            saved = saved.timestamp_millis()
        ),
    )
    .await;
    let (passages, read) = count_rows_read(&app, "enrollments", async |conn: &mut Conn| {
        counts::by_step(conn, automation, 2).await.unwrap()
    })
    .await;
    assert_eq!((passages.scanned, passages.with(EnrollmentStatus::Active)), (5_000, 50));
    assert_eq!(
        passages.inside_former,
        [(1, 49)].into(),
        "the enrollments of the last 8 minutes of version 1"
    );
    assert!(read <= 20_000, "{read} enrollments were read");

    let filter = EnrollmentFilter {
        status: Some(EnrollmentStatus::Active),
        version: Some(1),
        ..EnrollmentFilter::default()
    };
    let (listed, read) = count_rows_read(&app, "enrollments", async |conn: &mut Conn| {
        automations::enrollments(conn, automation, &filter, None, 50).await.unwrap()
    })
    .await;
    assert!(
        listed.len() == 50
            && listed.iter().all(|one| one.version == 1 && one.status == EnrollmentStatus::Active),
        "{listed:?}"
    );
    assert!(listed.is_sorted_by(|newer, older| newer.id > older.id));
    assert!(read <= 40_050, "{read} enrollments were read");
}

/// Creates 100,000 contacts, of which the oldest 6,000 have a `legacy.` email address.
async fn many_contacts(app: &TestApp) {
    app.fill(
        "contacts",
        "INSERT INTO contacts (id, phone, first_name, email, created_at, updated_at)
         SELECT lpad(to_hex(n), 32, '0')::uuid, '+1206' || (2000000 + n), CASE WHEN n = 7
             THEN 'Zebedee' ELSE 'Ann' END,
             CASE WHEN n < 6000 THEN 'legacy.' ELSE 'new.' END || n || '@example.com', now(), now()
         FROM generate_series(0, 99999) AS n",
    )
    .await;
}

fn search(text: &str) -> ContactFilter {
    ContactFilter { search: text.to_owned(), ..ContactFilter::default() }
}

fn contact(number: u128) -> ContactId {
    ContactId(uuid::Uuid::from_u128(number))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_with_many_matches_far_down_the_list_reads_it_in_parts_and_misses_no_contact() {
    let app = TestApp::start().await;
    many_contacts(&app).await;
    let filter = search("legacy.");
    let (mut position, mut seen, mut pages) = (Position::Newest, Vec::new(), 0);
    loop {
        let list_page =
            async |conn: &mut Conn| contacts::list(conn, &filter, position, 500).await.unwrap();
        let (page, read) = count_rows_read(&app, "contacts", list_page).await;
        pages += 1;
        // The scanned part of the list and its count; the nearest matches of four queries and their
        // count; the rows that show that there are many matches; and the page itself.
        assert!(
            read <= 2 * SCAN_LIMIT + 5 * 2_000 + 2_001 + 1_001,
            "{read} contacts were read for page {pages}"
        );
        assert!(
            page.ends_early || page.contacts.len() == 500,
            "a page that is not full is marked as ending early"
        );
        seen.extend(page.contacts.iter().map(|contact| contact.id));
        match page.older {
            Some(id) => position = Position::OlderThan(id),
            None => break,
        }
    }
    assert_eq!(seen.len(), 6_000);
    assert!(seen.is_sorted_by(|newer, older| newer > older), "newest first, no contact twice");
    // Back from the last contact to the first.
    let (mut position, mut back) = (Position::NewerThan(contact(0)), BTreeSet::new());
    for _ in 0..20 {
        let page = contacts::list(&mut *app.conn().await, &filter, position, 500).await.unwrap();
        back.extend(page.contacts.iter().map(|contact| contact.id));
        match page.newer {
            Some(id) => position = Position::NewerThan(id),
            None => break,
        }
    }
    assert_eq!(back.len(), 5_999, "all but the contact at the starting position");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_with_few_matches_uses_its_index() {
    let app = TestApp::start().await;
    many_contacts(&app).await;
    for (text, first) in [("zebedee", 7), ("legacy.59", 5_999), ("2000123", 123)] {
        let filter = search(text);
        let list_page = async |conn: &mut Conn| {
            contacts::list(conn, &filter, Position::Newest, 50).await.unwrap()
        };
        let (page, read) = count_rows_read(&app, "contacts", list_page).await;
        assert_eq!(
            (page.contacts.as_slice().first().map(|found| found.id), page.ends_early),
            (Some(contact(first)), false),
            "{text}"
        );
        assert!(read <= 10_000, "{read} contacts were read for {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_list_of_a_tag_pages_from_any_position_however_many_contacts_have_it() {
    let app = TestApp::start().await;
    many_contacts(&app).await;
    app.run_sql(
        "INSERT INTO tags (id, name, created_at) VALUES ('00000000-0000-0000-0000-00000000007a',
            'Customer', now())",
    )
    .await;
    let tagging = "INSERT INTO contact_tags (contact_id, tag_id, added_at) SELECT id,
                      '00000000-0000-0000-0000-00000000007a', now() FROM contacts";
    app.fill("contact_tags", tagging).await;
    let tag = contacts::tags::TagName::parse("Customer").unwrap();
    for (text, position) in [
        ("", Position::OlderThan(contact(100))),
        ("", Position::NewerThan(contact(100))),
        ("ann", Position::OlderThan(contact(100))),
    ] {
        let filter = ContactFilter { tag: Some(tag.clone()), ..search(text) };
        let list_page =
            async |conn: &mut Conn| contacts::list(conn, &filter, position, 50).await.unwrap();
        let (page, read) = count_rows_read(&app, "contacts", list_page).await;
        assert_eq!(page.contacts.len(), 50);
        assert!(read <= 6_000, "{read} contacts were read for {position:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_search_for_everything_shows_a_few_contacts_and_reads_a_bounded_number() {
    let app = TestApp::start().await;
    many_contacts(&app).await;
    for (text, count) in [("ann", 6), ("legacy.", 0), ("zebedee", 1), ("206", 6), ("xyzzy", 0)] {
        let text = SearchText::parse(text, None).unwrap().unwrap();
        let find = async |conn: &mut Conn| carillon::search::find(conn, &text, None).await.unwrap();
        let (found, read) = count_rows_read(&app, "contacts", find).await;
        assert_eq!(found.contacts.len(), count, "{text:?}");
        assert_eq!(found.has_more_contacts, count != 1 && text.as_str() != "xyzzy", "{text:?}");
        assert!(
            read <= 2 * SCAN_LIMIT + 5 * 2_000 + 2_001,
            "{read} contacts were read for {text:?}"
        );
    }
}
