//! The thread that keeps the server: waits for the lock, starts the server, starts it again should
//! it die, stops it in the end.
//!
//! A thread and not a task, because the kernel ends the server with the *thread* that started it,
//! and tokio's threads come and go.

use std::fs::File;
use std::sync::mpsc::{Sender, channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;

use super::cluster::Cluster;
use super::error::EmbeddedError;
use super::server::Server;
use super::stop::StopSignal;
use crate::db::waits::SAID_AFTER;

/// Who runs the server that one is connected to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ownership {
    /// This process.
    Owner,
    /// Another process, started before.
    Attached,
}

/// As long as a server with much to recover may take under its owner.
const ATTACH_PATIENCE: Duration = Duration::from_mins(3);

/// Stops the keeping when it is dropped, and waits until the server has ended.
#[derive(Debug)]
pub(super) struct Keeper {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

type Ready = oneshot::Sender<Result<Ownership, EmbeddedError>>;

impl Keeper {
    /// Starts keeping; the receiver gets word once the server is ready, or why it is not.
    pub(super) fn start(
        cluster: Cluster,
    ) -> (Self, oneshot::Receiver<Result<Ownership, EmbeddedError>>) {
        let (stop, stopped) = channel();
        let (ready, word) = oneshot::channel();
        let thread = std::thread::Builder::new()
            .name("postgres-keeper".to_owned())
            .spawn(move || keep(&cluster, &StopSignal(stopped), ready));
        // Without a thread the receiver learns that nobody will send.
        (Self { stop: Some(stop), thread: thread.ok() }, word)
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
        Err(error) => return tell(&mut Some(ready), Err(error)),
    };
    let mut ready = Some(ready);
    if wait_for_lock(cluster, &lock, stop, &mut ready) {
        own(cluster, stop, &mut ready);
    }
}

/// Waits for the lock, attached to the server of whoever has it; `false` when it was not to be had.
fn wait_for_lock(
    cluster: &Cluster,
    lock: &File,
    stop: &StopSignal,
    ready: &mut Option<Ready>,
) -> bool {
    let started = Instant::now();
    let mut said = false;
    loop {
        match cluster.try_lock(lock) {
            Ok(true) => return true,
            Ok(false) => {}
            Err(error) => {
                tell(ready, Err(error));
                return false;
            }
        }
        if !said && ready.is_some() && started.elapsed() > SAID_AFTER {
            said = true;
            let (directory, holder) = (cluster.data_dir().display(), cluster.holder());
            tracing::warn!(
                %directory,
                holder,
                "waiting for the PostgreSQL of another Carillon on this data directory to get ready"
            );
        }
        if ready.is_some() && cluster.ready_server().is_some() {
            tell(ready, Ok(Ownership::Attached));
        } else if ready.is_some() && started.elapsed() > ATTACH_PATIENCE {
            tell(ready, Err(cluster.busy()));
            return false;
        }
        if stop.within(Duration::from_millis(if ready.is_some() { 20 } else { 250 })) {
            return false;
        }
    }
}

/// Runs the server until it is time to stop, whatever happens to it.
fn own(cluster: &Cluster, stop: &StopSignal, ready: &mut Option<Ready>) {
    loop {
        match Server::start(cluster, stop) {
            Ok(server) => {
                tell(ready, Ok(Ownership::Owner));
                if watch(server, stop) {
                    return;
                }
            }
            Err(EmbeddedError::Stopped) => return,
            Err(error) if ready.is_some() => return tell(ready, Err(error)),
            Err(error) => {
                tracing::error!(
                    %error,
                    "the embedded PostgreSQL cannot be started again; trying on"
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

/// Tells the waiting caller, the first time; a caller that has gone away does not matter.
fn tell(ready: &mut Option<Ready>, word: Result<Ownership, EmbeddedError>) {
    if let Some(ready) = ready.take() {
        let _: Result<(), _> = ready.send(word);
    }
}
