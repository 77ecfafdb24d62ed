//! The simulated Twilio of the demo and of `carillon simulator`: its setup and its clock.

use std::net::SocketAddr;

use twilio_simulator::{ACCOUNT_SID, AUTH_TOKEN, RunningSimulator, Simulator, SimulatorOptions};

use super::error::AppError;
use super::listen_error::listen_error;
use super::stop_signal::stop_signal;
use crate::clock::Clock;
use crate::config::Config;

/// The business after which the simulator names accounts, numbers and services.
const BUSINESS: &str = "Carillon";

/// Shares one clock, so that a test that advances it advances Twilio as well.
impl From<Clock> for twilio_simulator::Clock {
    fn from(clock: Clock) -> Self {
        Self::new(move || clock.now())
    }
}

/// Options for a simulated Twilio on this clock, without network latency.
#[must_use]
pub fn instant_simulator(clock: &Clock) -> SimulatorOptions {
    SimulatorOptions { clock: clock.clone().into(), ..SimulatorOptions::instant() }
        .of_business(BUSINESS)
}

/// Serves the simulator alone, until SIGTERM or SIGINT.
pub async fn serve_simulator(config: Config) -> Result<(), AppError> {
    let running = start(config.simulator_bind).await?;
    tracing::info!(
        url = running.url,
        account = ACCOUNT_SID,
        token = AUTH_TOKEN,
        "the Twilio simulator is ready"
    );
    stop_signal().await;
    running.stop().await;
    Ok(())
}

/// Starts the simulator as users see it: with network latency, on the machine's clock.
pub(super) async fn start(bind: SocketAddr) -> Result<RunningSimulator, AppError> {
    Simulator::new(SimulatorOptions::default().of_business(BUSINESS))
        .start(&bind.to_string())
        .await
        .map_err(|error| listen_error(bind, "CARILLON_SIMULATOR_BIND", &error))
}
