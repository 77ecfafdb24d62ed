//! The database page: the server, and the size of each table.

use chrono::{DateTime, Utc};
use serde::Serialize;

use crate::config::Config;
use crate::db::database_facts::{self, DatabaseFacts};
use crate::db::table_sizes::{self, TableSize};
use crate::error::Error;
use crate::web::{Admin, Page, PageResult, Visit, quantities};

/// The database page.
#[derive(Debug, Serialize)]
pub(in crate::web) struct DatabasePage {
    read_at: DateTime<Utc>,
    server: Server,
    rows: Vec<Row>,
}

#[derive(Debug, Serialize)]
struct Server {
    version: String,
    database: String,
    /// The URL of the server without its password; none for the embedded server.
    address: Option<String>,
    data_dir: String,
    size: String,
    time: DateTime<Utc>,
    time_zone: String,
    started_at: DateTime<Utc>,
    up: String,
    connections: i64,
    most_connections: i64,
    own_connections: i64,
    migration: String,
    migrated_at: DateTime<Utc>,
}

#[derive(Debug, Serialize)]
struct Row {
    name: String,
    rows: i64,
    size: String,
    index_size: String,
    toast_size: String,
    dead_rows: i64,
    /// Whether vacuum seems not to keep up: more than 100,000 dead rows, and more dead than live.
    bloated: bool,
    vacuumed_at: Option<DateTime<Utc>>,
    analyzed_at: Option<DateTime<Utc>>,
}

/// The number of dead rows up to which a table is never reported as bloated.
const BLOAT_THRESHOLD: i64 = 100_000;

pub(super) async fn show(visit: Visit<Admin>) -> PageResult {
    let mut conn = visit.conn().await?;
    let facts = database_facts::find(&mut conn).await.map_err(Error::from)?;
    let tables = table_sizes::list(&mut conn).await.map_err(Error::from)?;
    drop(conn);
    let (open, _) = visit.context.db.usage();
    let server = Server::new(facts, &visit.context.config, i64::try_from(open).unwrap_or(i64::MAX));
    let page = DatabasePage {
        read_at: visit.now(),
        server,
        rows: tables.into_iter().map(Row::new).collect(),
    };
    visit.page(&page)
}

impl Server {
    fn new(facts: DatabaseFacts, config: &Config, own_connections: i64) -> Self {
        let address = config
            .masked()
            .into_iter()
            .find(|(name, _)| *name == "DATABASE_URL")
            .map(|(_, address)| address);
        Self {
            version: facts.version,
            database: facts.database,
            address: address.filter(|_| config.database_url.is_some()),
            data_dir: config.data_dir.display().to_string(),
            size: quantities::size(facts.bytes),
            time: facts.time,
            time_zone: facts.time_zone,
            started_at: facts.started_at,
            up: quantities::duration_rounded_down(facts.time - facts.started_at),
            connections: facts.connections,
            most_connections: facts.most_connections,
            own_connections,
            migration: facts.migration,
            migrated_at: facts.migrated_at,
        }
    }
}

impl Row {
    fn new(table: TableSize) -> Self {
        Self {
            size: quantities::size(table.bytes),
            index_size: quantities::size(table.index_bytes),
            toast_size: quantities::size(table.toast_bytes),
            bloated: table.dead_rows > BLOAT_THRESHOLD && table.dead_rows > table.rows,
            name: table.name,
            rows: table.rows,
            dead_rows: table.dead_rows,
            vacuumed_at: table.vacuumed_at,
            analyzed_at: table.analyzed_at,
        }
    }
}

impl Page for DatabasePage {
    const TEMPLATE: &'static str = "ui/admin/database.html";
}

#[cfg(debug_assertions)]
#[path = "samples/database.rs"]
mod samples;
