//! Migrations: applied, reverted and applied again, with the same schema as before.

use carillon::db::{self, MIGRATIONS};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::MigrationHarness;

use crate::harness::test_database::TestDatabase;

/// The versions of migrations that change rows, and nothing of the schema.
const OF_ROWS: &[&str] = &["20261201110000"];

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

/// The schema: columns, constraints, indexes and functions, one per line.
async fn schema(database: &TestDatabase) -> Vec<String> {
    let query = "
        SELECT text FROM (
            SELECT table_name || '.' || column_name || ' ' || udt_name || ' ' || is_nullable || ' '
                || coalesce(column_default, '') AS text
            FROM information_schema.columns WHERE table_schema = 'public'
            UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' ||
                pg_get_constraintdef(oid) FROM pg_constraint
            WHERE connamespace = 'public'::regnamespace
            UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
            UNION ALL SELECT proname || ' ' || prosrc FROM pg_proc
                WHERE pronamespace = 'public'::regnamespace
        ) AS everything ORDER BY text";
    let rows: Vec<Row> =
        sql_query(query).load(&mut database.target().connect().await.unwrap()).await.unwrap();
    rows.into_iter().map(|row| row.text).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn all_migrations_can_be_reverted_and_applied_again() {
    let database = TestDatabase::create_empty().await;
    let applied = db::migrate(&database.target()).await.unwrap();
    let first = schema(&database).await;
    assert!(applied.len() >= 7 && first.len() > 100);

    let conn = database.target().connect().await.unwrap();
    let reverted = tokio::task::spawn_blocking(move || {
        AsyncMigrationHarness::new(conn)
            .revert_all_migrations(MIGRATIONS)
            .map(|reverted| reverted.len())
            .unwrap()
    });
    assert_eq!(reverted.await.unwrap(), applied.len());
    let leftover = schema(&database).await;
    assert!(
        leftover.iter().all(|line| line.contains("__diesel_schema_migrations")),
        "left behind: {leftover:#?}"
    );

    assert_eq!(db::migrate(&database.target()).await.unwrap(), applied);
    assert_eq!(schema(&database).await, first);
    assert_eq!(
        db::migrate(&database.target()).await.unwrap(),
        Vec::<String>::new(),
        "the second run applies no migration"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_latest_migrations_can_be_reverted_one_by_one() {
    let database = TestDatabase::create_empty().await;
    db::migrate(&database.target()).await.unwrap();
    let mut last = schema(&database).await;
    for _ in 0..3 {
        let conn = database.target().connect().await.unwrap();
        let reverted = tokio::task::spawn_blocking(move || {
            AsyncMigrationHarness::new(conn)
                .revert_last_migration(MIGRATIONS)
                .map(|version| version.to_string())
                .unwrap()
        });
        let reverted = reverted.await.unwrap();
        let now = schema(&database).await;
        assert_eq!(now == last, OF_ROWS.contains(&reverted.as_str()), "{reverted}");
        last = now;
    }
    db::migrate(&database.target()).await.unwrap();
}
