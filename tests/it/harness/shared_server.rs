//! The PostgreSQL server of a whole test run, which may consist of several processes.
//!
//! The first story that needs it starts a keeper (this test binary as a child process), which runs
//! it. Every process with stories holds a shared lock on a file; when none has held it for a while,
//! the keeper stops the server and removes its files. Start reading at [`SharedServer::get`].

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

use carillon::db::{self, Conn, Embedded, EmbeddedOptions, Target};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use tokio::sync::OnceCell;

use super::waiting::between_polls;

/// The environment variable that gives the keeper its directory; unset in all other processes.
const DIRECTORY: &str = "CARILLON_TEST_POSTGRES_DIR";
/// How long the keeper waits for another process with stories.
const LINGER: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_mins(1);

static SERVER: OnceCell<SharedServer> = OnceCell::const_new();

/// The server of this test run, in use while this process lives.
pub(super) struct SharedServer {
    /// The `DATABASE_URL` of the maintenance database.
    pub(super) url: String,
    /// The name of the migrated template database, which stories get copies of.
    pub(super) template: String,
    /// The shared lock that keeps the server running.
    _presence: File,
}

#[derive(diesel::QueryableByName)]
struct Existence {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    is_created: bool,
}

impl SharedServer {
    /// The server; the first call in a process finds it or starts it.
    pub(super) async fn get() -> &'static Self {
        SERVER.get_or_init(Self::find).await
    }

    async fn find() -> Self {
        let directory = directory();
        let presence = lock_presence(&directory).await;
        let url = find_or_start_server(&directory).await;
        let binary = fs::metadata(std::env::current_exe().unwrap()).unwrap();
        let built = binary.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
        let server =
            Self { url, template: format!("template_{}", built.as_nanos()), _presence: presence };
        server.create_template().await;
        server
    }

    pub(super) async fn connect(&self) -> Conn {
        Target::parse(&self.url).unwrap().connect().await.unwrap()
    }

    /// The `DATABASE_URL` of a database on this server.
    pub(super) fn url_of(&self, database: &str) -> String {
        self.url.replacen("/carillon?", &format!("/{database}?"), 1)
    }

    /// Creates the migrated template database, once per build of the tests.
    async fn create_template(&self) {
        let mut conn = self.connect().await;
        let template = &self.template;
        conn.batch_execute("SELECT pg_advisory_lock(1)").await.unwrap();
        let is_created = format!(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = '{template}') AS is_created"
        );
        let Existence { is_created } =
            diesel::sql_query(is_created).get_result(&mut conn).await.unwrap();
        if !is_created {
            // It is renamed once it is complete.
            conn.batch_execute("DROP DATABASE IF EXISTS template_new").await.unwrap();
            conn.batch_execute("CREATE DATABASE template_new").await.unwrap();
            db::migrate(&Target::parse(&self.url_of("template_new")).unwrap()).await.unwrap();
            conn.batch_execute(&format!("ALTER DATABASE template_new RENAME TO {template}"))
                .await
                .unwrap();
        }
    }
}

/// The directory of the server, one per build directory and user; short, since the path of a socket
/// is limited to 107 bytes.
fn directory() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    (env!("CARGO_TARGET_TMPDIR"), nix::unistd::geteuid().as_raw()).hash(&mut hasher);
    std::env::temp_dir().join(format!("carillon-tests-{:08x}", hasher.finish() >> 32))
}

fn sibling_path(directory: &Path, ending: &str) -> PathBuf {
    directory.with_extension(ending)
}

/// Takes the shared lock that keeps the server running while the file is open.
async fn lock_presence(directory: &Path) -> File {
    let path = sibling_path(directory, "users");
    loop {
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .unwrap();
        while let Err(TryLockError::WouldBlock) = file.try_lock_shared() {
            between_polls().await;
        }
        // A keeper that exits removes the file, and a lock on a removed file has no effect.
        let same = |there: fs::Metadata| there.ino() == file.metadata().unwrap().ino();
        if fs::metadata(&path).is_ok_and(same) {
            return file;
        }
    }
}

/// The URL of the server, started if necessary. The caller holds the presence lock.
async fn find_or_start_server(directory: &Path) -> String {
    DirBuilder::new().recursive(true).mode(0o711).create(directory).unwrap();
    let started = Instant::now();
    let mut keeper = None;
    loop {
        let lock_file = File::create(directory.join("keeper.lock")).unwrap();
        let has_no_keeper = lock_file.try_lock().is_ok();
        drop(lock_file);
        match fs::read_to_string(directory.join("url")) {
            Ok(url) if !has_no_keeper => return url,
            _ => {}
        }
        if has_no_keeper && keeper.is_none() {
            keeper = Some(start_keeper(directory));
        }
        assert!(
            started.elapsed() < TIMEOUT,
            "no PostgreSQL for the tests:\n{}",
            keeper_log(directory)
        );
        if let Some(started) = &mut keeper
            && let Some(status) = started.try_wait().unwrap()
        {
            // Another process may have started a keeper first.
            assert!(status.success(), "no PostgreSQL for the tests:\n{}", keeper_log(directory));
            keeper = None;
        }
        between_polls().await;
    }
}

fn keeper_log(directory: &Path) -> String {
    fs::read_to_string(directory.join("keeper.log")).unwrap_or_default()
}

/// Starts this binary as the keeper: in its own process group, and without our standard output,
/// which would block its reader.
fn start_keeper(directory: &Path) -> std::process::Child {
    let log =
        OpenOptions::new().append(true).create(true).open(directory.join("keeper.log")).unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "harness::shared_server::run_the_postgres_of_a_test_run",
            "--ignored",
            "--nocapture",
        ])
        .env(DIRECTORY, directory)
        .stdin(Stdio::null())
        .stdout(log.try_clone().unwrap())
        .stderr(log)
        .process_group(0)
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "the harness runs it as a child process: it runs the PostgreSQL of the test run"]
async fn run_the_postgres_of_a_test_run() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let lock = File::create(directory.join("keeper.lock")).unwrap();
    if lock.try_lock().is_err() {
        return;
    }
    // A killed keeper may have left the URL of another version.
    let _ = fs::remove_file(directory.join("url"));
    let embedded =
        Embedded::attach_or_start(EmbeddedOptions::new(&directory).volatile()).await.unwrap();
    fs::write(directory.join("url.new"), embedded.url()).unwrap();
    fs::rename(directory.join("url.new"), directory.join("url")).unwrap();

    let users_path = sibling_path(&directory, "users");
    let users = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .open(&users_path)
        .unwrap();
    let mut last_seen = Instant::now();
    loop {
        let alone = users.try_lock().is_ok();
        if alone && last_seen.elapsed() > LINGER {
            break;
        }
        if alone {
            users.unlock().unwrap();
        } else {
            last_seen = Instant::now();
        }
        between_polls().await;
    }
    // A process that starts now waits for the lock, and then starts a new keeper.
    embedded.stop().await;
    fs::remove_dir_all(&directory).unwrap();
    fs::remove_file(&users_path).unwrap();
}
