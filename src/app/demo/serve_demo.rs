//! Runs the demo: the simulated Twilio, the sample data, the server and the worker, in one process.

use std::io::Write;

use actix_web::web::Data;
use twilio_simulator::ACCOUNT_SID;
use url::Url;

use super::{each_start, history, sample_data};
use crate::app::{
    AppError, Database, ProcessRole, check_secret_key, open_files_limit, serve, simulator, start,
};
use crate::clock::Clock;
use crate::config::Config;
use crate::context::Context;
use crate::{connections, users};

/// Serves with the simulator in place of Twilio and with sample data, until SIGTERM or SIGINT.
pub async fn serve_demo(mut config: Config) -> Result<(), AppError> {
    open_files_limit::raise_limit();
    let simulator = simulator::start(config.simulator_bind).await?;
    let phones = simulator.url.clone();
    if config.for_demo(
        Url::parse(&phones).map_err(|error| AppError::Other(format!("{phones}: {error}")))?,
    ) {
        tracing::info!(
            "the demo does not use DATABASE_URL: it keeps to a PostgreSQL of its own in {}",
            config.data_dir.display()
        );
    }
    let database = serve::open_migrated(&config).await?;
    let result = run(config, &database, &phones).await;
    simulator.stop().await;
    database.close().await;
    result
}

async fn run(config: Config, database: &Database, phones: &str) -> Result<(), AppError> {
    refuse_real_data(&config, database).await?;
    if !users::any(&mut *database.pool.get().await?).await? {
        tracing::info!("generating sample data: one month of a shop");
        history::generate(&config, database, Clock::system().now()).await?;
    }
    let context = Data::new(Context::new(config, database.pool.clone(), Clock::system())?);
    check_secret_key(&context).await?;
    let mut running = start(&context, ProcessRole::All)?;
    let result = async {
        let key = each_start::prepare(&context).await?;
        print_login(&context, phones, &key)?;
        running.until_stop_signal().await
    }
    .await;
    tracing::info!("stopping");
    running.stop().await;
    result
}

/// Refuses an installation with a real account: the demo adds sample data and a well-known
/// password.
async fn refuse_real_data(config: &Config, database: &Database) -> Result<(), AppError> {
    let mut conn = database.pool.get().await?;
    let real = connections::list(&mut conn)
        .await?
        .iter()
        .any(|connection| connection.account_sid != ACCOUNT_SID);
    if !real {
        return Ok(());
    }
    Err(AppError::Other(format!(
        "{} holds a real Twilio connection, which the demo must not touch: set CARILLON_DATA_DIR \
         to another directory for the demo",
        config.data_dir.display()
    )))
}

/// Prints the addresses of the demo and the login.
fn print_login(context: &Context, phones: &str, key: &str) -> Result<(), AppError> {
    let url = context.config.public_url.as_str().trim_end_matches('/');
    let email = sample_data::EMAIL;
    let password = sample_data::PASSWORD;
    let phone = sample_data::FIRST_PHONE;
    let text = format!(
        "
  Carillon is ready, with a simulated Twilio and sample data.

    Pages     {url}
    Log-in    {email}
    Password  {password}
    Phones    {phones}

  Send the first message:

    curl -X POST {url}/api/v1/events \\
      -H 'Authorization: Bearer {key}' -H 'Content-Type: application/json' \\
      -d '{{\"name\": \"order_completed\", \"contact\": {{\"phone\": \"{phone}\"}}, \"properties\": {{\"order_id\": \"A-1001\"}}}}'

  Then open {phones}/phones/{phone}, answer STOP, and send it again.
  Ctrl-C stops everything; the data stays in {}.

",
        context.config.data_dir.display()
    );
    std::io::stdout()
        .write_all(text.as_bytes())
        .map_err(|error| AppError::Other(format!("the log-in cannot be printed: {error}")))
}
