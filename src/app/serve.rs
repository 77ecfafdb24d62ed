//! The `serve` command: opens the database, starts web server and worker according to the process's
//! role, and stops them in order.

use std::net::SocketAddr;
use std::time::Duration;

use actix_web::dev::ServerHandle;
use actix_web::web::Data;
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::database::Database;
use super::error::AppError;
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

/// Serves until SIGTERM or SIGINT, then finishes the requests and jobs in flight.
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
        Ok(running) => {
            if let Some(address) = running.address {
                tracing::info!(%address, "Carillon is ready");
            }
            stop_signal().await;
            tracing::info!(
                "stopping: work in flight is finished first; a second signal ends at once"
            );
            tokio::select! {
                () = running.stop() => {}
                () = stop_signal() => {
                    tracing::warn!(
                        "ended by a second signal: messages whose answer is missing are settled by \
                         asking Twilio"
                    );
                }
            }
            database.close().await;
            Ok(())
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
            "there is no user yet: open {} and enter the code {}",
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
    server: Option<(ServerHandle, JoinHandle<std::io::Result<()>>)>,
    worker: Option<JoinHandle<()>>,
    /// The shared state of the web edge.
    pub web: Web,
    stop: CancellationToken,
}

/// Starts web server and worker according to the role. Port 0 in `CARILLON_BIND` takes any free
/// port.
pub fn start(context: &Data<Context>, role: ProcessRole) -> Result<Running, AppError> {
    let stop = CancellationToken::new();
    let web = Web::start(context)?;
    let mut running =
        Running { address: None, server: None, worker: None, web: web.clone(), stop: stop.clone() };
    if role != ProcessRole::Worker {
        let bind = context.config.bind;
        let grace = Duration::from_secs(GRACE_SECONDS);
        let (address, server) = web::listen(context, &web, bind, grace)
            .map_err(|error| cannot_listen(bind, "CARILLON_BIND", &error))?;
        running.address = Some(address);
        running.server = Some((server.handle(), tokio::spawn(server)));
    }
    if role != ProcessRole::Web {
        running.worker = Some(tokio::spawn(worker(context).run(stop.clone())));
    }
    let (pool, clock) = (context.db.clone(), context.clock.clone());
    tokio::spawn(async move {
        stop.run_until_cancelled(clock_sync::sync_periodically(pool, clock)).await
    });
    Ok(running)
}

/// Creates the worker of this process.
#[must_use]
pub fn worker(context: &Context) -> Worker {
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
    /// Stops accepting requests and jobs, and waits for those in flight.
    pub async fn stop(self) {
        self.stop.cancel();
        // A stream of live updates is a request in flight that does not end by itself.
        self.web.live.close();
        if let Some((handle, server)) = self.server {
            handle.stop(true).await;
            if let Ok(Err(error)) = server.await {
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

/// Waits for SIGTERM or SIGINT.
pub(super) async fn stop_signal() {
    let (Ok(mut terminate), Ok(mut interrupt)) =
        (signal(SignalKind::terminate()), signal(SignalKind::interrupt()))
    else {
        tracing::error!("signals cannot be received: stop the process with SIGKILL");
        return std::future::pending().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}

/// The error for an address that cannot be listened on; it says what to do.
pub(super) fn cannot_listen(bind: SocketAddr, setting: &str, error: &std::io::Error) -> AppError {
    use std::io::ErrorKind;
    AppError::Other(match error.kind() {
        ErrorKind::AddrInUse => format!(
            "another program listens on {bind} already: stop it, or set {setting} to a free port"
        ),
        ErrorKind::PermissionDenied => format!(
            "{bind} may not be listened on: ports below 1024 need root; set {setting} to another \
             port"
        ),
        ErrorKind::AddrNotAvailable => {
            format!("{bind} is not an address of this machine: set {setting} to one that is")
        }
        _ => format!("cannot listen on {bind} ({setting}): {error}"),
    })
}
