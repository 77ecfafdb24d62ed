//! Tests of the migrations on a real server.

use diesel_async::SimpleAsyncConnection;

use super::*;
use crate::db::{Embedded, EmbeddedOptions, Pool};

struct Directory(std::path::PathBuf);

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn migrations_apply_once_however_many_start_at_once_and_a_newer_database_is_refused() {
    let directory = Directory(
        std::env::temp_dir()
            .join(format!("carillon-mg-{}", &uuid::Uuid::new_v4().simple().to_string()[..12])),
    );
    let embedded =
        Embedded::attach_or_start(EmbeddedOptions::new(&directory.0).volatile()).await.unwrap();
    let pool = Pool::new(embedded.target().clone(), 4.try_into().unwrap());
    let mut conn = pool.get().await.unwrap();
    assert!(pending(&mut conn).await.unwrap());

    let (one, other) = tokio::join!(migrate(pool.target()), migrate(pool.target()));
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!(one.len() + other.len(), all().unwrap().len());
    assert!(one.is_empty() || other.is_empty(), "one does all, the other waits");
    assert!(!pending(&mut conn).await.unwrap());

    // Down and up again: every migration can be reverted.
    let own = pool.target().connect().await.unwrap();
    tokio::task::spawn_blocking(move || {
        AsyncMigrationHarness::new(own)
            .revert_all_migrations(MIGRATIONS)
            .map(|done| done.len())
            .unwrap()
    })
    .await
    .unwrap();
    assert!(pending(&mut conn).await.unwrap());
    assert_eq!(migrate(pool.target()).await.unwrap().len(), all().unwrap().len());

    conn.batch_execute(
        "INSERT INTO __diesel_schema_migrations (version) VALUES ('29991231235959')",
    )
    .await
    .unwrap();
    for error in [migrate(pool.target()).await.unwrap_err(), pending(&mut conn).await.unwrap_err()]
    {
        assert!(error.to_string().contains("newer Carillon (to 29991231235959)"), "{error}");
    }
}
