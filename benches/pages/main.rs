//! `make bench-pages`: measures the response time of every page and every list of the API, with 1 M
//! contacts and 10 M messages.
//!
//! [`world`] creates the data from the files in `world/`, [`cases`] lists the requests,
//! [`route_coverage`] checks that they are complete, and [`browser`] sends them one by one, signed
//! in, over the loopback. Database, program and fake Twilio are shared with `benches/throughput/`.

mod api_cases;
mod browser;
mod case;
mod cases;
mod report;
mod route_coverage;
mod world;

#[path = "../throughput/bulk_load.rs"]
mod bulk_load;
#[path = "../throughput/fake_twilio.rs"]
#[expect(dead_code, reason = "the rest is for the other benchmark")]
mod fake_twilio;
#[path = "../throughput/http.rs"]
mod http;
#[path = "../throughput/load_tool.rs"]
#[expect(dead_code, reason = "the rest is for the other benchmark")]
mod load_tool;
#[path = "../throughput/machine.rs"]
#[expect(dead_code, reason = "the rest is for the other benchmark")]
mod machine;
#[path = "../throughput/postgres_cluster.rs"]
#[expect(dead_code, reason = "the rest is for the other benchmark")]
mod postgres_cluster;
#[path = "../throughput/product_process.rs"]
#[expect(dead_code, reason = "the rest is for the other benchmark")]
mod product_process;
#[path = "../throughput/runner.rs"]
mod runner;
#[path = "../throughput/threads.rs"]
#[expect(dead_code, reason = "the rest is for the other benchmark")]
mod threads;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use browser::Browser;
use case::{Case, Kind};
use fake_twilio::FakeTwilio;
use postgres_cluster::Cluster;
use product_process::Setup;
use report::{CaseResult, Report};
use world::Size;

/// The result of a step of the benchmark; an error ends the measurement.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// The number of unmeasured requests before each row, which bring its data into memory.
const WARM_UP_REQUESTS: usize = 3;

/// Measures the response time of every page.
#[derive(Debug, Parser)]
struct Options {
    /// Number of contacts.
    #[arg(long, default_value_t = 1_000_000)]
    contacts: i64,
    /// Number of messages.
    #[arg(long, default_value_t = 10_000_000)]
    messages: i64,
    /// Directory for the database and the logs, which is reused.
    #[arg(long, default_value = "/var/tmp/carillon-pages")]
    directory: PathBuf,
    /// Number of measured requests of each row.
    #[arg(long, default_value_t = 30)]
    requests: usize,
    /// Measures only rows whose path or description contains this text.
    #[arg(long)]
    only: Option<String>,
    /// Directory for a JSON file with the figures, named by date and commit.
    #[arg(long)]
    save: Option<PathBuf>,
    /// The `carillon` to measure; the one built with this benchmark by default.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_carillon"))]
    program: PathBuf,
    /// Ignored; `cargo bench` passes it.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    runner::run(measure_all(&options))
}

async fn measure_all(options: &Options) -> Outcome<()> {
    route_coverage::check()?;
    let directory = std::path::absolute(&options.directory)?;
    fs::create_dir_all(directory.join("carillon"))?;
    let fake = FakeTwilio::start(&threads::start(threads::FAKE_TWILIO)?).await?;
    let cluster = Cluster::start(&directory).await?;
    let setup = Setup::new(&options.program, &directory, cluster.url(), fake.address, 16)?;
    setup.run(&["migrate"])?;
    let size = Size { contacts: options.contacts, messages: options.messages };
    let (cluster, is_new) = world::ensure(cluster, size).await?;
    // The generated connections have no valid keys, with which the product would not start.
    setup.run(&["forget-keys"])?;
    let names = world::names(&cluster).await?;
    let session = world::sign_in(&cluster).await?;
    let key = setup.run(&["api-key", "create", "--name", "bench-pages", "--role", "admin"])?;

    // Without a worker, which would affect the measurement.
    let (product, _) = setup.start(&["serve", "--role", "web"]).await?;
    let mut browser = Browser::new(product.address, session, key);
    world::enter_keys(&mut browser, &cluster).await?;
    if is_new {
        world::check_ledger(&mut browser, &cluster).await?;
    }
    let mut report =
        Report::begin(machine::describe(&cluster, &directory).await?, size, options.requests);
    for case in cases::all(&names)? {
        if options
            .only
            .as_ref()
            .is_none_or(|only| case.path.contains(only) || case.what.contains(only))
        {
            report.add(measure(&mut browser, &cluster, &case, options.requests).await?);
        }
    }
    product.stop().await?;
    cluster.stop().await;
    report.finish(options.save.as_deref())
}

async fn measure(
    browser: &mut Browser,
    cluster: &Cluster,
    case: &Case,
    requests: usize,
) -> Outcome<CaseResult> {
    for _ in 0..WARM_UP_REQUESTS {
        browser.get(case)?;
    }
    cluster.reset_statements().await?;
    let responses = (0..requests).map(|_| browser.get(case)).collect::<Outcome<Vec<_>>>()?;
    let mut times: Vec<Duration> = responses.iter().map(|response| response.elapsed).collect();
    times.sort_unstable();
    let bytes = responses.first().map_or(0, |response| response.bytes);
    let line = CaseResult::new(case, &times, bytes);
    if line.is_slow() { Ok(line.with_statements(cluster.statements().await?)) } else { Ok(line) }
}

impl Kind {
    /// The goal for the 95th percentile, in milliseconds.
    const fn goal(self) -> f64 {
        match self {
            Self::Home => 200.0,
            Self::Page | Self::Api | Self::Stream => 50.0,
        }
    }
}
