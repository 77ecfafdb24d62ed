//! The keeper thread of the server: waits for the lock, starts the server, restarts it if it dies,
//! and stops it in the end.
//!
//! A thread and not a task, because the kernel ends the server with the *thread* that started it,
//! and tokio's threads come and go.

use std::fs::File;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::cluster_files::Cluster;
use super::error::EmbeddedError;
use super::server::Server;
use super::stop_signal::StopSignal;
use crate::db::startup_wait_log::LOG_AFTER;

/// Which process runs the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// This process.
    Owner,
    /// Another process, which started earlier.
    Attached,
}

/// How long to wait for the server of another process, which may have much to recover.
const ATTACH_TIMEOUT: Duration = Duration::from_mins(3);

/// A handle to the keeper thread; dropping it stops the server and waits for its end.
#[derive(Debug)]
pub(super) struct Keeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

type Ready = oneshot::Sender<Result<Ownership, EmbeddedError>>;

impl Keeper {
    /// Starts the thread; the receiver learns when the server is ready, or why it is not.
    pub(super) fn start(
        cluster: Cluster,
    ) -> (Self, oneshot::Receiver<Result<Ownership, EmbeddedError>>) {
        let (stop, stopped) = channel();
        let (ready, result) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("postgres-keeper".to_owned())
            .spawn(move || keep(&cluster, &StopSignal(stopped), ready));
        // Without a thread, the receiver sees a closed channel.
        (Self { stop: Some(stop), thread: thread.ok() }, result)
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        self.stop = None;
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the keeper of the embedded PostgreSQL panicked");
        }
    }
}

fn keep(cluster: &Cluster, stop: &StopSignal, ready: Ready) {
    let lock = match cluster.open_lock() {
        Ok(lock) => lock,
        Err(error) => return report(&mut Some(ready), Err(error)),
    };
    let mut ready = Some(ready);
    if wait_for_lock(cluster, &lock, stop, &mut ready) {
        run_server(cluster, stop, &mut ready);
    }
}

/// Waits for the lock, attached to the server of the process that holds it; `false` if it could not
/// be acquired.
fn wait_for_lock(
    cluster: &Cluster,
    lock: &File,
    stop: &StopSignal,
    ready: &mut Option<Ready>,
) -> bool {
    let started = Instant::now();
    let mut logged = false;
    loop {
        match cluster.try_lock(lock) {
            Ok(true) => return true,
            Ok(false) => {}
            Err(error) => {
                report(ready, Err(error));
                return false;
            }
        }
        if !logged && ready.is_some() && started.elapsed() > LOG_AFTER {
            logged = true;
            let (directory, holder) = (cluster.data_dir().display(), cluster.holder());
            tracing::warn!(
                %directory,
                holder,
                "waiting for the PostgreSQL of another Carillon on this data directory to get ready"
            );
        }
        if ready.is_some() && cluster.ready_server().is_some() {
            report(ready, Ok(Ownership::Attached));
        } else if ready.is_some() && started.elapsed() > ATTACH_TIMEOUT {
            report(ready, Err(cluster.other_server_not_ready()));
            return false;
        }
        if stop.within(Duration::from_millis(if ready.is_some() { 20 } else { 250 })) {
            return false;
        }
    }
}

/// Runs the server until it is to stop, and restarts it if it dies.
fn run_server(cluster: &Cluster, stop: &StopSignal, ready: &mut Option<Ready>) {
    loop {
        match Server::start(cluster, stop) {
            Ok(server) => {
                report(ready, Ok(Ownership::Owner));
                if watch(server, stop) {
                    return;
                }
            }
            Err(EmbeddedError::StoppedBeforeReady) => return,
            Err(error) if ready.is_some() => return report(ready, Err(error)),
            Err(error) => {
                tracing::error!(
                    %error,
                    "the embedded PostgreSQL cannot be restarted; retrying"
                );
                if stop.within(Duration::from_secs(2)) {
                    return;
                }
            }
        }
    }
}

/// Watches the server; `true` when it was stopped on purpose, `false` when it died.
fn watch(mut server: Server, stop: &StopSignal) -> bool {
    loop {
        if stop.within(Duration::from_millis(200)) {
            server.stop();
            return true;
        }
        if let Some(status) = server.exited() {
            tracing::error!(
                %status,
                "the embedded PostgreSQL ended unexpectedly; starting it again"
            );
            return false;
        }
    }
}

/// Reports the result to the waiting caller, the first time only; the caller may have stopped
/// waiting.
fn report(ready: &mut Option<Ready>, result: Result<Ownership, EmbeddedError>) {
    if let Some(ready) = ready.take() {
        let _: Result<(), _> = ready.send(result);
    }
}
