//! `make bench`: how fast the product is, and what it costs, on this machine. Starts everything it
//! needs, checks the counts at the end of each row, prints a table and keeps the figures as a file.
//!
//! [`cluster`] is the database, [`product`] the program under measurement, [`fake_twilio`] and
//! [`load`] the world around it, which shares the machine's cores with them. The rows are [`send`],
//! [`callbacks`], [`ingest`], [`inbound`] and [`resting`]; [`history`] fills the tables before, to
//! see whether the cost stays the same. [`compare`] measures two programs in turns
//! (`make bench-compare`), beside what the machine gives by the [`probes`].

mod bench;
mod callbacks;
mod cluster;
mod compare;
mod fake_twilio;
mod filling;
mod helper;
mod history;
mod http;
mod inbound;
mod ingest;
mod load;
mod machine;
mod measure;
mod probes;
mod product;
mod program;
mod report;
mod resting;
mod send;
mod statistics;
mod webhook;
mod world;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::ArgPredicate;
use clap::{Parser, ValueEnum};

use bench::{Bench, Line};
use cluster::Cluster;
use fake_twilio::FakeTwilio;
use inbound::Text;
use product::Setup;
use report::Report;

/// A result, or why there is none, for whoever measures.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Measures how fast Carillon is on this machine.
#[derive(Debug, Parser)]
struct Options {
    /// What to measure; everything if nothing is named.
    #[arg(value_enum)]
    rows: Vec<Row>,
    /// How many messages one run sends, to as many contacts; 8,000 with --against.
    #[arg(
        long,
        default_value_t = 20_000,
        default_value_if("against", ArgPredicate::IsPresent, "8000")
    )]
    messages: usize,
    /// Times that the fake Twilio takes to answer, in milliseconds; 0 with --against.
    #[arg(
        long,
        value_delimiter = ',',
        default_values_t = [0, 100],
        default_value_if("against", ArgPredicate::IsPresent, "0")
    )]
    latency: Vec<u64>,
    /// How often the rows with a rate are repeated; the one in the middle counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// CARILLON_WORKER_CONCURRENCY and the connection's most requests in flight: at 100 ms, a rate
    /// of 8,000 messages a second needs 800 requests in flight.
    #[arg(long, default_value_t = 1_024)]
    concurrency: usize,
    /// How many messages are in the database before, to a tenth as many contacts; 10,000,000 for
    /// the second half of the table.
    #[arg(long, default_value_t = 0)]
    history: usize,
    /// How long the idle row watches, in seconds.
    #[arg(long, default_value_t = 20)]
    idle: u64,
    /// Keeps database and logs in this directory, and uses again what is there; a passing one in
    /// /var/tmp otherwise.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Writes the figures as JSON into this directory, named by date and commit.
    #[arg(long)]
    save: Option<PathBuf>,
    /// Another `carillon` to measure than the one that was built along with this program.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_carillon"))]
    program: PathBuf,
    /// An earlier `carillon`: both are measured in turns, and the ratios printed.
    #[arg(long)]
    against: Option<PathBuf>,
    /// How many times each row is measured with both programs.
    #[arg(long, default_value_t = 6, requires = "against")]
    pairs: usize,
    /// What the record calls the earlier program: its commit. Its file name otherwise.
    #[arg(long, requires = "against")]
    against_name: Option<String>,
    /// What the record calls the program: its commit. Its file name otherwise.
    #[arg(long, requires = "against")]
    program_name: Option<String>,
    /// Prints the statements that took longest, as PostgreSQL counted them.
    #[arg(long)]
    statements: bool,
    /// What `cargo bench` passes on.
    #[arg(long, hide = true)]
    bench: bool,
}

/// A row of the table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Row {
    /// From start to ready.
    Start,
    /// Messages, from event to SID.
    Send,
    /// Signed status callbacks.
    Callbacks,
    /// Events through the API.
    Ingest,
    /// Signed inbound texts, ordinary ones and STOP.
    Inbound,
    /// From an event's 202 to the POST at Twilio.
    Latency,
    /// Memory, and what nothing costs.
    Idle,
}

impl Options {
    fn wants(&self, row: Row) -> bool {
        self.rows.is_empty() || self.rows.contains(&row)
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    program::run(measure_all(&options))
}

async fn measure_all(options: &Options) -> Outcome<()> {
    // Not below /tmp, which may be memory: what a commit costs depends on the disk.
    let passing = PathBuf::from(format!("/var/tmp/carillon-bench-{:08x}", rand::random::<u32>()));
    let directory = std::path::absolute(options.directory.as_ref().unwrap_or(&passing))?;
    fs::create_dir_all(directory.join("carillon"))?;
    let measured = match &options.against {
        Some(against) => compare::compare(options, against, &directory).await,
        None => measure_in(options, &directory).await,
    };
    if options.directory.is_none() && measured.is_ok() {
        fs::remove_dir_all(&directory)?;
    }
    measured
}

async fn measure_in(options: &Options, directory: &Path) -> Outcome<()> {
    let fake = FakeTwilio::start(&helper::start(helper::FAKE)?).await?;
    let cluster = Cluster::start(directory).await?;
    let setup =
        Setup::new(&options.program, directory, cluster.url(), fake.address, options.concurrency)?;
    setup.run(&["migrate"])?;
    let cluster = history::ensure(cluster, &setup, options.history).await?;
    let mut report = Report::begin(
        machine::describe(&cluster, directory).await?,
        options.concurrency,
        options.history,
    );
    if options.wants(Row::Start) {
        report.add(resting::start(&setup).await?);
    }

    let load = helper::start(helper::LOAD)?;
    let (contacts, concurrency) = (options.messages, options.concurrency);
    let bench = Bench::start(&setup, cluster, fake, load, contacts, concurrency).await?;
    let measured = rows(options, &bench, &mut report).await;
    bench.stop().await?;
    measured?;
    report.finish(options.statements, options.save.as_deref())
}

async fn rows(options: &Options, bench: &Bench, report: &mut Report) -> Outcome<()> {
    let zero = Duration::ZERO;
    // What is done for the first time only: connections, prepared statements, the template.
    let (_, mut sent) = send::send(bench, options.messages.min(1_000), zero).await?;
    callbacks::callbacks(bench, &sent).await?;
    bench.cluster.settle().await?;

    for (place, latency) in options.latency.iter().enumerate() {
        let mut runs = Vec::new();
        let mut reported = Vec::new();
        for _ in 0..options.runs {
            if options.wants(Row::Send) || (place == 0 && options.wants(Row::Callbacks)) {
                let pulse = begin(bench).await?;
                let (line, now_sent) =
                    send::send(bench, options.messages, Duration::from_millis(*latency)).await?;
                runs.push(line.with(pulse, bench.cluster.statements().await?));
                sent = now_sent;
            }
            if place == 0 && options.wants(Row::Callbacks) {
                let pulse = begin(bench).await?;
                let line = callbacks::callbacks(bench, &sent).await?;
                reported.push(line.with(pulse, bench.cluster.statements().await?));
            }
        }
        if options.wants(Row::Send) {
            report.add_all(middle(runs));
        }
        report.add_all(middle(reported));
    }
    if options.wants(Row::Ingest) {
        for (connections, in_one) in ingest::ROWS {
            let count = ingest::count_for(options.messages, in_one);
            let run = || ingest::ingest(bench, count, connections, in_one);
            report.add_all(repeat(bench, options.runs, run).await?);
        }
    }
    if options.wants(Row::Inbound) {
        for text in Text::ALL {
            let run = || inbound::inbound(bench, inbound::count_for(options.messages), text);
            report.add_all(repeat(bench, options.runs, run).await?);
        }
    }
    if options.wants(Row::Latency) {
        report.add(ingest::latency(bench, 300.min(options.messages)).await?);
    }
    if options.wants(Row::Idle) {
        report.add(resting::memory(bench)?);
        report.add(resting::idle(bench, Duration::from_secs(options.idle)).await?);
    }
    Ok(())
}

/// Measures a row some times; the run in the middle counts.
async fn repeat<F: Future<Output = Outcome<Line>>>(
    bench: &Bench,
    runs: usize,
    run: impl Fn() -> F,
) -> Outcome<Option<Line>> {
    let mut lines = Vec::new();
    for _ in 0..runs {
        let pulse = begin(bench).await?;
        let line = run().await?;
        lines.push(line.with(pulse, bench.cluster.statements().await?));
    }
    Ok(middle(lines))
}

/// Before each run: counts statements anew, and says how fast the machine is now.
async fn begin(bench: &Bench) -> Outcome<f64> {
    bench.cluster.forget_statements().await?;
    machine::pulse()
}

/// The run in the middle, by what the row is about.
fn middle(mut runs: Vec<Line>) -> Option<Line> {
    runs.sort_by(|one, other| one.main_value().total_cmp(&other.main_value()));
    let all = runs.iter().map(Line::main_value).collect();
    let place = runs.len().checked_sub(1)? / 2;
    Some(runs.swap_remove(place).among(all))
}
