//! What a comparison prints.

use std::fmt::Write;

use super::record::{Measure, Record, Row, Share};
use crate::probes::Given;
use crate::report::amount;
use crate::statistics::{self, TOLERANCE, Verdict};

/// How the tables are to be read.
const LEGEND: &str = "\
Each pair of turns has one ratio; above 1 head is better: more a second, less time, less CPU time.
Ratio is the median of the pairs, and the interval is where it lies with the confidence beside it.
Better and worse: all of the interval is on that side of 1. No worse: it reaches above 1, and is
within the tolerance below. Undecided: it is so wide that the ratio means nothing yet.";

/// Shows at once what a pair came to.
#[expect(clippy::print_stdout, reason = "the progress of a command")]
pub(super) fn print_pair(pair: usize, pairs: usize, row: &Row) {
    let Some(measure) = row.measures.first() else { return };
    let (base, head) = (last(&measure.base), last(&measure.head));
    let ratio = measure.better.ratio(base, head).map_or_else(String::new, digits);
    println!(
        "{pair}/{pairs}  {:<44} base {:>7}  head {:>7} {}  ratio {ratio}",
        row.name(),
        amount(base),
        amount(head),
        measure.what
    );
}

/// Prints the tables.
#[expect(clippy::print_stdout, reason = "the output of a command")]
pub(super) fn print(record: &Record) {
    println!("\n{}", markdown(record));
}

/// The tables as documents have them.
fn markdown(record: &Record) -> String {
    let machine = &record.machine;
    // Writing to memory does not fail.
    let mut text = format!(
        "Base {}, head {}, {}. {} × {}, {:.0} GB, Linux {}. Worker concurrency {}.\n\n{LEGEND}\n\
         Tolerance {:.0} %.\n\n",
        record.base,
        record.head,
        machine.measured_at,
        machine.cores,
        machine.cpu,
        machine.memory_gb,
        machine.kernel,
        record.worker_concurrency,
        100.0 * TOLERANCE,
    );
    text.push_str("| row | measured | base | head | ratio | quartiles | interval | |\n");
    text.push_str("|---|---|---|---|---|---|---|---|\n");
    for row in &record.rows {
        for (place, measure) in row.measures.iter().enumerate() {
            let name = if place == 0 { row.name() } else { String::new() };
            let _ = writeln!(text, "| {name} | {} |", compared(measure));
        }
    }
    for left_out in &record.left_out {
        let _ = writeln!(text, "\nNot compared: {}. Base: {}", left_out.row, left_out.why);
    }
    text.push_str(&undecided(record));
    text.push('\n');
    shares(record, &mut text);
    text
}

/// Which rows are not decided, and how many pairs would probably decide them all.
fn undecided(record: &Record) -> String {
    let needed = |row: &Row| {
        let spread = row.measures.first()?.spread.as_ref()?;
        match spread.verdict() {
            Verdict::Undecided { more_pairs } => Some((row.name(), spread.pairs + more_pairs)),
            _ => None,
        }
    };
    let (rows, pairs): (Vec<String>, Vec<usize>) = record.rows.iter().filter_map(needed).unzip();
    pairs.iter().max().map_or_else(String::new, |pairs| {
        format!(
            "\nToo wide to say anything: {}. With PAIRS={pairs} or so there would be an answer.\n",
            rows.join("; ")
        )
    })
}

fn compared(measure: &Measure) -> String {
    let [base, head] = [&measure.base, &measure.head].map(|values| statistics::median(values));
    let values = format!("{} | {} | {}", measure.what, amount(base), amount(head));
    let Some(spread) = &measure.spread else {
        return format!("{values} | | | | not measured");
    };
    let verdict = match spread.verdict() {
        Verdict::Better => "better".to_owned(),
        Verdict::NoWorse => "no worse".to_owned(),
        Verdict::SlightlyWorse => "worse, within the tolerance".to_owned(),
        Verdict::Worse => "**worse**".to_owned(),
        Verdict::Undecided { more_pairs } => {
            format!("undecided, about {more_pairs} more pairs needed")
        }
    };
    format!(
        "{values} | {} | {} | {} ({:.0} %) | {verdict}",
        digits(spread.median),
        from_to(spread.quartiles),
        from_to(spread.interval),
        100.0 * spread.confidence
    )
}

/// What the machine gave, and how much of it each row made use of.
fn shares(record: &Record, text: &mut String) {
    let given: Vec<_> = record.rows.iter().flat_map(|row| &row.given).map(Given::named).collect();
    let Some(first) = given.first() else { return };
    text.push_str("What the machine gave between the turns, a second:\n\n");
    text.push_str("| | median | lowest to highest |\n|---|---|---|\n");
    for (place, (name, _)) in first.iter().enumerate() {
        let values: Vec<f64> = given.iter().map(|given| given[place].1).collect();
        let [lowest, highest] = statistics::range(&values).map(amount);
        let median = amount(statistics::median(&values));
        let _ = writeln!(text, "| {name} | {median} | {lowest} to {highest} |");
    }
    let others: Vec<f64> = record.rows.iter().flat_map(|row| row.others.concat()).collect();
    let [_, most] = statistics::range(&others);
    let _ = writeln!(
        text,
        "\nOthers had {:.0} % of the machine during half of the turns, {:.0} % at most.\n\n\
         Each row as a share of that, in percent, base / head; a latency counts as what could be \
         done one after the other.\n",
        100.0 * statistics::median(&others),
        100.0 * most
    );
    let names: Vec<&str> = first.iter().map(|(name, _)| *name).collect();
    let _ = writeln!(text, "| row | of {} |", names.join(" | of "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(names.len()));
    for row in &record.rows {
        let share = |share: &Share| {
            format!("{} / {}", amount(100.0 * share.base), amount(100.0 * share.head))
        };
        let shares: Vec<String> = row.shares.iter().map(share).collect();
        let _ = writeln!(text, "| {} | {} |", row.name(), shares.join(" | "));
    }
}

fn from_to([low, high]: [f64; 2]) -> String {
    format!("{} to {}", digits(low), digits(high))
}

fn digits(ratio: f64) -> String {
    format!("{ratio:.3}")
}

fn last(values: &[f64]) -> f64 {
    values.last().copied().unwrap_or(f64::NAN)
}
