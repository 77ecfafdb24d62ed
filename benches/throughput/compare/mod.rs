//! `make bench-compare`: measures two programs in turns, and says how one does beside the other.
//!
//! What a machine gives may change by a factor of two from one minute to the next. So each row is
//! measured with both programs right after each other, the other one first every other time, and
//! only the ratio of such a pair counts. Each program has a PostgreSQL of its own; [`turn`] is what
//! is measured, [`side`] a program with what it needs, [`record`] what is kept, [`table`] what is
//! printed.

mod record;
mod side;
mod table;
mod turn;

use std::path::Path;

use crate::probes::Probes;
use crate::{Options, Outcome, helper, machine};

use record::Record;
use side::Side;
use turn::Turn;

/// Messages of a turn that is not counted: what is done for the first time only.
const WARM_UP: usize = 1_000;

/// Measures the program of the options against another one.
pub(crate) async fn compare(options: &Options, against: &Path, directory: &Path) -> Outcome<()> {
    let turns = Turn::wanted(options)?;
    let (fake, load) = (helper::start(helper::FAKE)?, helper::start(helper::LOAD)?);
    let probes = Probes::start(&directory.join("machine"), load.clone()).await?;
    let open = async |program: &Path, below: &str| {
        Side::open(options, program, &directory.join(below), &fake, load.clone()).await
    };
    let head = open(&options.program, "head").await?;
    let base = open(against, "base").await.map_err(|error| {
        format!("{} cannot be set up as this benchmark does it: {error}", against.display())
    })?;
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
    record.conclude();
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
        // Or autovacuum would do it during a turn.
        base.bench.cluster.settle().await?;
        head.bench.cluster.settle().await?;
        for turn in &turns {
            let given = probes.measure().await?;
            let lines = if pair % 2 == 0 {
                let first = turn.measure(base, options.messages).await?;
                [first, turn.measure(head, options.messages).await?]
            } else {
                let first = turn.measure(head, options.messages).await?;
                [turn.measure(base, options.messages).await?, first]
            };
            table::print_pair(pair + 1, options.pairs, record.add(&lines, given));
        }
    }
    Ok(())
}

/// Measures each row once, uncounted, and returns those that the earlier program has as well.
///
/// The rows are checked by SQL of today's schema, and use today's API: an earlier program may lack
/// some of it.
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
        return Err("the earlier program can be measured in none of these rows".into());
    }
    Ok(both)
}
