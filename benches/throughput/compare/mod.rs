//! `make bench-compare`: measures two programs alternately and compares them.
//!
//! The speed of a machine may change by a factor of two within a minute. So each row is measured
//! with both programs directly after each other, in alternating order, and only the ratio of such a
//! pair counts. A [`Side`] is a program with its own PostgreSQL, a [`Turn`] is one measurement of
//! it, [`Record`] holds the results and [`table`] prints them. Start reading at [`compare`].

mod record;
mod side;
mod table;
mod turn;

use std::path::Path;

use crate::probes::Probes;
use crate::{Options, Outcome, machine, threads};

use record::Record;
use side::Side;
use turn::Turn;

/// The number of messages of the warm-up turn, which is not counted.
const WARM_UP: usize = 1_000;

/// Compares the program in the options with an earlier one.
pub(crate) async fn compare(options: &Options, against: &Path, directory: &Path) -> Outcome<()> {
    let turns = Turn::selected(options)?;
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
    let measured = measure(options, turns, &mut sides, &probes, &mut record).await;
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

async fn measure(
    options: &Options,
    turns: Vec<Turn>,
    [base, head]: &mut [Side; 2],
    probes: &Probes,
    record: &mut Record,
) -> Outcome<()> {
    let turns = warm_up(options, turns, [&mut *base, &mut *head], record).await?;
    for pair in 0..options.pairs {
        // Otherwise autovacuum may run during a turn.
        base.bench.cluster.vacuum_and_checkpoint().await?;
        head.bench.cluster.vacuum_and_checkpoint().await?;
        for turn in &turns {
            let rates = probes.measure().await?;
            let lines = if pair % 2 == 0 {
                let first = turn.measure(base, options.messages).await?;
                [first, turn.measure(head, options.messages).await?]
            } else {
                let first = turn.measure(head, options.messages).await?;
                [turn.measure(base, options.messages).await?, first]
            };
            table::print_pair(pair + 1, options.pairs, record.add(&lines, rates));
        }
    }
    Ok(())
}

/// Measures each row once without counting it, and returns the rows that both programs support.
///
/// The rows use the current API and are checked with SQL for the current schema; an earlier program
/// may lack parts of both.
async fn warm_up(
    options: &Options,
    turns: Vec<Turn>,
    [base, head]: [&mut Side; 2],
    record: &mut Record,
) -> Outcome<Vec<Turn>> {
    let messages = options.messages.min(WARM_UP);
    let mut both = Vec::new();
    for turn in turns {
        let line = turn.measure(head, messages).await?;
        match turn.measure(base, messages).await {
            Ok(_) => both.push(turn),
            Err(error) => record.leave_out(&line, &error.to_string()),
        }
    }
    if both.is_empty() {
        return Err("the earlier program supports none of these rows".into());
    }
    Ok(both)
}
