//! A PostgreSQL primary and its synchronous standby, for stories in which the primary is killed and
//! the standby takes over; see [`Pair`].

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use carillon::db::{Conn, Durability, Target};
use diesel_async::SimpleAsyncConnection;
use parking_lot::Mutex;

use super::dedicated_cluster::DedicatedCluster;
use super::waiting::between_polls;

/// A primary and a standby; [`Pair::remove`] deletes both.
pub(crate) struct Pair {
    /// The `DATABASE_URL` with both hosts; clients use the one that accepts writes.
    pub(crate) url: String,
    cluster: DedicatedCluster,
    primary: Node,
    standby: Node,
}

/// A server without a keeper, so that it stays dead when killed.
struct Node {
    directory: PathBuf,
    program: PathBuf,
    server: Mutex<Option<Child>>,
}

impl Pair {
    /// Creates a cluster, and a standby that has each commit before it is confirmed.
    pub(crate) async fn start() -> Self {
        let cluster = DedicatedCluster::start(Durability::Durable).await;
        let programs = cluster.programs();
        cluster.stop().await;
        let primary = Node::start(cluster.directory(), &programs).await;
        let directory = std::env::temp_dir()
            .join(format!("carillon-two-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]));
        DirBuilder::new().mode(0o711).create(&directory).unwrap();
        for inside in ["postgres", "run"] {
            let path = directory.join(inside);
            DirBuilder::new().mode(0o700).create(&path).unwrap();
            let owner = fs::metadata(cluster.directory().join("postgres")).unwrap();
            chown(&path, Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let from =
            format!("host={} user=carillon application_name=standby", primary.sockets().display());
        let mut base_backup = primary.command(&programs.join("pg_basebackup"));
        base_backup.args([
            "--write-recovery-conf",
            "--wal-method=stream",
            "--checkpoint=fast",
            "--no-sync",
        ]);
        base_backup.arg("--pgdata").arg(directory.join("postgres")).arg("--dbname").arg(from);
        assert!(base_backup.status().unwrap().success(), "the standby could not be created");
        let standby = Node::start(&directory, &programs).await;
        let hosts = format!("{},{}", primary.sockets().display(), standby.sockets().display());
        let url = format!(
            "postgres:///carillon?user=carillon&target_session_attrs=read-write&host={hosts}"
        );
        let pair = Self { url, cluster, primary, standby };
        pair.primary.run("ALTER SYSTEM SET synchronous_standby_names = 'standby'").await;
        pair.primary.run("SELECT pg_reload_conf()").await;
        pair.primary
            .wait_for(
                "SELECT 1 / (SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync')",
            )
            .await;
        pair
    }

    /// Kills the primary with SIGKILL and promotes the standby.
    pub(crate) async fn fail_over(&self) {
        self.primary.kill();
        self.standby.run("SELECT pg_promote()").await;
    }

    /// Kills both servers and removes their files.
    pub(super) async fn remove(&self) {
        self.primary.kill();
        self.standby.kill();
        self.cluster.remove().await;
        let _ = fs::remove_dir_all(&self.standby.directory);
    }
}

impl Node {
    /// Starts the server of a directory and waits until it answers.
    async fn start(directory: &Path, programs: &Path) -> Self {
        let node = Self {
            directory: directory.to_owned(),
            program: programs.join("postgres"),
            server: Mutex::default(),
        };
        let log = fs::File::create(directory.join("node.log")).unwrap();
        let mut command = node.command(&node.program);
        command.arg("-D").arg(directory.join("postgres")).arg("-k").arg(node.sockets());
        for setting in [
            "listen_addresses=",
            "max_connections=200",
            "hot_standby=on",
            "synchronous_commit=on",
            "wal_receiver_status_interval=1",
        ] {
            command.args(["-c", setting]);
        }
        *node.server.lock() =
            Some(command.stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap());
        node.wait_for("SELECT 1").await;
        node
    }

    /// A command that runs as the owner of the data directory.
    fn command(&self, program: &Path) -> Command {
        let owner = fs::metadata(self.directory.join("postgres")).unwrap();
        let mut command = Command::new(program);
        command
            .env_clear()
            .env("LC_ALL", "C")
            .env("TZ", "UTC")
            .current_dir(self.directory.join("postgres"))
            .stdin(Stdio::null());
        if nix::unistd::geteuid().is_root() {
            command.uid(owner.uid()).gid(owner.gid());
        }
        command.process_group(0);
        command
    }

    fn sockets(&self) -> PathBuf {
        self.directory.join("run")
    }

    async fn connect(&self) -> Option<Conn> {
        let url = format!("postgres:///carillon?user=carillon&host={}", self.sockets().display());
        Target::parse(&url).unwrap().connect().await.ok()
    }

    async fn run(&self, statement: &str) {
        self.connect().await.unwrap().batch_execute(statement).await.unwrap();
    }

    /// Repeats a statement until it succeeds.
    async fn wait_for(&self, statement: &str) {
        let started = Instant::now();
        loop {
            if let Some(mut conn) = self.connect().await
                && conn.batch_execute(statement).await.is_ok()
            {
                return;
            }
            let log = || fs::read_to_string(self.directory.join("node.log")).unwrap_or_default();
            assert!(
                started.elapsed() < Duration::from_mins(1),
                "did not succeed within a minute: {statement}\n{}",
                log()
            );
            between_polls().await;
        }
    }

    fn kill(&self) {
        if let Some(mut server) = self.server.lock().take() {
            server.kill().unwrap();
            server.wait().unwrap();
        }
    }
}
