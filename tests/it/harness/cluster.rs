//! A PostgreSQL of one story's own, which may be stopped, killed and started again, and whose
//! commits can be held up.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use carillon::db::{Conn, Durability, Embedded, EmbeddedOptions, Target};
use diesel_async::SimpleAsyncConnection;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::Mutex;

use super::postgres::Backend;

/// A cluster in a directory of its own; gone with this value.
pub(crate) struct OwnCluster {
    options: EmbeddedOptions,
    /// `DATABASE_URL` of its database.
    pub(crate) url: String,
    server: Mutex<Option<Embedded>>,
}

impl OwnCluster {
    /// Makes and starts a cluster that knows when each transaction was committed.
    pub(crate) async fn start(durability: Durability) -> Self {
        let directory = std::env::temp_dir()
            .join(format!("carillon-own-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]));
        DirBuilder::new().mode(0o711).create(&directory).unwrap();
        let options = EmbeddedOptions { durability, ..EmbeddedOptions::new(&directory) };
        let server = Embedded::attach_or_start(options.clone()).await.unwrap();
        let cluster =
            Self { options, url: server.url().to_owned(), server: Mutex::new(Some(server)) };
        cluster.run("ALTER SYSTEM SET track_commit_timestamp = on").await;
        cluster.stop().await;
        cluster.start_again().await;
        cluster
    }

    /// Stops the server in order: connections are cut, nothing that was committed is lost.
    pub(crate) async fn stop(&self) {
        if let Some(server) = self.server.lock().await.take() {
            server.stop().await;
        }
    }

    /// Starts the server again after [`OwnCluster::stop`].
    pub(crate) async fn start_again(&self) {
        let server = Embedded::attach_or_start(self.options.clone()).await.unwrap();
        *self.server.lock().await = Some(server);
    }

    /// Where the programs of the server are.
    pub(super) fn programs(&self) -> PathBuf {
        let server = fs::read_link(format!("/proc/{}/exe", self.postmaster())).unwrap();
        server.parent().unwrap().to_owned()
    }

    /// Kills the server with SIGKILL; its keeper starts it again, and it recovers.
    pub(crate) fn kill(&self) {
        kill(self.postmaster(), Signal::SIGKILL).unwrap();
    }

    fn postmaster(&self) -> Pid {
        let note = fs::read_to_string(self.directory().join("postgres/postmaster.pid")).unwrap();
        Pid::from_raw(note.lines().next().unwrap().parse().unwrap())
    }

    /// From here on, each commit is written, but whoever asked for it waits for the word, until
    /// [`OwnCluster::let_commits_go`].
    pub(crate) async fn hold_commits(&self) {
        assert_eq!(
            self.options.durability,
            Durability::Durable,
            "a volatile cluster does not wait for anybody"
        );
        self.run("ALTER SYSTEM SET synchronous_standby_names = 'nobody'").await;
        self.run("SELECT pg_reload_conf()").await;
        // The server reads its settings a moment later: a commit of ours that hangs shows it.
        let asked = Instant::now();
        loop {
            let mut probe = self.connect().await;
            let commit = probe.batch_execute("SELECT pg_logical_emit_message(true, 'probe', '')");
            let hangs = tokio::time::timeout(Duration::from_millis(100), commit).await.is_err();
            let held =
                "SELECT 1 / (SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep')";
            if hangs && self.connect().await.batch_execute(held).await.is_ok() {
                break;
            }
            assert!(asked.elapsed() < Duration::from_mins(1), "commits are not held");
        }
    }

    /// Ends [`OwnCluster::hold_commits`]: those who wait learn that it was committed, if they still
    /// live.
    pub(crate) async fn let_commits_go(&self) {
        self.run("ALTER SYSTEM RESET synchronous_standby_names").await;
        self.run("SELECT pg_reload_conf()").await;
        self.wait_for(
            "SELECT 1 / (SELECT count(*) = 0 FROM pg_stat_activity
                WHERE wait_event = 'SyncRep')::int",
        )
        .await;
    }

    /// Waits until one of these waits for the word of its commit.
    pub(crate) async fn wait_for_held_commit(&self, whose: &[Backend]) {
        let pids =
            whose.iter().map(|backend| backend.pid.to_string()).collect::<Vec<_>>().join(", ");
        let held = format!(
            "SELECT 1 / (SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'
                AND pid IN ({pids}))"
        );
        self.wait_for(&held).await;
    }

    /// Repeats a statement until it is no error any more.
    async fn wait_for(&self, statement: &str) {
        let asked = Instant::now();
        while self.connect().await.batch_execute(statement).await.is_err() {
            assert!(asked.elapsed() < Duration::from_mins(1), "not within a minute: {statement}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    async fn run(&self, statement: &str) {
        self.connect().await.batch_execute(statement).await.unwrap();
    }

    async fn connect(&self) -> Conn {
        Target::parse(&self.url).unwrap().connect().await.unwrap()
    }

    /// Where its files are.
    pub(crate) fn directory(&self) -> &PathBuf {
        &self.options.data_dir
    }

    /// Stops the server and removes its files.
    pub(crate) async fn remove(&self) {
        self.stop().await;
        let _ = fs::remove_dir_all(self.directory());
    }
}
