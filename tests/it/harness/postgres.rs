//! One PostgreSQL server for a whole test run, which may consist of several processes, and one
//! database per story, a [`TestDatabase`].
//!
//! The first story that needs the server starts a keeper (this test binary as a child process),
//! which runs it. Every process with stories holds a shared lock on a file; when none has held it
//! for a while, the keeper stops the server and removes its files. Start reading at
//! [`TestDatabase::create_on`].

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant, UNIX_EPOCH};

use carillon::db::{self, Conn, Durability, Embedded, EmbeddedOptions, Target};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use tokio::sync::OnceCell;
use tokio::time::sleep;
use uuid::Uuid;

use super::dedicated_cluster::DedicatedCluster;
use super::replicated_pair::Pair;

/// The environment variable that gives the keeper its directory; unset in all other processes.
const DIRECTORY: &str = "CARILLON_TEST_POSTGRES_DIR";
/// How long the keeper waits for another process with stories.
const LINGER: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_mins(1);
const TICK: Duration = Duration::from_millis(20);

static SERVER: OnceCell<Server> = OnceCell::const_new();

/// The server of this test run, in use while this process lives.
struct Server {
    /// The `DATABASE_URL` of the maintenance database.
    url: String,
    /// The name of the migrated template database, which stories get copies of.
    template: String,
    /// The shared lock that keeps the server running.
    _presence: File,
}

/// Which server a story has its database on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum DatabaseServer {
    /// The server of the test run, shared with other stories.
    Shared,
    /// A dedicated server.
    Dedicated(Durability),
    /// A dedicated primary with a synchronous standby.
    Replicated,
}

/// The database of a story, dropped with this value.
pub(crate) struct TestDatabase {
    pub(crate) url: String,
    name: String,
    /// The `DATABASE_URL` of another database on the same server.
    maintenance_url: String,
    dedicated: DedicatedServer,
}

/// The servers that belong to one story alone.
enum DedicatedServer {
    Nothing,
    Cluster(Box<DedicatedCluster>),
    Pair(Box<Pair>),
}

#[derive(diesel::QueryableByName)]
struct Existence {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    is_created: bool,
}

/// A server process of PostgreSQL; each connection has one.
#[derive(Debug, Clone, Copy, diesel::QueryableByName)]
pub(crate) struct Backend {
    #[diesel(sql_type = diesel::sql_types::Int4)]
    pub(crate) pid: i32,
}

impl TestDatabase {
    /// Creates a migrated database.
    pub(crate) async fn create_on(server: DatabaseServer) -> Self {
        match server {
            DatabaseServer::Shared => Box::pin(Self::create()).await,
            DatabaseServer::Dedicated(durability) => {
                let cluster = Box::pin(DedicatedCluster::start(durability)).await;
                Box::pin(db::migrate(&Target::parse(&cluster.url).unwrap())).await.unwrap();
                let maintenance_url = cluster.url.replacen("/carillon?", "/postgres?", 1);
                Self {
                    url: cluster.url.clone(),
                    name: "carillon".to_owned(),
                    maintenance_url,
                    dedicated: DedicatedServer::Cluster(Box::new(cluster)),
                }
            }
            DatabaseServer::Replicated => {
                let pair = Box::pin(Pair::start()).await;
                Box::pin(db::migrate(&Target::parse(&pair.url).unwrap())).await.unwrap();
                let maintenance_url = pair.url.replacen("/carillon?", "/postgres?", 1);
                Self {
                    url: pair.url.clone(),
                    name: "carillon".to_owned(),
                    maintenance_url,
                    dedicated: DedicatedServer::Pair(Box::new(pair)),
                }
            }
        }
    }

    /// Creates a copy of the migrated template on the shared server.
    pub(crate) async fn create() -> Self {
        Self::create_from(|server| format!(" TEMPLATE {}", server.template)).await
    }

    /// Creates a database without tables on the shared server.
    pub(crate) async fn create_empty() -> Self {
        Self::create_from(|_| String::new()).await
    }

    async fn create_from(origin: impl FnOnce(&Server) -> String) -> Self {
        let server = SERVER.get_or_init(Server::find).await;
        let name = format!("story_{}", Uuid::new_v4().simple());
        let create = format!("CREATE DATABASE {name}{}", origin(server));
        server.connect().await.batch_execute(&create).await.unwrap();
        Self {
            url: server.url_of(&name),
            name,
            maintenance_url: server.url.clone(),
            dedicated: DedicatedServer::Nothing,
        }
    }

    /// The connection target of the database.
    pub(crate) fn target(&self) -> Target {
        Target::parse(&self.url).unwrap()
    }

    /// Makes the database unreachable, or reachable again: connections are cut and new ones
    /// refused.
    pub(crate) async fn set_reachable(&self, reachable: Reachable) {
        let allow = reachable == Reachable::Yes;
        let mut conn = Target::parse(&self.maintenance_url).unwrap().connect().await.unwrap();
        let name = &self.name;
        conn.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allow}"))
            .await
            .unwrap();
        if reachable == Reachable::No {
            let cut = format!(
                "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'; END $$"
            );
            conn.batch_execute(&cut).await.unwrap();
        }
    }

    /// The dedicated server; panics if the story has none.
    pub(crate) fn cluster(&self) -> &DedicatedCluster {
        match &self.dedicated {
            DedicatedServer::Cluster(cluster) => cluster,
            DedicatedServer::Nothing | DedicatedServer::Pair(_) => {
                panic!("this story has no single dedicated server")
            }
        }
    }

    /// The dedicated primary and standby; panics if the story has none.
    pub(crate) fn pair(&self) -> &Pair {
        match &self.dedicated {
            DedicatedServer::Pair(pair) => pair,
            DedicatedServer::Nothing | DedicatedServer::Cluster(_) => {
                panic!("this story has no standby")
            }
        }
    }

    /// A connection outside the pool: it can hold locks, and works while the pool is exhausted.
    pub(crate) async fn connect(&self) -> Conn {
        self.target().connect().await.unwrap()
    }

    /// Waits until a statement in the database waits for a lock, and returns the blocked backends.
    pub(crate) async fn wait_until_blocked(&self) -> Vec<Backend> {
        let started = Instant::now();
        let query = format!(
            "SELECT pid FROM pg_stat_activity WHERE datname = '{}' AND wait_event_type = 'Lock'",
            self.name
        );
        let mut conn = self.connect().await;
        loop {
            let blocked: Vec<Backend> = diesel::sql_query(&query).load(&mut conn).await.unwrap();
            if !blocked.is_empty() {
                return blocked;
            }
            assert!(started.elapsed() < TIMEOUT, "nothing waits for a lock");
            sleep(TICK).await;
        }
    }

    /// Terminates backends of dead clients, which PostgreSQL would notice only when it answers
    /// them.
    pub(crate) async fn terminate(&self, backends: &[Backend]) {
        let mut conn = self.connect().await;
        for backend in backends {
            conn.batch_execute(&format!("SELECT pg_terminate_backend({}, 10000)", backend.pid))
                .await
                .unwrap();
        }
    }

    /// Drops the database and cuts its connections.
    pub(super) async fn remove(&self) {
        match &self.dedicated {
            DedicatedServer::Cluster(cluster) => return cluster.remove().await,
            DedicatedServer::Pair(pair) => return pair.remove().await,
            DedicatedServer::Nothing => {}
        }
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A server that has ended has no database to drop.
        if let Ok(mut conn) = Target::parse(&self.maintenance_url).unwrap().connect().await {
            let _ = conn.batch_execute(&drop).await;
        }
    }
}

/// Whether a database can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reachable {
    /// The server accepts connections.
    Yes,
    /// The server cuts all connections and refuses new ones.
    No,
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        super::finish(self.remove());
    }
}

impl Server {
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

    async fn connect(&self) -> Conn {
        Target::parse(&self.url).unwrap().connect().await.unwrap()
    }

    fn url_of(&self, database: &str) -> String {
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
            sleep(TICK).await;
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
        sleep(TICK).await;
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
            "harness::postgres::run_the_postgres_of_a_test_run",
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
        sleep(TICK * 5).await;
    }
    // A process that starts now waits for the lock, and then starts a new keeper.
    embedded.stop().await;
    fs::remove_dir_all(&directory).unwrap();
    fs::remove_file(&users_path).unwrap();
}
