//! The errors and log lines of a start with a database that is unusable or slow to become usable.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, chown};
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use carillon::db::{Conn, Durability, Target};
use diesel_async::SimpleAsyncConnection;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::harness::dedicated_cluster::DedicatedCluster;
use crate::harness::test_database::TestDatabase;
use crate::harness::{between_polls, choose_crypto};

const TIMEOUT: Duration = Duration::from_mins(1);

/// Runs `carillon migrate` on a database, with its log piped.
fn migrate(database_url: &str) -> Child {
    Command::new(env!("CARGO_BIN_EXE_carillon"))
        .arg("migrate")
        .env_clear()
        .env("DATABASE_URL", database_url)
        .env("CARILLON_DATA_DIR", "/nonexistent")
        .env("CARILLON_LOG", "info")
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .unwrap()
}

/// Reads the log until a line contains the words, and returns the line.
async fn line_with(program: &mut Child, words: &str) -> String {
    let mut lines = BufReader::new(program.stderr.take().unwrap()).lines();
    let read = async {
        while let Some(line) = lines.next_line().await.unwrap() {
            if line.contains(words) {
                return line;
            }
        }
        panic!("the program ended without logging “{words}”");
    };
    tokio::time::timeout(TIMEOUT, read).await.unwrap()
}

async fn connect_as(database: &TestDatabase, name: &str) -> Conn {
    let mut conn = database.connect().await;
    conn.batch_execute(&format!("SET application_name = '{name}'")).await.unwrap();
    conn
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_that_waits_for_the_migration_lock_names_its_holder() {
    choose_crypto();
    let database = TestDatabase::create_empty().await;
    let mut holder = connect_as(&database, "deploy script").await;
    let key = i64::from_be_bytes(*b"CARILLON");
    holder.batch_execute(&format!("SELECT pg_advisory_lock({key})")).await.unwrap();
    let mut program = migrate(&database.url);
    let line = line_with(&mut program, "waiting for the lock of the migrations").await;
    assert!(
        line.contains("deploy script at a local socket), connected since 2")
            && line.contains("idle since 2"),
        "{line}"
    );
    drop(holder);
    assert!(tokio::time::timeout(TIMEOUT, program.wait()).await.unwrap().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_migration_that_waits_for_another_client_names_it() {
    choose_crypto();
    let database = TestDatabase::create_empty().await;
    let mut other = connect_as(&database, "nightly dump").await;
    // A migration that creates a table of the same name waits for this transaction.
    other.batch_execute("BEGIN; CREATE TABLE contacts ()").await.unwrap();
    let mut program = migrate(&database.url);
    let line = line_with(&mut program, "waiting for a lock that is held by").await;
    assert!(
        line.contains("bringing the database to this version") && line.contains("nightly dump"),
        "{line}"
    );
    other.batch_execute("ROLLBACK").await.unwrap();
    assert!(tokio::time::timeout(TIMEOUT, program.wait()).await.unwrap().unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_accepts_connections_but_never_answers_fails_the_start_in_seconds() {
    let silent = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url =
        format!("postgres://carillon@{}/carillon?sslmode=disable", silent.local_addr().unwrap());
    let started = Instant::now();
    let output = migrate(&url).wait_with_output().await.unwrap();
    assert_eq!(output.status.code(), Some(69));
    assert!(
        String::from_utf8_lossy(&output.stderr).contains("it did not answer within 2 seconds"),
        "{output:?}"
    );
    assert!(started.elapsed() < Duration::from_secs(20));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unreachable_host_does_not_delay_the_next_one() {
    choose_crypto();
    let database = TestDatabase::create_empty().await;
    let two_hosts_url = database.url.replacen("?host=", "?host=%2Fnonexistent,", 1);
    assert_ne!(two_hosts_url, database.url);
    Target::parse(&two_hosts_url).unwrap().connect().await.unwrap();
}

/// A PgBouncer in front of a PostgreSQL, stopped when dropped.
struct Bouncer {
    directory: PathBuf,
    url: String,
    process: std::process::Child,
}

impl Bouncer {
    async fn start(cluster: &DedicatedCluster, pool_mode: &str) -> Self {
        let owner = fs::metadata(cluster.directory().join("postgres")).unwrap();
        let directory = std::env::temp_dir()
            .join(format!("carillon-pgb-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]));
        DirBuilder::new().mode(0o700).create(&directory).unwrap();
        chown(&directory, Some(owner.uid()), Some(owner.gid())).unwrap();
        let settings = format!(
            "[databases]\ncarillon = host={} dbname=carillon\n[pgbouncer]\nlisten_port = 6432\nunix_socket_dir = {}\n\
             auth_type = trust\nauth_file = {}\npool_mode = {pool_mode}\nlogfile =\n",
            cluster.directory().join("run").display(),
            directory.display(),
            directory.join("users").display(),
        );
        fs::write(directory.join("pgbouncer.ini"), settings).unwrap();
        fs::write(directory.join("users"), "\"carillon\" \"\"\n").unwrap();
        for file in ["pgbouncer.ini", "users"] {
            chown(directory.join(file), Some(owner.uid()), Some(owner.gid())).unwrap();
        }
        let program = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer"]
            .into_iter()
            .find(|path| fs::exists(path).unwrap());
        let mut command = std::process::Command::new(
            program.expect("scripts/install-prerequisites test installs pgbouncer"),
        );
        if nix::unistd::geteuid().is_root() {
            // PgBouncer refuses to run as root, as PostgreSQL does.
            command.uid(owner.uid()).gid(owner.gid());
        }
        let output = fs::File::create(directory.join("log")).unwrap();
        command
            .arg("-q")
            .arg(directory.join("pgbouncer.ini"))
            .current_dir("/")
            .stdin(Stdio::null());
        let process = command.stdout(output.try_clone().unwrap()).stderr(output).spawn().unwrap();
        let url =
            format!("postgres:///carillon?user=carillon&port=6432&host={}", directory.display());
        let bouncer = Self { directory, url, process };
        let started = Instant::now();
        while !bouncer.directory.join(".s.PGSQL.6432").exists() {
            let log = || fs::read_to_string(bouncer.directory.join("log")).unwrap_or_default();
            assert!(started.elapsed() < TIMEOUT, "PgBouncer does not start: {}", log());
            between_polls().await;
        }
        bouncer
    }
}

impl Drop for Bouncer {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_start_behind_a_pooler_fails_with_one_line_in_transaction_mode_and_works_in_session_mode()
{
    choose_crypto();
    let cluster = DedicatedCluster::start(Durability::Volatile).await;
    for mode in ["transaction", "statement"] {
        let bouncer = Bouncer::start(&cluster, mode).await;
        let output = migrate(&bouncer.url).wait_with_output().await.unwrap();
        let output_text = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(78), "{mode}: {output_text}");
        assert!(
            output_text
                .contains("DATABASE_URL leads to a pooler in transaction mode (“carillon” at "),
            "{mode}: {output_text}"
        );
        assert!(
            output_text.contains("pool_mode = session") && output_text.trim().lines().count() == 1,
            "{mode}: {output_text}"
        );
    }
    let bouncer = Bouncer::start(&cluster, "session").await;
    let output = migrate(&bouncer.url).wait_with_output().await.unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    drop(bouncer);
    cluster.remove().await;
}
