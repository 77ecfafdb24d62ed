//! The `serve` command: opens the database, starts the web server and the worker according to the
//! process's role, and stops them in order.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use super::database::Database;
use super::error::AppError;
use super::listen_error::listen_error;
use super::stop_signal::stop_signal;
use super::{clock_sync, open_files_limit, startup_secrets};
use crate::clock::Clock;
use crate::config::Config;
use crate::context::Context;
use crate::db;
use crate::users::setup;
use crate::web::{self, Web};
use crate::worker::{Worker, WorkerParts};

/// The role of a process: which parts of Carillon it runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum ProcessRole {
    /// Pages, API, hooks and jobs.
    All,
    /// Pages, API and hooks.
    Web,
    /// Jobs.
    Worker,
}

/// How long requests in flight may take to end after the stop signal, in seconds.
const GRACE_SECONDS: u64 = 10;

/// Serves until SIGTERM or SIGINT, then finishes the requests and jobs in flight. If the web server
/// or the worker ends by itself, the process stops as well, so that its supervisor restarts it.
pub async fn serve(config: Config, role: ProcessRole) -> Result<(), AppError> {
    open_files_limit::raise_limit();
    let database = open_migrated(&config).await?;
    let started = async {
        let clock = Clock::system();
        clock_sync::sync_with_database(&database.pool, &clock).await;
        let context = Data::new(Context::new(config, database.pool.clone(), clock)?);
        startup_secrets::check_secret_key(&context).await?;
        startup_secrets::fill_hook_secrets(&context).await?;
        log_setup_code(&context, role).await?;
        start(&context, role)
    }
    .await;
    match started {
        Ok(mut running) => {
            if let Some(address) = running.address {
                tracing::info!(%address, "Carillon is ready");
            }
            let ended = running.until_stop_signal().await;
            match &ended {
                Ok(()) => tracing::info!(
                    "finishing work in flight; send the signal again to exit immediately"
                ),
                Err(error) => tracing::error!(%error, "stopping the rest of the process"),
            }
            tokio::select! {
                () = running.stop() => {}
                () = stop_signal() => {
                    tracing::warn!(
                        "exiting on a second signal; messages without a response will be looked up \
                         at Twilio"
                    );
                }
            }
            database.close().await;
            ended
        }
        Err(error) => {
            database.close().await;
            Err(error)
        }
    }
}

/// Opens the database and applies the migrations of this version.
pub(super) async fn open_migrated(config: &Config) -> Result<Database, AppError> {
    let database = Database::open(config).await?;
    match db::migrate(database.pool.target()).await {
        Ok(_) => Ok(database),
        Err(error) => {
            database.close().await;
            Err(error.into())
        }
    }
}

/// Logs the one-time code that creates the first admin, as long as there are no users.
async fn log_setup_code(context: &Context, role: ProcessRole) -> Result<(), AppError> {
    if role == ProcessRole::Worker {
        return Ok(());
    }
    let mut conn = context.db.get().await?;
    if let Some(code) = setup::code_if_no_users(&mut conn, context.clock.now()).await? {
        tracing::info!(
            "no users yet: open {} and enter the setup code {}",
            context.config.public_url.join("/setup"),
            code.expose()
        );
    }
    Ok(())
}

/// A web server and a worker that run in the background.
#[derive(Debug)]
pub struct Running {
    /// The address of pages, API and hooks; `None` for a worker alone.
    pub address: Option<SocketAddr>,
    server: Option<(ServerHandle, JoinHandle<()>)>,
    worker: Option<JoinHandle<()>>,
    /// The shared state of the web edge.
    pub web: Web,
    stop: CancellationToken,
}

/// Starts the web server and the worker, according to the role. Port 0 in `CARILLON_BIND` takes any
/// free port.
pub fn start(context: &Data<Context>, role: ProcessRole) -> Result<Running, AppError> {
    let stop = CancellationToken::new();
    let web = Web::start(context)?;
    let mut running =
        Running { address: None, server: None, worker: None, web: web.clone(), stop: stop.clone() };
    if role != ProcessRole::Worker {
        let bind = context.config.bind;
        let grace = Duration::from_secs(GRACE_SECONDS);
        let (address, server) = web::listen(context, &web, bind, grace)
            .map_err(|error| listen_error(bind, "CARILLON_BIND", &error))?;
        running.address = Some(address);
        let handle = server.handle();
        let task = tokio::spawn(async move {
            if let Err(error) = server.await {
                tracing::error!(%error, "the web server failed");
            }
        });
        running.server = Some((handle, task));
    }
    if role != ProcessRole::Web {
        running.worker = Some(tokio::spawn(new_worker(context).run(stop.clone())));
    }
    let (pool, clock) = (context.db.clone(), context.clock.clone());
    tokio::spawn(async move {
        stop.run_until_cancelled(clock_sync::sync_periodically(pool, clock)).await
    });
    Ok(running)
}

/// Creates the worker of this process.
#[must_use]
pub fn new_worker(context: &Context) -> Worker {
    Worker::new(WorkerParts {
        db: context.db.clone(),
        clock: context.clock.clone(),
        twilio: context.worker_twilio.clone(),
        renderer: context.renderer.clone(),
        secret_key: context.secret_key.clone(),
        public_url: context.config.public_url.clone(),
        concurrency: context.config.worker_concurrency,
        handover: context.handover.clone(),
    })
}

impl Running {
    /// Waits for SIGTERM or SIGINT. That the web server or the worker ends by itself is an error.
    pub(super) async fn until_stop_signal(&mut self) -> Result<(), AppError> {
        // A task that has ended is removed: `stop` would await it again, and panic.
        let (part, ended) = tokio::select! {
            () = stop_signal() => return Ok(()),
            ended = end_of(self.server.as_mut().map(|(_, task)| task)) => {
                self.server = None;
                ("web server", ended)
            }
            ended = end_of(self.worker.as_mut()) => {
                self.worker = None;
                ("worker", ended)
            }
        };
        let reason = ended.map_or_else(|error| error.to_string(), |()| "it returned".to_owned());
        Err(AppError::Other(format!("the {part} ended by itself: {reason}")))
    }

    /// Stops accepting requests and jobs, and waits for those in flight.
    pub async fn stop(self) {
        self.stop.cancel();
        // A stream of live updates is a request in flight that does not end by itself.
        self.web.live.close();
        if let Some((handle, server)) = self.server {
            handle.stop(true).await;
            if let Err(error) = server.await {
                tracing::warn!(%error, "the web server ended with an error");
            }
        }
        if let Some(worker) = self.worker
            && let Err(error) = worker.await
        {
            tracing::warn!(%error, "the worker ended with an error");
        }
    }
}

/// Waits until a task ends, or forever if there is none.
async fn end_of(task: Option<&mut JoinHandle<()>>) -> Result<(), JoinError> {
    match task {
        Some(task) => task.await,
        None => std::future::pending().await,
    }
}
