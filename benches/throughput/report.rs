//! The printed table and the JSON file of a measurement.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde::Serialize;
use serde_json::Value;

use crate::Outcome;
use crate::machine::Machine;
use crate::message_history::MESSAGES_PER_CONTACT;
use crate::row_result::{Figure, RowResult};

/// The minimum and the goal of each row, by its work and the prefix of its conditions.
const GOALS: &[(&str, &str, &str)] = &[
    ("messages", "0 ms", "5,000 / 10,000"),
    ("messages", "100 ms", "4,000 / 8,000"),
    ("callbacks", "", "20,000, p99 < 20 ms / 40,000, p99 < 10 ms"),
    ("events", "one", "5,000 / 10,000"),
    ("events", "batches", "25,000 / 50,000"),
    ("sources", "Segment", "0.7 of events in batches"),
    ("sources", "webhooks", "p99 < 20 ms"),
    ("latency", "", "p99 < 30 ms / < 10 ms"),
    ("memory", "", "100 MB / 60 MB"),
    ("start", "", "500 ms / 200 ms"),
    ("idle", "", "< 1 % of a core, < 5 statements/s"),
];

/// The results of a measurement.
#[derive(Serialize)]
pub(crate) struct Report {
    machine: Machine,
    worker_concurrency: usize,
    /// The number of messages in the database before the measurement.
    history: usize,
    lines: Vec<RowResult>,
}

impl Report {
    pub(crate) const fn begin(machine: Machine, worker_concurrency: usize, history: usize) -> Self {
        Self { machine, worker_concurrency, history, lines: Vec::new() }
    }

    /// Adds a line and prints it.
    #[expect(clippy::print_stdout, reason = "the progress of a command")]
    pub(crate) fn add(&mut self, line: RowResult) {
        println!("{:<10} {:<44} {}", line.work, line.how, figures(&line));
        self.lines.push(line);
    }

    pub(crate) fn add_all(&mut self, lines: impl IntoIterator<Item = RowResult>) {
        lines.into_iter().for_each(|line| self.add(line));
    }

    /// Prints the table, and writes the JSON file into `save` if it is set.
    #[expect(clippy::print_stdout, reason = "the output of a command")]
    pub(crate) fn finish(&self, with_statements: bool, save: Option<&Path>) -> Outcome<()> {
        println!("\n{}", self.markdown());
        if with_statements {
            for line in self.lines.iter().filter(|line| !line.statements.is_empty()) {
                println!("{} {}:", line.work, line.how);
                println!("    total ms    calls     rows   mean ms");
                for one in line.statements.iter().take(20) {
                    let text: String = one.text.chars().take(150).collect();
                    println!(
                        "  {:>10.1} {:>8} {:>8} {:>9.3}  {text}",
                        one.total_ms, one.calls, one.rows, one.mean_ms
                    );
                }
            }
        }
        if let Some(directory) = save {
            fs::create_dir_all(directory)?;
            let day = self.machine.measured_at.get(..10).unwrap_or_default();
            let full = if self.history > 0 { "-full" } else { "" };
            let path = directory.join(format!("{day}-{}{full}.json", self.machine.commit));
            fs::write(&path, serde_json::to_string_pretty(self)? + "\n")?;
            println!("saved as {}", path.display());
        }
        Ok(())
    }

    /// The table in Markdown, for `docs/performance.md`.
    fn markdown(&self) -> String {
        let machine = &self.machine;
        let settings: Vec<String> =
            machine.postgres.iter().map(|(name, value)| format!("{name} {value}")).collect();
        // Writing to a String cannot fail.
        let mut text = format!(
            "Commit {}, {}. {} × {}, {:.0} GB, Linux {}; 8 kB on disk in {:.2} ms. Worker \
             concurrency {}.\nPostgreSQL: {}.\n\n",
            machine.commit,
            machine.measured_at,
            machine.cores,
            machine.cpu,
            machine.memory_gb,
            machine.kernel,
            machine.fsync_ms,
            self.worker_concurrency,
            settings.join(", "),
        );
        if self.history > 0 {
            let _ = write!(
                text,
                "With a history of {} messages to {} contacts.\n\n",
                self.history,
                self.history / MESSAGES_PER_CONTACT
            );
        }
        text.push_str(
            "| work | measured | minimum / goal | CPU per unit: serve, PostgreSQL, fake Twilio, \
             load (µs) | other processes | pulse before |\n",
        );
        text.push_str("|---|---|---|---|---|---|\n");
        for line in &self.lines {
            let goal = GOALS
                .iter()
                .find(|(work, how, _)| *work == line.work && line.how.starts_with(how))
                .map_or("", |(_, _, goal)| goal);
            let number = |name: &str| {
                line.cost.as_ref().and_then(|cost| cost.get(name)).and_then(Value::as_f64)
            };
            let cpu: Vec<String> = ["serve_us", "postgres_us", "fake_twilio_us", "load_us"]
                .into_iter()
                .filter_map(number)
                .map(|one| format!("{one:.0}"))
                .collect();
            let others = number("others_share")
                .map_or_else(String::new, |share| format!("{:.0} %", 100.0 * share));
            let pulse =
                line.pulse.map_or_else(String::new, |pulse| format!("{}/s", format_number(pulse)));
            let _ = writeln!(
                text,
                "| {}, {} | {} | {goal} | {} | {others} | {pulse} |",
                line.work,
                line.how,
                figures(line),
                cpu.join(", ")
            );
        }
        text
    }
}

fn figures(line: &RowResult) -> String {
    let mut text: Vec<String> = line.figures.iter().map(figure).collect();
    if line.runs.len() > 1 {
        let runs: Vec<String> = line.runs.iter().map(|run| format_number(*run)).collect();
        text.push(format!("runs {}", runs.join(" / ")));
    }
    text.join(", ")
}

fn figure(figure: &Figure) -> String {
    let name = if figure.name == "rate" { String::new() } else { format!("{} ", figure.name) };
    format!("{name}{} {}", format_number(figure.value), figure.unit).trim().to_owned()
}

/// Formats a number with its significant digits.
pub(crate) fn format_number(value: f64) -> String {
    if value < 10.0 {
        return format!("{value:.2}").trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    if value < 1000.0 {
        return format!("{value:.0}");
    }
    let digits = format!("{value:.0}");
    let (head, tail) = digits.split_at(digits.len() % 3);
    let groups = tail.as_bytes().chunks(3).map(|group| String::from_utf8_lossy(group).into_owned());
    let head = Some(head.to_owned()).filter(|head| !head.is_empty());
    head.into_iter().chain(groups).collect::<Vec<_>>().join(",")
}
