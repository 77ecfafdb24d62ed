//! Runs `carillon serve` as a child process on the database and Twilio of a story, which can kill,
//! suspend and resume it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use carillon::app::ProcessRole;
use carillon::clock::Clock;
use chrono::TimeDelta;
use diesel_async::SimpleAsyncConnection;
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use secrecy::ExposeSecret;
use tokio::process::{Child, Command};

use super::TestApp;
use super::api_client::Api;
use super::waiting::between_polls;

/// Options of a [`Process`].
#[derive(Default)]
pub(crate) struct ProcessOptions<'a> {
    /// Settings in addition to the defaults.
    pub(crate) settings: &'a [(&'a str, &'a str)],
    /// The soft limit of open files at its start, as `ulimit -Sn` sets it.
    pub(crate) open_files: Option<u64>,
}

const TIMEOUT: Duration = Duration::from_mins(1);

/// A `carillon serve` process, which is killed when dropped.
pub(crate) struct Process {
    child: Child,
    /// The clock of the story, which catches up with the system clock when the process ends or is
    /// suspended.
    clock: Clock,
    /// The address of its pages, API and webhooks, such as `127.0.0.1:20001`; empty for a worker.
    bind: String,
}

impl TestApp {
    /// Starts a process in a role and waits until it is ready. Twilio calls its webhooks if it
    /// has any, else those of the story.
    pub(crate) async fn process(&self, role: ProcessRole) -> Process {
        let port = 10_000 + rand::random::<u16>() % 22_000;
        self.process_at(role, &format!("127.0.0.1:{port}")).await
    }

    /// Starts a process with other options.
    pub(crate) async fn process_with(
        &self,
        role: ProcessRole,
        options: ProcessOptions<'_>,
    ) -> Process {
        let port = 10_000 + rand::random::<u16>() % 22_000;
        self.begin_process(role, &format!("127.0.0.1:{port}"), options).await
    }

    /// Starts a process at a given address, such as that of one that has ended.
    pub(crate) async fn process_at(&self, role: ProcessRole, bind: &str) -> Process {
        self.begin_process(role, bind, ProcessOptions::default()).await
    }

    /// Starts a worker that suspends itself at a fail point, and returns when it has.
    #[cfg(debug_assertions)]
    pub(crate) async fn suspended_worker(
        &self,
        fail_point: carillon::fail_point::FailPoint,
    ) -> Process {
        let settings = [("CARILLON_TEST_SUSPEND_AT", fail_point.as_str())];
        let options = ProcessOptions { settings: &settings, ..ProcessOptions::default() };
        let process = self.begin_process(ProcessRole::Worker, "", options).await;
        let stat = format!("/proc/{}/stat", process.pid());
        // The state `T` in `4711 (carillon) T …` means that a signal stopped it.
        let is_stopped =
            async || std::fs::read_to_string(&stat).unwrap().contains(") T ").then_some(());
        self.eventually("it is suspended", is_stopped).await;
        process.catch_up();
        self.cut_transactions().await;
        process
    }

    /// Terminates the backends that wait for a lock or are idle in a transaction, as PostgreSQL
    /// does after half a minute of idleness.
    pub(crate) async fn cut_transactions(&self) {
        let cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND application_name = 'carillon'
                   AND (wait_event_type = 'Lock' OR state LIKE 'idle in transaction%')";
        self.database.connect().await.batch_execute(cut).await.unwrap();
    }

    async fn begin_process(
        &self,
        role: ProcessRole,
        bind: &str,
        options: ProcessOptions<'_>,
    ) -> Process {
        let role_argument = match role {
            ProcessRole::All => "all",
            ProcessRole::Web => "web",
            ProcessRole::Worker => "worker",
        };
        let difference = Clock::system().now() - self.clock.now();
        assert!(
            difference.abs() < TimeDelta::minutes(10),
            "a process uses the system clock: the clock of the story must start near it"
        );
        let own_url = format!("http://{bind}");
        let program = env!("CARGO_BIN_EXE_carillon");
        let mut command = match options.open_files {
            Some(files) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &format!("ulimit -Sn {files} && exec \"$0\" \"$@\""), program]);
                shell
            }
            None => Command::new(program),
        };
        command
            .args(["serve", "--role", role_argument])
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap())
            .env("DATABASE_URL", &self.database.url)
            .env("CARILLON_BIND", if bind.is_empty() { "127.0.0.1:0" } else { bind })
            .env(
                "CARILLON_PUBLIC_URL",
                if role == ProcessRole::Worker { &self.url } else { &own_url },
            )
            .env("CARILLON_SECRET_KEY", self.context.secret_key.to_base64().expose_secret())
            .env("CARILLON_TWILIO_API_URL", self.twilio_url())
            .env("CARILLON_DATABASE_CONNECTIONS", "8")
            .env("CARILLON_DATA_DIR", "/nonexistent")
            .envs(options.settings.iter().copied())
            .current_dir("/")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        match std::env::var_os("CARILLON_TEST_LOG") {
            Some(filter) => command.env("CARILLON_LOG", filter),
            None => command.stdout(Stdio::null()).stderr(Stdio::null()),
        };
        let mut process = Process {
            child: command.spawn().unwrap(),
            clock: self.clock.clone(),
            bind: bind.to_owned(),
        };
        let started = Instant::now();
        while !self.is_ready(&process, role).await {
            assert!(
                process.child.try_wait().unwrap().is_none(),
                "the program ended; CARILLON_TEST_LOG=info shows why"
            );
            assert!(
                started.elapsed() < TIMEOUT,
                "the program did not become ready; CARILLON_TEST_LOG=info shows why"
            );
            between_polls().await;
        }
        process
    }

    async fn is_ready(&self, process: &Process, role: ProcessRole) -> bool {
        let pid = process.child.id().unwrap();
        let works = role == ProcessRole::Web
            || self.count(&format!("workers WHERE pid = {pid}")).await == 1;
        let answers = role == ProcessRole::Worker
            || self
                .http
                .get(format!("http://{}/readyz", process.bind))
                .send()
                .await
                .is_ok_and(|answer| answer.status() == 200);
        works && answers
    }
}

impl Process {
    /// An API client for it, with the key of the story.
    pub(crate) fn api(&self, app: &TestApp) -> Api {
        Api { url: format!("http://{}/api/v1", self.bind), ..app.api().clone() }
    }

    /// Kills it with SIGKILL, and returns its address.
    pub(crate) async fn kill(mut self) -> String {
        self.signal(Signal::SIGKILL);
        self.child.wait().await.unwrap();
        self.catch_up();
        self.bind
    }

    /// Sends SIGTERM, as a service manager does.
    pub(crate) fn terminate(&self) {
        self.signal(Signal::SIGTERM);
    }

    /// Whether it is still running.
    pub(crate) fn is_running(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// Waits until it has exited with success.
    pub(crate) async fn wait_for_exit(&mut self) {
        let status = tokio::time::timeout(TIMEOUT, self.child.wait()).await.unwrap().unwrap();
        assert!(status.success(), "{status}");
        self.catch_up();
    }

    /// Its process id, as the table `workers` has it.
    pub(crate) fn pid(&self) -> String {
        self.child.id().unwrap().to_string()
    }

    /// Its peak resident memory, in bytes.
    pub(crate) fn peak_memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
        1_024 * line.trim().trim_end_matches(" kB").parse::<u64>().unwrap()
    }

    /// The number of its open files and connections.
    pub(crate) fn open_files(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap().count()
    }

    /// Its soft and hard limit of open files.
    pub(crate) fn open_files_limit(&self) -> (u64, u64) {
        let limits = std::fs::read_to_string(format!("/proc/{}/limits", self.pid())).unwrap();
        let line = limits.lines().find_map(|line| line.strip_prefix("Max open files")).unwrap();
        let mut numbers = line.split_whitespace().map(|number| number.parse().unwrap_or(u64::MAX));
        (numbers.next().unwrap(), numbers.next().unwrap())
    }

    /// Its address, such as `127.0.0.1:20001`.
    pub(crate) fn bind(&self) -> &str {
        &self.bind
    }

    /// Suspends it with SIGSTOP, as a suspended machine would.
    pub(crate) fn pause(&self) {
        self.signal(Signal::SIGSTOP);
        self.catch_up();
    }

    /// Resumes it with SIGCONT.
    pub(crate) fn resume(&self) {
        self.signal(Signal::SIGCONT);
    }

    /// Advances the clock of the story to the system clock.
    fn catch_up(&self) {
        let behind = Clock::system().now() - self.clock.now();
        if behind > TimeDelta::zero() {
            self.clock.advance(behind);
        }
    }

    fn signal(&self, signal: Signal) {
        kill(Pid::from_raw(self.child.id().unwrap().try_into().unwrap()), signal).unwrap();
    }
}
