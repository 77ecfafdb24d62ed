//! The program `twilio-simulator`: serves a local Twilio until SIGTERM or Ctrl-C.

use std::io::{self, Write};
use std::process::ExitCode;

use clap::Parser;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::LevelFilter;
use twilio_simulator::{
    ACCOUNT_SID, AUTH_TOKEN, LONG_CODE, RunningSimulator, SERVICE_SID, Simulator, SimulatorOptions,
};

/// A local Twilio: the messaging API, signed webhooks, and a page with one phone per number.
#[derive(Debug, Parser)]
#[command(version, after_help = "RUST_LOG=twilio_simulator=debug shows each webhook that fails.")]
struct Arguments {
    /// Address and port to listen on; port 0 selects a free port.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8090")]
    bind: String,
    /// Removes all network delays: the statuses of a message follow each other at once.
    #[arg(long)]
    instant: bool,
    /// Maximum number of concurrent API requests; further ones are refused with 429 and 20429.
    #[arg(long, value_name = "COUNT")]
    max_concurrent_requests: Option<usize>,
    /// Number of threads that serve requests.
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    workers: usize,
    /// Seed for the random network delays; the same seed gives the same delays.
    #[arg(long)]
    seed: Option<u64>,
}

#[tokio::main]
#[expect(clippy::print_stderr, reason = "the error line of a program")]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let filter =
        EnvFilter::builder().with_default_directive(LevelFilter::WARN.into()).from_env_lossy();
    tracing_subscriber::fmt().with_env_filter(filter).with_writer(io::stderr).init();
    match serve(arguments).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("twilio-simulator: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(arguments: Arguments) -> io::Result<()> {
    let bind = arguments.bind.clone();
    let simulator = Simulator::new(options(&arguments));
    let running = simulator.start(&bind).await.map_err(|error| {
        io::Error::new(error.kind(), format!("cannot listen on {bind}: {error}"))
    })?;
    print_banner(&running)?;
    stop_signal().await?;
    running.stop().await;
    Ok(())
}

fn options(arguments: &Arguments) -> SimulatorOptions {
    let defaults =
        if arguments.instant { SimulatorOptions::instant() } else { SimulatorOptions::default() };
    SimulatorOptions {
        max_concurrent_requests: arguments.max_concurrent_requests,
        workers: arguments.workers,
        seed: arguments.seed.unwrap_or(defaults.seed),
        ..defaults
    }
}

/// Prints the address and the credentials.
fn print_banner(running: &RunningSimulator) -> io::Result<()> {
    let url = &running.url;
    let text = format!(
        "
  A simulated Twilio is ready. No message leaves this machine.

    API and phones  {url}
    Account SID     {ACCOUNT_SID}
    Auth Token      {AUTH_TOKEN}
    A number        {LONG_CODE}
    A service       {SERVICE_SID}

  Ctrl-C stops it; nothing is saved.

"
    );
    let mut stdout = io::stdout();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}

/// Waits for SIGTERM or Ctrl-C.
async fn stop_signal() -> io::Result<()> {
    let mut terminate = signal(SignalKind::terminate())?;
    tokio::select! {
        received = tokio::signal::ctrl_c() => received,
        _ = terminate.recv() => Ok(()),
    }
}
