//! Probes of the machine's current speed, independent of Carillon: commits, copied rows and bare
//! HTTP requests per second, as a reference for the figures of a row.

use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::thread;
use std::time::{Duration, Instant};

use actix_web::rt::System;
use actix_web::{App, HttpResponse, HttpServer, web};
use bytes::Bytes;
use futures::SinkExt;
use serde::Serialize;
use tokio::runtime::Handle;
use tokio_postgres::{Client, NoTls};

use crate::load_tool::per_second;
use crate::postgres_cluster::Cluster;
use crate::{Outcome, http, load_tool, machine};

/// The number of 8 kB writes to the disk.
const FSYNCS: usize = 200;
/// How long commits and copies are each measured.
const DURATION: Duration = Duration::from_millis(150);
/// The number of rows of one `COPY`; each `COPY` is a transaction.
const ROWS: usize = 5_000;
const REQUESTS: usize = 4_000;
/// The number of connections, as for callbacks.
const CONNECTIONS: usize = 128;
/// A body with the length of a callback's form.
const BODY: [u8; 320] = [b'a'; 320];

const TABLES: &str = "
CREATE TABLE IF NOT EXISTS probe_commits
    (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL);
CREATE TABLE IF NOT EXISTS probe_rows
    (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, body text NOT NULL);";

/// The rates of the machine, per second.
#[derive(Debug, Clone, Copy, Serialize)]
pub(crate) struct MachineRates {
    /// Sequential writes of 8 kB to the disk.
    pub(crate) fsyncs: f64,
    /// Rows inserted by one connection, each committed.
    pub(crate) commits: f64,
    /// Rows of 100 bytes, copied into a logged table with a primary key.
    pub(crate) copied_rows: f64,
    /// Requests to an actix-web handler that does nothing, by the load tool.
    pub(crate) requests: f64,
}

impl MachineRates {
    /// The rates with their names in tables.
    pub(crate) const fn named(&self) -> [(&'static str, f64); 4] {
        [
            ("fsyncs", self.fsyncs),
            ("one-row commits", self.commits),
            ("copied rows", self.copied_rows),
            ("bare HTTP requests", self.requests),
        ]
    }
}

/// A PostgreSQL and a web server for the probes only.
pub(crate) struct Probes {
    directory: PathBuf,
    cluster: Cluster,
    client: Client,
    load: Handle,
    web: SocketAddr,
}

impl Probes {
    pub(crate) async fn start(directory: &Path, load: Handle) -> Outcome<Self> {
        let cluster = Cluster::start(directory).await?;
        let (client, connection) = tokio_postgres::connect(cluster.url(), NoTls).await?;
        tokio::spawn(connection);
        client.batch_execute(TABLES).await?;
        Ok(Self { directory: directory.to_owned(), cluster, client, load, web: serve()? })
    }

    /// Measures each rate once, within a second in all.
    pub(crate) async fn measure(&self) -> Outcome<MachineRates> {
        let fsync_time: Duration = machine::fsyncs(&self.directory, FSYNCS)?.iter().sum();
        let rates = MachineRates {
            fsyncs: per_second(FSYNCS, fsync_time),
            commits: self.commits().await?,
            copied_rows: self.copied_rows().await?,
            requests: self.requests().await?,
        };
        self.client.batch_execute("TRUNCATE probe_commits, probe_rows").await?;
        Ok(rates)
    }

    pub(crate) async fn stop(self) {
        drop(self.client);
        self.cluster.stop().await;
    }

    async fn commits(&self) -> Outcome<f64> {
        let insert = self.client.prepare("INSERT INTO probe_commits (body) VALUES ($1)").await?;
        let body = "b".repeat(100);
        let (started, mut count) = (Instant::now(), 0);
        while started.elapsed() < DURATION {
            self.client.execute(&insert, &[&body]).await?;
            count += 1;
        }
        Ok(per_second(count, started.elapsed()))
    }

    async fn copied_rows(&self) -> Outcome<f64> {
        let rows = Bytes::from(format!("{}\n", "r".repeat(100)).repeat(ROWS));
        let (started, mut count) = (Instant::now(), 0);
        while started.elapsed() < DURATION {
            let copy = self.client.copy_in::<_, Bytes>("COPY probe_rows (body) FROM STDIN").await?;
            let mut copy = pin!(copy);
            copy.send(rows.clone()).await?;
            count += usize::try_from(copy.finish().await?)?;
        }
        Ok(per_second(count, started.elapsed()))
    }

    async fn requests(&self) -> Outcome<f64> {
        let request = http::request("POST", self.web, "/", &[("Accept", "*/*")], &BODY);
        let requests = vec![request; REQUESTS];
        Ok(load_tool::burst(&self.load, self.web, CONNECTIONS, requests, 204).await?.rate())
    }
}

/// Starts a web server with as many threads as the product's; it runs until the program ends.
fn serve() -> Outcome<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let server = move || -> std::io::Result<()> {
        System::new().block_on(async {
            let answer = |_: Bytes| async { HttpResponse::NoContent().finish() };
            let app = move || App::new().route("/", web::post().to(answer));
            HttpServer::new(app).listen(listener)?.disable_signals().run().await
        })
    };
    thread::Builder::new().name("probe-web".to_owned()).spawn(server)?;
    Ok(address)
}
