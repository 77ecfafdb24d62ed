//! The demo: everything in one process, with a simulated Twilio and sample data.

use crate::app::AppError;
use crate::config::Config;

/// Serves with the simulator in place of Twilio, and sample data.
pub async fn demo(_config: Config) -> Result<(), AppError> {
    Ok(())
}
