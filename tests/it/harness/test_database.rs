//! The database of one story, a [`TestDatabase`]: on the shared server of the test run, or on
//! servers of its own. Start reading at [`TestDatabase::create_on`].

use std::time::{Duration, Instant};

use carillon::db::{self, Conn, Durability, Target};
use diesel_async::{RunQueryDsl, SimpleAsyncConnection};
use uuid::Uuid;

use super::dedicated_cluster::DedicatedCluster;
use super::replicated_pair::Pair;
use super::shared_server::SharedServer;
use super::waiting::between_polls;

const TIMEOUT: Duration = Duration::from_mins(1);

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
        Self::create_from(|server| format!(" TEMPLATE {} STRATEGY FILE_COPY", server.template))
            .await
    }

    /// Creates a database without tables on the shared server.
    pub(crate) async fn create_empty() -> Self {
        Self::create_from(|_| String::new()).await
    }

    async fn create_from(origin: impl FnOnce(&SharedServer) -> String) -> Self {
        let server = SharedServer::get().await;
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
            between_polls().await;
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
