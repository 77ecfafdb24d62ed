//! [`Embedded`]: a running server, and the database in it.

use std::path::Path;

use super::cluster_files::Cluster;
use super::error::EmbeddedError;
use super::keeper::{Keeper, Ownership};
use super::options::{EmbeddedOptions, NAME};
use crate::db::{Target, Unavailable};

/// A running server; stops with this value, if this process runs it.
#[derive(Debug)]
pub struct Embedded {
    target: Target,
    url: String,
    ownership: Ownership,
    keeper: Keeper,
}

impl Embedded {
    /// Connects to the server of the data directory, starting it (and creating the cluster) if no
    /// other process runs it. Returns once it answers and the database exists. Restarts the server
    /// if it dies.
    pub async fn attach_or_start(options: EmbeddedOptions) -> Result<Self, EmbeddedError> {
        let cluster = tokio::task::spawn_blocking(move || Cluster::locate(&options))
            .await
            .map_err(|_| EmbeddedError::StoppedBeforeReady)??;
        let socket = cluster.socket_dir().to_owned();
        let (keeper, ready) = Keeper::start(cluster);
        let ownership = ready.await.map_err(|_| EmbeddedError::StoppedBeforeReady)??;
        create_database(&socket).await?;
        Ok(Self {
            target: Target::on_socket(&socket, NAME, NAME),
            url: url(&socket),
            ownership,
            keeper,
        })
    }

    /// The database to connect to.
    pub const fn target(&self) -> &Target {
        &self.target
    }

    /// The database as a `DATABASE_URL`, for other programs such as `psql`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Which process ran the server when this value was created.
    pub const fn ownership(&self) -> Ownership {
        self.ownership
    }

    /// Stops the server, if this process runs it, and waits for its end. Close the pool first: open
    /// connections are cut.
    pub async fn stop(self) {
        // Dropping blocks until the server has ended, so it runs on a blocking thread.
        if tokio::task::spawn_blocking(move || drop(self.keeper)).await.is_err() {
            tracing::error!("the embedded PostgreSQL was not stopped in order");
        }
    }
}

fn url(socket: &Path) -> String {
    let host: String =
        url::form_urlencoded::byte_serialize(socket.as_os_str().as_encoded_bytes()).collect();
    format!("postgres://{NAME}@/{NAME}?host={host}")
}

async fn create_database(socket: &Path) -> Result<(), EmbeddedError> {
    let target = Target::on_socket(socket, NAME, "postgres");
    let failed = |error: tokio_postgres::Error| {
        Unavailable::new(
            &target,
            error
                .as_db_error()
                .map_or_else(|| error.to_string(), |error| error.message().to_owned()),
        )
    };
    let client = target.connect_raw().await?;
    if client
        .query_opt("SELECT FROM pg_database WHERE datname = $1", &[&NAME])
        .await
        .map_err(failed)?
        .is_some()
    {
        return Ok(());
    }
    match client.batch_execute(&format!("CREATE DATABASE {NAME}")).await {
        // Another process has just created it, which PostgreSQL reports by one of two codes.
        Err(error)
            if matches!(
                error.code().map(tokio_postgres::error::SqlState::code),
                Some("42P04" | "23505")
            ) =>
        {
            Ok(())
        }
        created => Ok(created.map_err(failed)?),
    }
}
