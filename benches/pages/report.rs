//! The table for people, the slowest first, and the file for comparing.

use std::fs;
use std::io::{IsTerminal, stdout};
use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use crate::Outcome;
use crate::cases::{Case, Kind};
use crate::cluster::Statement;
use crate::load::percentile;
use crate::machine::Machine;
use crate::world::Size;

/// As many statements are told of a slow page.
const STATEMENTS: usize = 5;

/// Everything that was measured.
#[derive(Serialize)]
pub(crate) struct Report {
    machine: Machine,
    size: Size,
    /// Requests for each line.
    requests: usize,
    lines: Vec<Line>,
}

/// One page with one filter.
#[derive(Serialize)]
pub(crate) struct Line {
    kind: Kind,
    path: String,
    what: &'static str,
    p50_ms: f64,
    p95_ms: f64,
    max_ms: f64,
    goal_ms: f64,
    /// Of the body, as it was sent.
    bytes: usize,
    /// Of a slow one: what it spent its time with.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    statements: Vec<Statement>,
}

impl Line {
    /// `took` in rising order.
    pub(crate) fn new(case: &Case, took: &[Duration], bytes: usize) -> Self {
        Self {
            kind: case.kind,
            path: case.path.clone(),
            what: case.what,
            p50_ms: percentile(took, 0.5),
            p95_ms: percentile(took, 0.95),
            max_ms: percentile(took, 1.0),
            goal_ms: case.kind.goal(),
            bytes,
            statements: Vec::new(),
        }
    }

    /// Whether it took longer than it may.
    pub(crate) fn is_slow(&self) -> bool {
        self.p95_ms > self.goal_ms
    }

    pub(crate) fn with(mut self, mut statements: Vec<Statement>) -> Self {
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

    /// Adds a line, and shows at once that it is there.
    #[expect(clippy::print_stdout, reason = "the progress of a command")]
    pub(crate) fn add(&mut self, line: Line) {
        println!("{}", line.row());
        self.lines.push(line);
    }

    /// Prints the table, and writes the file if one is wanted.
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
        println!("\n{} rows, {slow} of them slower than they may be.", self.lines.len());
        if let Some(directory) = save {
            fs::create_dir_all(directory)?;
            let day = self.machine.measured_at.get(..10).unwrap_or_default();
            let path = directory.join(format!("{day}-{}-pages.json", self.machine.commit));
            fs::write(&path, serde_json::to_string_pretty(&self)? + "\n")?;
            println!("kept as {}", path.display());
        }
        Ok(())
    }
}
