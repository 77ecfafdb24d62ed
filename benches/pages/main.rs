//! `make bench-pages`: how long the server takes for every page and every list of the API, with 1 M
//! contacts and 10 M messages.
//!
//! [`world`] makes the data, by the files in `world/`; [`cases`] says what is asked for, and
//! [`routes`] that nothing is forgotten; [`browser`] asks, one request at a time, signed in, over
//! the loopback. Database, program and double of Twilio are those of the other benchmark,
//! `benches/throughput/`.

mod browser;
mod cases;
mod report;
mod routes;
mod world;

#[path = "../throughput/cluster.rs"]
#[expect(dead_code, reason = "the rest is for the other benchmark")]
mod cluster;
#[path = "../throughput/fake_twilio.rs"]
#[expect(dead_code, reason = "the rest is for the other benchmark")]
mod fake_twilio;
#[path = "../throughput/filling.rs"]
mod filling;
#[path = "../throughput/helper.rs"]
#[expect(dead_code, reason = "the rest is for the other benchmark")]
mod helper;
#[path = "../throughput/http.rs"]
mod http;
#[path = "../throughput/load.rs"]
#[expect(dead_code, reason = "the rest is for the other benchmark")]
mod load;
#[path = "../throughput/machine.rs"]
#[expect(dead_code, reason = "the rest is for the other benchmark")]
mod machine;
#[path = "../throughput/product.rs"]
#[expect(dead_code, reason = "the rest is for the other benchmark")]
mod product;
#[path = "../throughput/program.rs"]
mod program;

use std::error::Error;
use std::fs;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Parser;

use browser::Browser;
use cases::{Case, Kind};
use cluster::Cluster;
use fake_twilio::FakeTwilio;
use product::Setup;
use report::{Line, Report};
use world::Size;

/// A result, or why there is none, for whoever measures.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Before each row so many requests are not measured: what is read for the first time comes from
/// the disk.
const WARM: usize = 3;

/// Measures how long the server takes for every page.
#[derive(Debug, Parser)]
struct Options {
    /// How many contacts there are.
    #[arg(long, default_value_t = 1_000_000)]
    contacts: i64,
    /// How many messages there are.
    #[arg(long, default_value_t = 10_000_000)]
    messages: i64,
    /// Keeps database and logs there, and uses again what is there.
    #[arg(long, default_value = "/var/tmp/carillon-pages")]
    directory: PathBuf,
    /// How many requests are measured for each row.
    #[arg(long, default_value_t = 30)]
    requests: usize,
    /// Only rows whose address or words contain this.
    #[arg(long)]
    only: Option<String>,
    /// Writes the figures as JSON into this directory, named by date and commit.
    #[arg(long)]
    save: Option<PathBuf>,
    /// Another `carillon` to measure than the one that was built along with this program.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_carillon"))]
    program: PathBuf,
    /// What `cargo bench` passes on.
    #[arg(long, hide = true)]
    bench: bool,
}

fn main() -> ExitCode {
    let options = Options::parse();
    program::run(measure_all(&options))
}

async fn measure_all(options: &Options) -> Outcome<()> {
    routes::check()?;
    let directory = std::path::absolute(&options.directory)?;
    fs::create_dir_all(directory.join("carillon"))?;
    let fake = FakeTwilio::start(&helper::start(helper::FAKE)?).await?;
    let cluster = Cluster::start(&directory).await?;
    let setup = Setup::new(&options.program, &directory, cluster.url(), fake.address, 16)?;
    setup.run(&["migrate"])?;
    let size = Size { contacts: options.contacts, messages: options.messages };
    let (cluster, is_new) = world::ensure(cluster, size).await?;
    // The keys in the connections are none: it does not start with such.
    setup.run(&["forget-keys"])?;
    let names = world::names(&cluster).await?;
    let session = world::sign_in(&cluster).await?;
    let key = setup.run(&["api-key", "create", "--name", "bench-pages", "--role", "admin"])?;

    // Pages alone: a worker would change what is measured.
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
) -> Outcome<Line> {
    for _ in 0..WARM {
        browser.get(case)?;
    }
    cluster.forget_statements().await?;
    let answers = (0..requests).map(|_| browser.get(case)).collect::<Outcome<Vec<_>>>()?;
    let mut took: Vec<Duration> = answers.iter().map(|answer| answer.took).collect();
    took.sort_unstable();
    let bytes = answers.first().map_or(0, |answer| answer.bytes);
    let line = Line::new(case, &took, bytes);
    // Which statements a slow page has spent its time with.
    if line.is_slow() { Ok(line.with(cluster.statements().await?)) } else { Ok(line) }
}

impl Kind {
    /// What 95 of 100 requests are not to exceed, in milliseconds.
    const fn goal(self) -> f64 {
        match self {
            Self::Home => 200.0,
            Self::Page | Self::Api | Self::Stream => 50.0,
        }
    }
}
