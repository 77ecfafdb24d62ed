//! Migrations: up, all the way down, and up again, ending where they began.

use carillon::db::{self, MIGRATIONS};
use diesel::{QueryableByName, sql_query};
use diesel_async::{AsyncMigrationHarness, RunQueryDsl};
use diesel_migrations::MigrationHarness;

use crate::harness::postgres::TestDatabase;

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = diesel::sql_types::Text)]
    text: String,
}

/// Tables, columns, constraints and indexes, one a line.
async fn shape(database: &TestDatabase) -> Vec<String> {
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
async fn what_goes_up_comes_down_and_goes_up_again() {
    let database = TestDatabase::create_empty().await;
    let applied = db::migrate(&database.target()).await.unwrap();
    let first = shape(&database).await;
    assert!(applied.len() >= 7 && first.len() > 100);

    let conn = database.target().connect().await.unwrap();
    let reverted = tokio::task::spawn_blocking(move || {
        AsyncMigrationHarness::new(conn)
            .revert_all_migrations(MIGRATIONS)
            .map(|reverted| reverted.len())
            .unwrap()
    });
    assert_eq!(reverted.await.unwrap(), applied.len());
    let bare = shape(&database).await;
    assert!(
        bare.iter().all(|line| line.contains("__diesel_schema_migrations")),
        "left behind: {bare:#?}"
    );

    assert_eq!(db::migrate(&database.target()).await.unwrap(), applied);
    assert_eq!(shape(&database).await, first);
    assert_eq!(
        db::migrate(&database.target()).await.unwrap(),
        Vec::<String>::new(),
        "a second time, nothing is to be done"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_migration_can_be_taken_back_alone() {
    let database = TestDatabase::create_empty().await;
    db::migrate(&database.target()).await.unwrap();
    let mut last = shape(&database).await;
    for _ in 0..3 {
        let conn = database.target().connect().await.unwrap();
        tokio::task::spawn_blocking(move || {
            AsyncMigrationHarness::new(conn).revert_last_migration(MIGRATIONS).map(drop).unwrap();
        })
        .await
        .unwrap();
        let now = shape(&database).await;
        assert_ne!(now, last);
        last = now;
    }
    db::migrate(&database.target()).await.unwrap();
}
