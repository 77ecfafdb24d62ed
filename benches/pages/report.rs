//! The printed table, slowest rows first, and the JSON file.

use std::fs;
use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::Outcome;
use crate::case::{Case, Kind};
use crate::load_tool::percentile;
use crate::machine::Machine;
use crate::postgres_cluster::Statement;
use crate::world::Size;

/// The number of statements in the report of a slow page.
const STATEMENTS: usize = 5;

/// The results of a measurement.
#[derive(Serialize)]
pub(crate) struct Report {
    machine: Machine,
    size: Size,
    /// The number of requests of each line.
    requests: usize,
    lines: Vec<CaseResult>,
}

/// The result of one case.
#[derive(Serialize)]
pub(crate) struct CaseResult {
    kind: Kind,
    path: String,
    what: &'static str,
    p50_ms: f64,
    p95_ms: f64,
    max_ms: f64,
    goal_ms: f64,
    /// The length of the body as sent.
    bytes: usize,
    /// The slowest statements, only if the case is slow.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statements: Vec<Statement>,
}

impl CaseResult {
    /// The result of a case; `times` are in ascending order.
    pub(crate) fn new(case: &Case, times: &[Duration], bytes: usize) -> Self {
        Self {
            kind: case.kind,
            path: case.path.clone(),
            what: case.what,
            p50_ms: percentile(times, 0.5),
            p95_ms: percentile(times, 0.95),
            max_ms: percentile(times, 1.0),
            goal_ms: case.kind.goal(),
            bytes,
            statements: Vec::new(),
        }
    }

    /// Whether the 95th percentile exceeds the goal.
    pub(crate) fn is_slow(&self) -> bool {
        self.p95_ms > self.goal_ms
    }

    /// Adds the statements with the most total time.
    pub(crate) fn with_statements(mut self, mut statements: Vec<Statement>) -> Self {
        statements.truncate(STATEMENTS);
        self.statements = statements;
        self
    }

    fn row(&self) -> String {
        let kind = match self.kind {
            Kind::Home => "home",
            Kind::Page => "page",
            Kind::Api => "API",
            Kind::Stream => "stream",
        };
        let Self { p50_ms, p95_ms, max_ms, path, what, .. } = self;
        let kilobytes = self.bytes.div_ceil(1024);
        let path: String = path.chars().take(90).collect();
        format!(
            "{p95_ms:>8.1} {p50_ms:>8.1} {max_ms:>8.1} {kilobytes:>5} {kind:<11} {what:<58} {path}"
        )
    }
}

impl Report {
    pub(crate) const fn begin(machine: Machine, size: Size, requests: usize) -> Self {
        Self { machine, size, requests, lines: Vec::new() }
    }

    /// Adds a line and prints it.
    #[expect(clippy::print_stdout, reason = "the progress of a command")]
    pub(crate) fn add(&mut self, line: CaseResult) {
        println!("{}", line.row());
        self.lines.push(line);
    }

    /// Prints the table, and writes the JSON file into `save` if it is set.
    #[expect(clippy::print_stdout, reason = "the output of a command")]
    pub(crate) fn finish(mut self, save: Option<&Path>) -> Outcome<()> {
        self.lines.sort_by(|one, other| other.p95_ms.total_cmp(&one.p95_ms));
        let (red, plain) = if stdout().is_terminal() { ("\x1b[31m", "\x1b[0m") } else { ("", "") };
        println!("\n  p95 ms   p50 ms   max ms    kB");
        for line in &self.lines {
            if line.is_slow() {
                println!("{red}{} ← over {:.0} ms{plain}", line.row(), line.goal_ms);
                for one in &line.statements {
                    let text: String = one.text.chars().take(160).collect();
                    println!("    {:>9.1} ms × {:>5}  {text}", one.mean_ms, one.calls);
                }
            } else {
                println!("{}", line.row());
            }
        }
        let slow = self.lines.iter().filter(|line| line.is_slow()).count();
        println!("\n{} rows, {slow} of them slower than their goal.", self.lines.len());
        if let Some(directory) = save {
            fs::create_dir_all(directory)?;
            let day = self.machine.measured_at.get(..10).unwrap_or_default();
            let path = directory.join(format!("{day}-{}-pages.json", self.machine.commit));
            fs::write(&path, serde_json::to_string_pretty(&self)? + "\n")?;
            println!("saved as {}", path.display());
        }
        Ok(())
    }
}
