//! Tests with real servers, each in its own directory: started, killed, shared, taken over.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use diesel::sql_types::Integer;
use diesel::{QueryableByName, sql_query};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::cluster_files::Cluster;
use super::*;
use crate::db::Target;

struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let path = std::env::temp_dir()
            .join(format!("carillon-pg-{}", &uuid::Uuid::new_v4().simple().to_string()[..12]));
        fs::create_dir(&path).unwrap();
        // Like `mktemp -d`: owned by root, and closed to the account that runs the server.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o700)).unwrap();
        Self(path)
    }

    fn options(&self) -> EmbeddedOptions {
        EmbeddedOptions::new(&self.0)
    }

    /// Without fsync, for tests about anything but durability.
    async fn start(&self) -> Embedded {
        Embedded::attach_or_start(self.options().volatile()).await.unwrap()
    }

    async fn start_durable(&self) -> Embedded {
        Embedded::attach_or_start(self.options()).await.unwrap()
    }

    fn postmaster(&self) -> Pid {
        Cluster::locate(&self.options()).unwrap().ready_server().unwrap()
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = Integer)]
    n: i32,
}

async fn write(embedded: &Embedded, n: i32) {
    let mut conn = embedded.target().connect().await.unwrap();
    conn.batch_execute(&format!(
        "CREATE TABLE IF NOT EXISTS numbers (n int); INSERT INTO numbers VALUES ({n})"
    ))
    .await
    .unwrap();
}

/// The sum of the written numbers, as soon as the server answers.
async fn sum(embedded: &Embedded) -> i32 {
    let started_at = Instant::now();
    loop {
        if let Ok(mut conn) = embedded.target().connect().await {
            return sql_query("SELECT sum(n)::int AS n FROM numbers")
                .get_result::<Number>(&mut conn)
                .await
                .unwrap()
                .n;
        }
        assert!(started_at.elapsed() < Duration::from_secs(30), "the server does not come back");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

#[tokio::test]
async fn data_survives_a_stop_and_the_server_does_not() {
    let directory = Directory::new();
    let embedded = directory.start_durable().await;
    assert_eq!(embedded.ownership(), Ownership::Owner);
    write(&embedded, 42).await;
    let postmaster = directory.postmaster();
    embedded.stop().await;
    assert_eq!(kill(postmaster, None), Err(nix::Error::ESRCH));
    let again = directory.start_durable().await;
    assert_eq!(sum(&again).await, 42);
    // The URL given to other programs leads to the same database.
    assert_eq!(Target::parse(again.url()).unwrap().to_string(), again.target().to_string());
}

#[tokio::test]
async fn as_root_it_runs_as_another_user_in_directories_closed_to_others() {
    let directory = Directory::new();
    let _embedded = directory.start().await;
    let server = fs::metadata(format!("/proc/{}", directory.postmaster())).unwrap();
    assert_ne!(server.uid(), 0);
    for closed in ["postgres", "run"] {
        let metadata = fs::metadata(directory.0.join(closed)).unwrap();
        assert_eq!((metadata.uid(), metadata.mode() & 0o777), (server.uid(), 0o700), "{closed}");
    }
}

#[tokio::test]
async fn a_killed_server_is_started_again_with_everything_committed() {
    let directory = Directory::new();
    let embedded = directory.start_durable().await;
    write(&embedded, 1).await;
    let first = directory.postmaster();
    kill(first, Signal::SIGKILL).unwrap();
    while Cluster::locate(&directory.options())
        .unwrap()
        .ready_server()
        .is_none_or(|pid| pid == first)
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    write(&embedded, 2).await;
    assert_eq!(sum(&embedded).await, 3);
}

#[tokio::test]
async fn others_attach_and_take_over_when_the_owner_leaves() {
    let directory = Directory::new();
    let owner = directory.start().await;
    write(&owner, 7).await;
    let attached = directory.start().await;
    assert_eq!(attached.ownership(), Ownership::Attached);
    assert_eq!(sum(&attached).await, 7);
    // An attached process that leaves does not stop the server.
    let short_lived = directory.start().await;
    short_lived.stop().await;
    assert_eq!(sum(&owner).await, 7);
    owner.stop().await;
    assert_eq!(sum(&attached).await, 7);
}

#[tokio::test]
async fn two_that_start_at_once_share_one_server() {
    let directory = Directory::new();
    let (one, other) = tokio::join!(directory.start(), directory.start());
    assert_ne!(one.ownership(), other.ownership());
    write(&one, 5).await;
    assert_eq!(sum(&other).await, 5);
}

#[tokio::test]
async fn a_stale_pid_file_does_not_block_a_start_even_if_its_process_id_is_reused() {
    let directory = Directory::new();
    let embedded = directory.start().await;
    write(&embedded, 9).await;
    embedded.stop().await;
    let stale_file = format!(
        "{}\n{}\n1700000000\n5432\n{}\n\n  1234567  99\nready   \n",
        std::process::id(),
        directory.0.display(),
        directory.0.display()
    );
    fs::write(directory.0.join("postgres/postmaster.pid"), stale_file).unwrap();
    assert_eq!(sum(&directory.start().await).await, 9);
}

#[tokio::test]
async fn a_stale_socket_lock_does_not_block_a_start_even_if_its_process_id_is_reused() {
    let directory = Directory::new();
    let embedded = directory.start().await;
    write(&embedded, 9).await;
    embedded.stop().await;
    // A process of the account that runs the server, as after a power loss, when process ids are
    // reused.
    let cluster = Cluster::locate(&directory.options()).unwrap();
    let (account, _) = cluster.prepare().unwrap();
    let mut other_process =
        account.command(Path::new("/bin/sleep"), Path::new("/")).arg("600").spawn().unwrap();
    let data = cluster.directory();
    let stale_file = format!(
        "{}\n{}\n1700000000\n5432\n{}\n",
        other_process.id(),
        data.display(),
        cluster.socket_dir().display()
    );
    fs::write(cluster.socket_dir().join(".s.PGSQL.5432.lock"), stale_file).unwrap();
    fs::write(cluster.socket_dir().join(".s.PGSQL.5432"), "").unwrap();
    let started = Embedded::attach_or_start(directory.options().volatile()).await;
    other_process.kill().unwrap();
    other_process.wait().unwrap();
    assert_eq!(sum(&started.unwrap()).await, 9);
}

#[tokio::test]
async fn the_lock_file_names_the_process_that_holds_it() {
    let directory = Directory::new();
    let _owner = directory.start().await;
    let holder = Cluster::locate(&directory.options()).unwrap().holder();
    assert!(holder.starts_with(&format!("process {}, since 2", std::process::id())), "{holder}");
}

#[tokio::test]
async fn an_orphaned_server_is_ended_before_a_new_one_starts() {
    let directory = Directory::new();
    let cluster = Cluster::locate(&directory.options()).unwrap();
    let (account, binaries) = cluster.prepare().unwrap();
    let mut orphan = account.command(&binaries.program("postgres"), &cluster.directory());
    orphan
        .arg("-D")
        .arg(cluster.directory())
        .args(["-c", "listen_addresses=", "-k"])
        .arg(cluster.socket_dir());
    let mut orphan = orphan.stderr(std::process::Stdio::null()).spawn().unwrap();
    while cluster.ready_server().is_none() {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    // Reaps the orphan: as a zombie, it would count as alive.
    let reaper = tokio::task::spawn_blocking(move || orphan.wait().unwrap());
    let embedded = directory.start().await;
    assert!(reaper.await.unwrap().success());
    write(&embedded, 3).await;
    assert_eq!(sum(&embedded).await, 3);
}

/// The other process of the test below, which starts it by name; on its own it does nothing.
#[tokio::test]
#[ignore = "started by kill_9_of_the_program_ends_its_server_in_order"]
async fn a_program_that_runs_a_server() {
    let Some(directory) = std::env::var_os("CARILLON_TEST_DATA_DIR") else { return };
    let _embedded = Embedded::attach_or_start(EmbeddedOptions::new(directory)).await.unwrap();
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn kill_9_of_the_program_ends_its_server_in_order() {
    let directory = Directory::new();
    let cluster = Cluster::locate(&directory.options()).unwrap();
    let mut program = std::process::Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "--ignored", "db::embedded::tests::a_program_that_runs_a_server"])
        .env("CARILLON_TEST_DATA_DIR", &directory.0)
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let attached = loop {
        // Before the program holds the lock, this process would become the owner itself.
        if cluster.ready_server().is_some() {
            break directory.start().await;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    assert_eq!(attached.ownership(), Ownership::Attached);
    write(&attached, 11).await;
    let first = directory.postmaster();
    program.kill().unwrap();
    program.wait().unwrap();
    while cluster.ready_server().is_none_or(|pid| pid == first) {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(sum(&attached).await, 11);
    let log = fs::read_to_string(directory.0.join("postgres.log")).unwrap();
    assert!(
        log.contains("received fast shutdown request")
            && !log.contains("was not properly shut down"),
        "{log}"
    );
}

#[tokio::test]
async fn long_and_odd_paths_work_too() {
    let directory = Directory::new();
    fs::set_permissions(&directory.0, fs::Permissions::from_mode(0o755)).unwrap();
    let deep = directory.0.join(format!("with, a blank/{}", "d".repeat(100)));
    let embedded = Embedded::attach_or_start(EmbeddedOptions::new(&deep).volatile()).await.unwrap();
    let socket = Cluster::locate(&EmbeddedOptions::new(&deep)).unwrap().socket_dir().to_owned();
    assert!(socket.starts_with("/tmp"));
    write(&embedded, 4).await;
    assert_eq!(sum(&embedded).await, 4);
    embedded.stop().await;
    fs::remove_dir_all(socket).unwrap();
}

#[tokio::test]
async fn a_broken_cluster_says_what_postgres_said() {
    let directory = Directory::new();
    directory.start().await.stop().await;
    fs::remove_file(directory.0.join("postgres/global/pg_control")).unwrap();
    let error = Embedded::attach_or_start(directory.options()).await.unwrap_err().to_string();
    assert!(
        error.starts_with("the embedded PostgreSQL did not start: ")
            && error.contains("pg_control")
            && error.contains("postgres.log"),
        "{error}"
    );
}

#[tokio::test]
async fn a_directory_that_the_server_cannot_enter_is_named() {
    if !nix::unistd::geteuid().is_root() {
        return;
    }
    let directory = Directory::new();
    let inside = directory.0.join("inside");
    let error =
        Embedded::attach_or_start(EmbeddedOptions::new(&inside)).await.unwrap_err().to_string();
    assert!(
        error.contains(&format!("cannot enter {}: set CARILLON_DATA_DIR", directory.0.display())),
        "{error}"
    );
}
