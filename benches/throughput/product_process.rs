//! The product under test: the real program as a separate process, configured by environment
//! variables.

use std::fs::File;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::Outcome;
use crate::http::{self, Connection};

const TIMEOUT: Duration = Duration::from_mins(1);

/// The configuration of the product.
pub(crate) struct Setup {
    program: PathBuf,
    vars: Vec<(&'static str, String)>,
    directory: PathBuf,
    pub(crate) address: SocketAddr,
}

/// A running `carillon serve`, which is killed when this value is dropped.
pub(crate) struct Product {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Setup {
    /// Configures the product; all other settings have their defaults.
    pub(crate) fn new(
        program: &Path,
        directory: &Path,
        database_url: &str,
        twilio: SocketAddr,
        concurrency: usize,
    ) -> Outcome<Self> {
        let address = free_address()?;
        let vars = vec![
            ("DATABASE_URL", database_url.to_owned()),
            ("CARILLON_BIND", address.to_string()),
            ("CARILLON_DATA_DIR", directory.join("carillon").display().to_string()),
            ("CARILLON_TWILIO_API_URL", format!("http://{twilio}")),
            ("CARILLON_WORKER_CONCURRENCY", concurrency.to_string()),
        ];
        Ok(Self {
            program: std::path::absolute(program)?,
            vars,
            directory: directory.to_owned(),
            address,
        })
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        // Excludes a .env file in the current directory and the caller's own settings.
        command
            .args(arguments)
            .env_clear()
            .envs(self.vars.iter().cloned())
            .current_dir(&self.directory)
            .stdin(Stdio::null());
        command
    }

    /// Runs a command of the program and returns its output.
    pub(crate) fn run(&self, arguments: &[&str]) -> Outcome<String> {
        let output = self.command(arguments).stderr(Stdio::inherit()).output()?;
        if !output.status.success() {
            return Err(
                format!("carillon {} ended with {}", arguments.join(" "), output.status).into()
            );
        }
        Ok(String::from_utf8(output.stdout)?.trim().to_owned())
    }

    /// Starts `carillon serve` and waits until it is ready; also returns how long that took.
    pub(crate) async fn serve(&self) -> Outcome<(Product, Duration)> {
        self.start(&["serve"]).await
    }

    /// Starts the server with other arguments, such as `serve --role web`.
    pub(crate) async fn start(&self, arguments: &[&str]) -> Outcome<(Product, Duration)> {
        let log =
            File::options().create(true).append(true).open(self.directory.join("serve.log"))?;
        let started = Instant::now();
        let child = self.command(arguments).stdout(log.try_clone()?).stderr(log).spawn()?;
        let mut product = Product { child, address: self.address };
        while !product.is_ready().await {
            if let Some(status) = product.child.try_wait()? {
                return Err(format!(
                    "carillon serve ended with {status}; see {}",
                    self.directory.join("serve.log").display()
                )
                .into());
            }
            if started.elapsed() > TIMEOUT {
                return Err("carillon serve does not become ready".into());
            }
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        Ok((product, started.elapsed()))
    }
}

/// A free address. The product needs it before it listens, because it is part of its public URL.
/// The port is outside the kernel's range for outgoing connections, so that it stays free.
fn free_address() -> Outcome<SocketAddr> {
    let mut ports = std::iter::repeat_with(|| 10_000 + rand::random::<u16>() % 22_000).take(100);
    let free =
        ports.find_map(|port| TcpListener::bind(("127.0.0.1", port)).ok()?.local_addr().ok());
    free.ok_or_else(|| "no port is free".into())
}

impl Product {
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }

    async fn is_ready(&self) -> bool {
        let request = async {
            let mut connection = Connection::open(self.address).await?;
            connection.exchange(&http::request("GET", self.address, "/readyz", &[], b"")).await
        };
        request.await.is_ok_and(|(status, _)| status == 200)
    }

    /// Stops the product with SIGTERM and waits until it has exited.
    pub(crate) async fn stop(mut self) -> Outcome<()> {
        kill(Pid::from_raw(self.child.id().cast_signed()), Signal::SIGTERM)?;
        let started = Instant::now();
        while self.child.try_wait()?.is_none() {
            if started.elapsed() > TIMEOUT {
                return Err("carillon serve does not stop".into());
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        Ok(())
    }
}

impl Drop for Product {
    fn drop(&mut self) {
        // Has already exited unless a measurement failed.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
