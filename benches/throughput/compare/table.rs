//! The printed tables of a comparison.

use std::fmt::Write;

use super::record::{ComparedNumber, ComparedRow, Record, Share};
use crate::probes::MachineRates;
use crate::report::format_number;
use crate::statistics::{self, TOLERANCE, Verdict};

/// The legend of the tables.
const LEGEND: &str = "\
Each pair of turns has one ratio; above 1, head is better: a higher rate, less time, less CPU time.
Ratio is the median of the pairs; interval is its confidence interval, with the confidence.
Better, worse: the whole interval is above or below 1. No worse: the interval includes 1 and starts
within the tolerance below it. Undecided: the interval is too wide for a conclusion.";

/// Prints the result of a pair as soon as it is measured.
#[expect(clippy::print_stdout, reason = "the progress of a command")]
pub(super) fn print_pair(pair: usize, pairs: usize, row: &ComparedRow) {
    let Some(measure) = row.measures.first() else { return };
    let (base, head) = (last(&measure.base), last(&measure.head));
    let ratio = measure.better.ratio(base, head).map_or_else(String::new, digits);
    println!(
        "{pair}/{pairs}  {:<44} base {:>7}  head {:>7} {}  ratio {ratio}",
        row.name(),
        format_number(base),
        format_number(head),
        measure.what
    );
}

/// Prints the tables.
#[expect(clippy::print_stdout, reason = "the output of a command")]
pub(super) fn print(record: &Record) {
    println!("\n{}", markdown(record));
}

/// The tables in Markdown.
fn markdown(record: &Record) -> String {
    let machine = &record.machine;
    // Writing to a String cannot fail.
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
        for (index, measure) in row.measures.iter().enumerate() {
            let name = if index == 0 { row.name() } else { String::new() };
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

/// The undecided rows, and the number of pairs that would probably decide all of them.
fn undecided(record: &Record) -> String {
    let needed = |row: &ComparedRow| {
        let spread = row.measures.first()?.spread.as_ref()?;
        match spread.verdict() {
            Verdict::Undecided { more_pairs } => Some((row.name(), spread.pairs + more_pairs)),
            _ => None,
        }
    };
    let (rows, pairs): (Vec<String>, Vec<usize>) = record.rows.iter().filter_map(needed).unzip();
    pairs.iter().max().map_or_else(String::new, |pairs| {
        format!("\nUndecided: {}. About PAIRS={pairs} is needed.\n", rows.join("; "))
    })
}

fn compared(measure: &ComparedNumber) -> String {
    let [base, head] = [&measure.base, &measure.head].map(|values| statistics::median(values));
    let values = format!("{} | {} | {}", measure.what, format_number(base), format_number(head));
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

/// The rates of the machine, and the share of them that each row reached.
fn shares(record: &Record, text: &mut String) {
    let rates: Vec<_> =
        record.rows.iter().flat_map(|row| &row.given).map(MachineRates::named).collect();
    let Some(first) = rates.first() else { return };
    text.push_str("The speed of the machine between the turns, per second:\n\n");
    text.push_str("| | median | lowest to highest |\n|---|---|---|\n");
    for (index, (name, _)) in first.iter().enumerate() {
        let values: Vec<f64> = rates.iter().map(|rates| rates[index].1).collect();
        let [lowest, highest] = statistics::range(&values).map(format_number);
        let median = format_number(statistics::median(&values));
        let _ = writeln!(text, "| {name} | {median} | {lowest} to {highest} |");
    }
    let others: Vec<f64> = record.rows.iter().flat_map(|row| row.others.concat()).collect();
    let [_, most] = statistics::range(&others);
    let _ = writeln!(
        text,
        "\nOther processes used {:.0} % of the machine in the median turn, {:.0} % at most.\n\n\
         Each row as a percentage of these rates, base / head. A latency counts as the rate of \
         sequential requests.\n",
        100.0 * statistics::median(&others),
        100.0 * most
    );
    let names: Vec<&str> = first.iter().map(|(name, _)| *name).collect();
    let _ = writeln!(text, "| row | of {} |", names.join(" | of "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(names.len()));
    for row in &record.rows {
        let share = |share: &Share| {
            let [base, head] = [share.base, share.head].map(|share| format_number(100.0 * share));
            format!("{base} / {head}")
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
