//! The pairs of a comparison: both programs are measured directly after each other.

use super::record::Record;
use super::side::Side;
use super::table;
use super::workload::Workload;
use crate::probes::Probes;
use crate::{Options, Outcome};

/// The number of messages of the warm-up turn, which is not counted.
const WARM_UP: usize = 1_000;

/// Measures each workload with both programs, once for each pair.
pub(super) async fn measure_pairs(
    options: &Options,
    workloads: Vec<Workload>,
    [base, head]: &mut [Side; 2],
    probes: &Probes,
    record: &mut Record,
) -> Outcome<()> {
    let workloads = warm_up(options, workloads, [&mut *base, &mut *head], record).await?;
    for pair in 0..options.pairs {
        // Otherwise autovacuum may run during a turn.
        base.bench.cluster.vacuum_and_checkpoint().await?;
        head.bench.cluster.vacuum_and_checkpoint().await?;
        for workload in &workloads {
            let rates = probes.measure().await?;
            let lines = if pair % 2 == 0 {
                let first = workload.measure(base, options.messages).await?;
                [first, workload.measure(head, options.messages).await?]
            } else {
                let first = workload.measure(head, options.messages).await?;
                [workload.measure(base, options.messages).await?, first]
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
    workloads: Vec<Workload>,
    [base, head]: [&mut Side; 2],
    record: &mut Record,
) -> Outcome<Vec<Workload>> {
    let messages = options.messages.min(WARM_UP);
    let mut both = Vec::new();
    for workload in workloads {
        let line = workload.measure(head, messages).await?;
        match workload.measure(base, messages).await {
            Ok(_) => both.push(workload),
            Err(error) => record.leave_out(&line, &error.to_string()),
        }
    }
    if both.is_empty() {
        return Err("the earlier program supports none of these rows".into());
    }
    Ok(both)
}
