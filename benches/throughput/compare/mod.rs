//! `make bench-compare`: measures two programs alternately and compares them.
//!
//! The speed of a machine may change by a factor of two within a minute. So each row is measured
//! with both programs directly after each other, in alternating order, and only the ratio of such a
//! pair counts. A [`Side`] is a program with its own PostgreSQL, a [`Workload`] is what a row
//! measures, and a turn is one measurement of a side. [`Record`] holds the results and [`table`]
//! prints them. Start reading at [`compare_programs`].

mod pairs;
mod record;
mod side;
mod table;
mod workload;

use std::path::Path;

use crate::probes::Probes;
use crate::{Options, Outcome, machine, threads};
use record::Record;
use side::Side;
use workload::Workload;

/// Compares the program in the options with an earlier one.
pub(crate) async fn compare_programs(
    options: &Options,
    against: &Path,
    directory: &Path,
) -> Outcome<()> {
    let workloads = Workload::selected(options)?;
    let (fake, load) = (threads::start(threads::FAKE_TWILIO)?, threads::start(threads::LOAD)?);
    let probes = Probes::start(&directory.join("machine"), load.clone()).await?;
    let open = async |program: &Path, below: &str| {
        Side::open(options, program, &directory.join(below), &fake, load.clone()).await
    };
    let head = open(&options.program, "head").await?;
    let base = open(against, "base")
        .await
        .map_err(|error| format!("this benchmark cannot set up {}: {error}", against.display()))?;
    let names = [
        name(options.against_name.as_ref(), against),
        name(options.program_name.as_ref(), &options.program),
    ];
    let machine = machine::describe(&head.bench.cluster, directory).await?;
    let mut record = Record::begin(machine, names, options.messages, options.concurrency);

    let mut sides = [base, head];
    let measured = pairs::measure_pairs(options, workloads, &mut sides, &probes, &mut record).await;
    for side in sides {
        side.bench.stop().await?;
    }
    probes.stop().await;
    measured?;
    record.summarize();
    table::print(&record);
    options.save.as_deref().map_or(Ok(()), |directory| record.save(directory))
}

fn name(given: Option<&String>, program: &Path) -> String {
    let file = || program.file_name().unwrap_or_default().to_string_lossy().into_owned();
    given.cloned().unwrap_or_else(file).replace('/', "-")
}
