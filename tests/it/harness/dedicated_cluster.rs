//! A dedicated PostgreSQL server for one story, which can stop, kill and restart it and delay its
//! commits.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use carillon::db::{Conn, Durability, Embedded, EmbeddedOptions, Target};
use diesel_async::SimpleAsyncConnection;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::sync::Mutex;

use super::test_database::Backend;
use super::waiting::between_polls;

/// A PostgreSQL cluster in its own directory; [`DedicatedCluster::remove`] deletes it.
pub(crate) struct DedicatedCluster {
    options: EmbeddedOptions,
    /// The `DATABASE_URL` of its database.
    pub(crate) url: String,
    server: Mutex<Option<Embedded>>,
}

impl DedicatedCluster {
    /// Creates and starts a cluster that records commit timestamps.
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
        cluster.restart().await;
        cluster
    }

    /// Shuts the server down cleanly: it cuts connections and keeps all commits.
    pub(crate) async fn stop(&self) {
        if let Some(server) = self.server.lock().await.take() {
            server.stop().await;
        }
    }

    /// Starts the server again after [`DedicatedCluster::stop`].
    pub(crate) async fn restart(&self) {
        let server = Embedded::attach_or_start(self.options.clone()).await.unwrap();
        *self.server.lock().await = Some(server);
    }

    /// The directory with the programs of PostgreSQL.
    pub(super) fn programs(&self) -> PathBuf {
        let server = fs::read_link(format!("/proc/{}/exe", self.postmaster())).unwrap();
        server.parent().unwrap().to_owned()
    }

    /// Kills the server with SIGKILL; its keeper restarts it, and it recovers.
    pub(crate) fn kill(&self) {
        kill(self.postmaster(), Signal::SIGKILL).unwrap();
    }

    fn postmaster(&self) -> Pid {
        let pid_file =
            fs::read_to_string(self.directory().join("postgres/postmaster.pid")).unwrap();
        Pid::from_raw(pid_file.lines().next().unwrap().parse().unwrap())
    }

    /// Delays commits: the server writes each commit, but its client waits for the confirmation
    /// until [`DedicatedCluster::release_commits`].
    pub(crate) async fn hold_commits(&self) {
        assert_eq!(
            self.options.durability,
            Durability::Durable,
            "a volatile cluster does not wait for standbys"
        );
        self.run("ALTER SYSTEM SET synchronous_standby_names = 'absent'").await;
        self.run("SELECT pg_reload_conf()").await;
        // The server applies the setting asynchronously; a commit that hangs proves that it has.
        let started = Instant::now();
        loop {
            let mut probe = self.connect().await;
            let commit = probe.batch_execute("SELECT pg_logical_emit_message(true, 'probe', '')");
            let hangs = tokio::time::timeout(Duration::from_millis(100), commit).await.is_err();
            let held_commit =
                "SELECT 1 / (SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep')";
            if hangs && self.connect().await.batch_execute(held_commit).await.is_ok() {
                break;
            }
            assert!(started.elapsed() < Duration::from_mins(1), "commits are not held");
        }
    }

    /// Ends [`DedicatedCluster::hold_commits`]: waiting clients that still live get the
    /// confirmation.
    pub(crate) async fn release_commits(&self) {
        self.run("ALTER SYSTEM RESET synchronous_standby_names").await;
        self.run("SELECT pg_reload_conf()").await;
        self.wait_for(
            "SELECT 1 / (SELECT count(*) = 0 FROM pg_stat_activity
                WHERE wait_event = 'SyncRep')::int",
        )
        .await;
    }

    /// Waits until one of the backends waits for the confirmation of its commit.
    pub(crate) async fn wait_for_held_commit(&self, backends: &[Backend]) {
        let pids =
            backends.iter().map(|backend| backend.pid.to_string()).collect::<Vec<_>>().join(", ");
        let held_commit = format!(
            "SELECT 1 / (SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'
                AND pid IN ({pids}))"
        );
        self.wait_for(&held_commit).await;
    }

    /// Repeats a statement until it succeeds.
    async fn wait_for(&self, statement: &str) {
        let started = Instant::now();
        while self.connect().await.batch_execute(statement).await.is_err() {
            assert!(
                started.elapsed() < Duration::from_mins(1),
                "did not succeed within a minute: {statement}"
            );
            between_polls().await;
        }
    }

    async fn run(&self, statement: &str) {
        self.connect().await.batch_execute(statement).await.unwrap();
    }

    async fn connect(&self) -> Conn {
        Target::parse(&self.url).unwrap().connect().await.unwrap()
    }

    /// The directory with all files of the cluster.
    pub(crate) fn directory(&self) -> &PathBuf {
        &self.options.data_dir
    }

    /// Stops the server and removes its files.
    pub(crate) async fn remove(&self) {
        self.stop().await;
        let _ = fs::remove_dir_all(self.directory());
    }
}
