//! Periodic work: each routine runs in one worker at a time, and another takes over when it dies.

use carillon::queue::routines::Routine;
use diesel_async::RunQueryDsl;
use uuid::Uuid;

use crate::harness::{TestApp, hours, seconds};

impl TestApp {
    async fn runs(&self, routine: Routine) -> i64 {
        let query = format!("SELECT runs::text AS text FROM routines WHERE name = '{routine}'");
        self.texts(&query).await[0].parse().unwrap()
    }

    async fn sql(&self, statement: &str) {
        diesel::sql_query(statement).execute(&mut *self.conn().await).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_routine_has_its_row_and_none_has_failed() {
    let app = TestApp::start().await;
    let mut names: Vec<&str> = Routine::ALL.iter().map(|routine| routine.as_str()).collect();
    names.sort_unstable();
    assert_eq!(app.texts("SELECT name AS text FROM routines ORDER BY name").await, names);
    app.run_until_idle().await;
    for routine in Routine::ALL {
        assert_eq!(app.runs(*routine).await, 1, "{routine}");
    }
    assert_eq!(app.count("routines WHERE error IS NOT NULL OR worker_id IS NOT NULL").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_due_routine_is_run_by_one_of_many_workers() {
    let app = TestApp::start().await;
    let workers =
        [app.second_worker(), app.second_worker(), app.second_worker(), app.second_worker()];
    for round in 1..=3 {
        let heartbeats =
            futures::future::join_all(workers.iter().map(carillon::worker::Worker::heartbeat))
                .await;
        assert!(heartbeats.iter().all(Result::is_ok));
        assert_eq!(app.runs(Routine::EndSessions).await, round);
        app.clock.advance(hours(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routine_of_a_dead_worker_is_taken_over() {
    let app = TestApp::start().await;
    let (set_worker, dead) = ("UPDATE routines SET worker_id =", Uuid::new_v4());
    app.sql(&format!(
        "INSERT INTO workers VALUES ('{dead}', 'elsewhere', 1, '{0}', '{0}')",
        app.clock.now()
    ))
    .await;
    app.sql(&format!("{set_worker} '{dead}'")).await;
    app.clock.advance(seconds(20));
    app.worker.heartbeat().await.unwrap();
    assert_eq!(app.runs(Routine::EndSessions).await, 0, "its worker may be running it");
    app.clock.advance(seconds(5));
    app.worker.heartbeat().await.unwrap();
    assert_eq!(app.runs(Routine::EndSessions).await, 1);

    app.clock.advance(hours(1));
    app.sql(&format!("{set_worker} '{}'", app.worker.id())).await;
    app.worker.heartbeat().await.unwrap();
    assert_eq!(app.runs(Routine::EndSessions).await, 2, "its completion could not be recorded");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_routine_records_since_when_it_fails_until_it_succeeds() {
    let app = TestApp::start().await;
    let failing = "SELECT coalesce(failing_since::text, 'not') AS text FROM routines
                      WHERE name = 'end_sessions'";
    app.sql("ALTER TABLE sessions RENAME TO gone").await;
    app.worker.heartbeat().await.unwrap();
    let since = app.texts(failing).await;
    assert_ne!(since, ["not"]);
    app.clock.advance(seconds(90));
    app.worker.heartbeat().await.unwrap();
    assert_eq!(app.runs(Routine::EndSessions).await, 2);
    assert_eq!(app.texts(failing).await, since, "the second failure keeps the start of the first");
    app.sql("ALTER TABLE gone RENAME TO sessions").await;
    app.clock.advance(seconds(90));
    app.worker.heartbeat().await.unwrap();
    assert_eq!(app.texts(failing).await, ["not"]);
}
