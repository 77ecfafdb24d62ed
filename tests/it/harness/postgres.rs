//! One PostgreSQL for a whole test run, however many processes it consists of, and a database of
//! its own for each story.
//!
//! The first story that needs it starts a keeper (this test binary, in a process of its own), which
//! runs the server. Every process with stories holds a shared lock on a file; when nobody has held
//! it for a while, the keeper stops the server and removes everything.

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

use super::cluster::OwnCluster;
use super::pair::Pair;

/// Tells the keeper where to keep the server; set for nobody else.
const DIRECTORY: &str = "CARILLON_TEST_POSTGRES_DIR";
/// Between two stories of a run, hardly any time passes.
const LINGER: Duration = Duration::from_secs(3);
const TIMEOUT: Duration = Duration::from_mins(1);
const TICK: Duration = Duration::from_millis(20);

static SERVER: OnceCell<Server> = OnceCell::const_new();

/// The run's server, for as long as this process lives.
struct Server {
    /// `DATABASE_URL` of the server's own database.
    url: String,
    /// The name of the migrated database that those of the stories are copies of.
    template: String,
    /// Says that somebody is here.
    _presence: File,
}

/// Where a story's database is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Home {
    /// On the run's server, with those of the other stories.
    Shared,
    /// On a server of its own.
    Own(Durability),
    /// On a primary of its own with a synchronous standby.
    Pair,
}

/// A database of a story, dropped with this value.
pub(crate) struct TestDatabase {
    pub(crate) url: String,
    name: String,
    /// `DATABASE_URL` of another database on the same server.
    beside: String,
    own: Own,
}

/// What of the servers belongs to one story alone.
enum Own {
    Nothing,
    Cluster(Box<OwnCluster>),
    Pair(Box<Pair>),
}

#[derive(diesel::QueryableByName)]
struct Known {
    #[diesel(sql_type = diesel::sql_types::Bool)]
    known: bool,
}

/// A process of the server, one for each connection.
#[derive(Debug, Clone, Copy, diesel::QueryableByName)]
pub(crate) struct Backend {
    #[diesel(sql_type = diesel::sql_types::Int4)]
    pub(crate) pid: i32,
}

impl TestDatabase {
    /// A migrated database.
    pub(crate) async fn create_in(home: Home) -> Self {
        match home {
            Home::Shared => Box::pin(Self::create()).await,
            Home::Own(durability) => {
                let cluster = Box::pin(OwnCluster::start(durability)).await;
                Box::pin(db::migrate(&Target::parse(&cluster.url).unwrap())).await.unwrap();
                let beside = cluster.url.replacen("/carillon?", "/postgres?", 1);
                Self {
                    url: cluster.url.clone(),
                    name: "carillon".to_owned(),
                    beside,
                    own: Own::Cluster(Box::new(cluster)),
                }
            }
            Home::Pair => {
                let pair = Box::pin(Pair::start()).await;
                Box::pin(db::migrate(&Target::parse(&pair.url).unwrap())).await.unwrap();
                let beside = pair.url.replacen("/carillon?", "/postgres?", 1);
                Self {
                    url: pair.url.clone(),
                    name: "carillon".to_owned(),
                    beside,
                    own: Own::Pair(Box::new(pair)),
                }
            }
        }
    }

    /// A copy of the migrated template.
    pub(crate) async fn create() -> Self {
        Self::make(|server| format!(" TEMPLATE {}", server.template)).await
    }

    /// A database without any table.
    pub(crate) async fn create_empty() -> Self {
        Self::make(|_| String::new()).await
    }

    async fn make(origin: impl FnOnce(&Server) -> String) -> Self {
        let server = SERVER.get_or_init(Server::find).await;
        let name = format!("story_{}", Uuid::new_v4().simple());
        let create = format!("CREATE DATABASE {name}{}", origin(server));
        server.connect().await.batch_execute(&create).await.unwrap();
        Self { url: server.url_of(&name), name, beside: server.url.clone(), own: Own::Nothing }
    }

    /// The way to it.
    pub(crate) fn target(&self) -> Target {
        Target::parse(&self.url).unwrap()
    }

    /// Takes the database away from everybody, or gives it back: connections are cut, new ones
    /// refused.
    pub(crate) async fn set_away(&self, away: Away) {
        let allow = away == Away::No;
        let mut conn = Target::parse(&self.beside).unwrap().connect().await.unwrap();
        let name = &self.name;
        conn.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allow}"))
            .await
            .unwrap();
        if away == Away::Yes {
            let cut = format!(
                "DO $$ BEGIN PERFORM pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'; END $$"
            );
            conn.batch_execute(&cut).await.unwrap();
        }
    }

    /// The server of a story that has one of its own.
    pub(crate) fn cluster(&self) -> &OwnCluster {
        match &self.own {
            Own::Cluster(cluster) => cluster,
            Own::Nothing | Own::Pair(_) => panic!("this story has no single server of its own"),
        }
    }

    /// The primary and the standby of a story that has them.
    pub(crate) fn pair(&self) -> &Pair {
        match &self.own {
            Own::Pair(pair) => pair,
            Own::Nothing | Own::Cluster(_) => panic!("this story has no standby"),
        }
    }

    /// A connection that belongs to nobody else: it can hold locks, and works while the pool is
    /// busy.
    pub(crate) async fn connect(&self) -> Conn {
        self.target().connect().await.unwrap()
    }

    /// Waits until one of the database's statements waits for a lock, and returns whose they are.
    pub(crate) async fn wait_until_blocked(&self) -> Vec<Backend> {
        let asked = Instant::now();
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
            assert!(asked.elapsed() < TIMEOUT, "nothing waits for a lock");
            sleep(TICK).await;
        }
    }

    /// Ends what backends are doing: their clients are dead, which PostgreSQL would notice only
    /// when it answers them.
    pub(crate) async fn terminate(&self, whose: &[Backend]) {
        let mut conn = self.connect().await;
        for backend in whose {
            conn.batch_execute(&format!("SELECT pg_terminate_backend({}, 10000)", backend.pid))
                .await
                .unwrap();
        }
    }

    /// Drops the database, whoever is connected to it.
    pub(super) async fn remove(&self) {
        match &self.own {
            Own::Cluster(cluster) => return cluster.remove().await,
            Own::Pair(pair) => return pair.remove().await,
            Own::Nothing => {}
        }
        let drop = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name);
        // A server that is gone has no databases either.
        if let Ok(mut conn) = Target::parse(&self.beside).unwrap().connect().await {
            let _ = conn.batch_execute(&drop).await;
        }
    }
}

/// Whether a database can be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Away {
    /// Nobody can connect.
    Yes,
    /// It is there.
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
        let presence = be_present(&directory).await;
        let url = running(&directory).await;
        let binary = fs::metadata(std::env::current_exe().unwrap()).unwrap();
        let built = binary.modified().unwrap().duration_since(UNIX_EPOCH).unwrap();
        let server =
            Self { url, template: format!("template_{}", built.as_nanos()), _presence: presence };
        server.make_template().await;
        server
    }

    async fn connect(&self) -> Conn {
        Target::parse(&self.url).unwrap().connect().await.unwrap()
    }

    fn url_of(&self, database: &str) -> String {
        self.url.replacen("/carillon?", &format!("/{database}?"), 1)
    }

    /// Migrates the database that all others are copies of, once for each build of the tests.
    async fn make_template(&self) {
        let mut conn = self.connect().await;
        let template = &self.template;
        conn.batch_execute("SELECT pg_advisory_lock(1)").await.unwrap();
        let known = format!(
            "SELECT EXISTS (SELECT FROM pg_database WHERE datname = '{template}') AS known"
        );
        let Known { known } = diesel::sql_query(known).get_result(&mut conn).await.unwrap();
        if !known {
            // Under another name until it is complete.
            conn.batch_execute("DROP DATABASE IF EXISTS template_new").await.unwrap();
            conn.batch_execute("CREATE DATABASE template_new").await.unwrap();
            db::migrate(&Target::parse(&self.url_of("template_new")).unwrap()).await.unwrap();
            conn.batch_execute(&format!("ALTER DATABASE template_new RENAME TO {template}"))
                .await
                .unwrap();
        }
    }
}

/// One for each build directory and user; short, since the path of a socket may not be long.
fn directory() -> PathBuf {
    let mut hasher = DefaultHasher::new();
    (env!("CARGO_TARGET_TMPDIR"), nix::unistd::geteuid().as_raw()).hash(&mut hasher);
    std::env::temp_dir().join(format!("carillon-tests-{:08x}", hasher.finish() >> 32))
}

fn beside(directory: &Path, ending: &str) -> PathBuf {
    directory.with_extension(ending)
}

/// Holds the run's server up for as long as the file is open.
async fn be_present(directory: &Path) -> File {
    let path = beside(directory, "users");
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
        // A keeper that is leaving removes the file: a lock on a removed file holds nothing up.
        let same = |there: fs::Metadata| there.ino() == file.metadata().unwrap().ino();
        if fs::metadata(&path).is_ok_and(same) {
            return file;
        }
    }
}

/// The address of the run's server, which is started if there is none. The caller is present.
async fn running(directory: &Path) -> String {
    DirBuilder::new().recursive(true).mode(0o711).create(directory).unwrap();
    let asked = Instant::now();
    let mut keeper = None;
    loop {
        let kept = File::create(directory.join("keeper.lock")).unwrap();
        let unkept = kept.try_lock().is_ok();
        drop(kept);
        match fs::read_to_string(directory.join("url")) {
            Ok(url) if !unkept => return url,
            _ => {}
        }
        if unkept && keeper.is_none() {
            keeper = Some(start_keeper(directory));
        }
        assert!(
            asked.elapsed() < TIMEOUT,
            "no PostgreSQL for the tests:\n{}",
            keeper_log(directory)
        );
        if let Some(started) = &mut keeper
            && let Some(status) = started.try_wait().unwrap()
        {
            // Another process may have been faster with a keeper of its own.
            assert!(status.success(), "no PostgreSQL for the tests:\n{}", keeper_log(directory));
            keeper = None;
        }
        sleep(TICK).await;
    }
}

fn keeper_log(directory: &Path) -> String {
    fs::read_to_string(directory.join("keeper.log")).unwrap_or_default()
}

/// Starts this binary again as the keeper: in a process group of its own, and without our standard
/// output, which would hold up whoever reads it.
fn start_keeper(directory: &Path) -> std::process::Child {
    let log =
        OpenOptions::new().append(true).create(true).open(directory.join("keeper.log")).unwrap();
    Command::new(std::env::current_exe().unwrap())
        .args([
            "--exact",
            "harness::postgres::keep_the_postgres_of_a_test_run",
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
#[ignore = "the harness runs it in a process of its own: it keeps the PostgreSQL of a test run"]
async fn keep_the_postgres_of_a_test_run() {
    let Some(directory) = std::env::var_os(DIRECTORY).map(PathBuf::from) else { return };
    let lock = File::create(directory.join("keeper.lock")).unwrap();
    if lock.try_lock().is_err() {
        return;
    }
    // What a killed keeper left behind may be of another version.
    let _ = fs::remove_file(directory.join("url"));
    let embedded =
        Embedded::attach_or_start(EmbeddedOptions::new(&directory).volatile()).await.unwrap();
    fs::write(directory.join("url.new"), embedded.url()).unwrap();
    fs::rename(directory.join("url.new"), directory.join("url")).unwrap();

    let users_path = beside(&directory, "users");
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
    // Whoever comes now waits for the lock, and then starts afresh.
    embedded.stop().await;
    fs::remove_dir_all(&directory).unwrap();
    fs::remove_file(&users_path).unwrap();
}
