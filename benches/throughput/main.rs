//! `make bench`: measures the speed and the cost of the product on this machine. It starts its
//! whole environment, checks the counts at the end of each row, prints a table and saves a JSON
//! file.
//!
//! [`postgres_cluster`] is the database, [`product_process`] the program under test,
//! [`fake_twilio`] and [`load_tool`] its environment on the same cores. The rows are [`send`],
//! [`callbacks`], [`ingest`], [`inbound`] and [`footprint`]; [`message_history`] fills the tables
//! beforehand, to measure the cost in a large database. [`compare`] measures two programs
//! alternately (`make bench-compare`), relative to the speed of the machine that [`probes`]
//! measures. Start reading at [`measure_all`].

mod bulk_load;
mod callbacks;
mod compare;
mod environment;
mod fake_twilio;
mod footprint;
mod http;
mod inbound;
mod ingest;
mod load_tool;
mod machine;
mod message_history;
mod postgres_cluster;
mod probes;
mod process_usage;
mod product_process;
mod report;
mod row_result;
mod runner;
mod send;
mod signed_webhook;
mod sources;
mod statistics;
mod threads;
mod world;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::builder::ArgPredicate;
use clap::{Parser, ValueEnum};

use environment::Environment;
use fake_twilio::FakeTwilio;
use inbound::InboundText;
use postgres_cluster::Cluster;
use product_process::Setup;
use report::Report;
use row_result::RowResult;
use world::RequestSize;

/// The result of a step of the benchmark; an error ends the measurement.
pub(crate) type Outcome<T> = Result<T, Box<dyn Error + Send + Sync>>;

/// Measures how fast Carillon is on this machine.
#[derive(Debug, Parser)]
struct Options {
    /// The rows to measure; all rows if none is given.
    #[arg(value_enum)]
    rows: Vec<Row>,
    /// Number of messages of one run, one for each contact; 8,000 with --against.
    #[arg(
        long,
        default_value_t = 20_000,
        default_value_if("against", ArgPredicate::IsPresent, "8000")
    )]
    messages: usize,
    /// Latencies of the fake Twilio, in milliseconds; 0 with --against.
    #[arg(
        long,
        value_delimiter = ',',
        default_values_t = [0, 100],
        default_value_if("against", ArgPredicate::IsPresent, "0")
    )]
    latency: Vec<u64>,
    /// Number of runs of each row with a rate; the median run counts.
    #[arg(long, default_value_t = 3)]
    runs: usize,
    /// CARILLON_WORKER_CONCURRENCY and the connection's concurrency limit: with a latency of
    /// 100 ms, 8,000 messages per second need 800 requests in flight.
    #[arg(long, default_value_t = 1_024)]
    concurrency: usize,
    /// Number of messages in the database before the measurement, to a tenth as many contacts;
    /// 10,000,000 for the second half of the table.
    #[arg(long, default_value_t = 0)]
    history: usize,
    /// Duration of the idle row, in seconds.
    #[arg(long, default_value_t = 20)]
    idle: u64,
    /// Directory for the database and the logs, which is reused; a temporary one in /var/tmp by
    /// default.
    #[arg(long)]
    directory: Option<PathBuf>,
    /// Directory for a JSON file with the figures, named by date and commit.
    #[arg(long)]
    save: Option<PathBuf>,
    /// The `carillon` to measure; the one built with this benchmark by default.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_carillon"))]
    program: PathBuf,
    /// An earlier `carillon` to compare with: both are measured alternately.
    #[arg(long)]
    against: Option<PathBuf>,
    /// Number of measurements of each row with both programs.
    #[arg(long, default_value_t = 6, requires = "against")]
    pairs: usize,
    /// Name of the earlier program in the record, such as its commit; its file name by default.
    #[arg(long, requires = "against")]
    against_name: Option<String>,
    /// Name of the program in the record, such as its commit; its file name by default.
    #[arg(long, requires = "against")]
    program_name: Option<String>,
    /// Prints the statements with the most total time.
    #[arg(long)]
    statements: bool,
    /// Ignored; `cargo bench` passes it.
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
    /// Events by Segment's protocol, and webhooks of sources.
    Sources,
    /// Signed inbound texts, ordinary ones and STOP.
    Inbound,
    /// From an event's 202 to the POST at Twilio.
    Latency,
    /// Memory, and the cost of an idle installation.
    Idle,
}

impl Options {
    fn wants(&self, row: Row) -> bool {
        self.rows.is_empty() || self.rows.contains(&row)
    }
}

fn main() -> ExitCode {
    let options = Options::parse();
    runner::run(measure_all(&options))
}

async fn measure_all(options: &Options) -> Outcome<()> {
    // Not in /tmp, which may be a tmpfs: the cost of a commit depends on the disk.
    let temporary = PathBuf::from(format!("/var/tmp/carillon-bench-{:08x}", rand::random::<u32>()));
    let directory = std::path::absolute(options.directory.as_ref().unwrap_or(&temporary))?;
    fs::create_dir_all(directory.join("carillon"))?;
    let measured = match &options.against {
        Some(against) => compare::compare_programs(options, against, &directory).await,
        None => measure_in(options, &directory).await,
    };
    if options.directory.is_none() && measured.is_ok() {
        fs::remove_dir_all(&directory)?;
    }
    measured
}

async fn measure_in(options: &Options, directory: &Path) -> Outcome<()> {
    let fake = FakeTwilio::start(&threads::start(threads::FAKE_TWILIO)?).await?;
    let cluster = Cluster::start(directory).await?;
    let setup =
        Setup::new(&options.program, directory, cluster.url(), fake.address, options.concurrency)?;
    setup.run(&["migrate"])?;
    let cluster = message_history::ensure(cluster, &setup, options.history).await?;
    let mut report = Report::begin(
        machine::describe(&cluster, directory).await?,
        options.concurrency,
        options.history,
    );
    if options.wants(Row::Start) {
        report.add(footprint::start(&setup).await?);
    }

    let load = threads::start(threads::LOAD)?;
    let (contacts, concurrency) = (options.messages, options.concurrency);
    let bench = Environment::start(&setup, cluster, fake, load, contacts, concurrency).await?;
    let measured = measure_rows(options, &bench, &mut report).await;
    bench.stop().await?;
    measured?;
    report.finish(options.statements, options.save.as_deref())
}

async fn measure_rows(options: &Options, bench: &Environment, report: &mut Report) -> Outcome<()> {
    let zero = Duration::ZERO;
    // Warms up connections, prepared statements and the template.
    let (_, mut sent) = send::measure(bench, options.messages.min(1_000), zero).await?;
    callbacks::measure(bench, &sent).await?;
    bench.cluster.vacuum_and_checkpoint().await?;

    for (index, latency) in options.latency.iter().enumerate() {
        let mut runs = Vec::new();
        let mut reported = Vec::new();
        for _ in 0..options.runs {
            if options.wants(Row::Send) || (index == 0 && options.wants(Row::Callbacks)) {
                let pulse = prepare_run(bench).await?;
                let (line, now_sent) =
                    send::measure(bench, options.messages, Duration::from_millis(*latency)).await?;
                runs.push(line.with_machine_state(pulse, bench.cluster.statements().await?));
                sent = now_sent;
            }
            if index == 0 && options.wants(Row::Callbacks) {
                let pulse = prepare_run(bench).await?;
                let line = callbacks::measure(bench, &sent).await?;
                reported.push(line.with_machine_state(pulse, bench.cluster.statements().await?));
            }
        }
        if options.wants(Row::Send) {
            report.add_all(median_run(runs));
        }
        report.add_all(median_run(reported));
    }
    if options.wants(Row::Ingest) {
        for (connections, request_size) in ingest::ROWS {
            let count = ingest::count_for(options.messages, request_size);
            let run = || ingest::measure(bench, count, connections, request_size);
            report.add_all(repeat(bench, options.runs, run).await?);
        }
    }
    if options.wants(Row::Sources) {
        let count = ingest::count_for(options.messages, RequestSize::Batch(100));
        let run = || sources::measure_segment(bench, count);
        report.add_all(repeat(bench, options.runs, run).await?);
        report.add(sources::measure_webhooks(bench).await?);
    }
    if options.wants(Row::Inbound) {
        for text in InboundText::ALL {
            let run = || inbound::measure(bench, inbound::count_for(options.messages), text);
            report.add_all(repeat(bench, options.runs, run).await?);
        }
    }
    if options.wants(Row::Latency) {
        report.add(ingest::measure_latency(bench, 300.min(options.messages)).await?);
    }
    if options.wants(Row::Idle) {
        report.add(footprint::memory(bench)?);
        report.add(footprint::idle(bench, Duration::from_secs(options.idle)).await?);
    }
    Ok(())
}

/// Measures a row `runs` times and returns the median run.
async fn repeat<F: Future<Output = Outcome<RowResult>>>(
    bench: &Environment,
    runs: usize,
    run: impl Fn() -> F,
) -> Outcome<Option<RowResult>> {
    let mut lines = Vec::new();
    for _ in 0..runs {
        let pulse = prepare_run(bench).await?;
        let line = run().await?;
        lines.push(line.with_machine_state(pulse, bench.cluster.statements().await?));
    }
    Ok(median_run(lines))
}

/// Prepares a run: resets the statement counters and measures the pulse of the machine.
async fn prepare_run(bench: &Environment) -> Outcome<f64> {
    bench.cluster.reset_statements().await?;
    machine::pulse()
}

/// The median run by the main figure.
fn median_run(mut runs: Vec<RowResult>) -> Option<RowResult> {
    runs.sort_by(|one, other| one.main_value().total_cmp(&other.main_value()));
    let all = runs.iter().map(RowResult::main_value).collect();
    let index = runs.len().checked_sub(1)? / 2;
    Some(runs.swap_remove(index).with_runs(all))
}
