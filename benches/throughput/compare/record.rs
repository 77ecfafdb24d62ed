//! What a comparison has measured, as it is kept in a file.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::Outcome;
use crate::bench::Line;
use crate::machine::Machine;
use crate::probes::Given;
use crate::statistics::{self, Better, Spread};

/// Everything that was measured.
#[derive(Serialize)]
pub(super) struct Record {
    pub(super) machine: Machine,
    /// The earlier program.
    pub(super) base: String,
    /// The program that is to be better, or no worse.
    pub(super) head: String,
    /// How many messages one turn sends.
    messages: usize,
    pub(super) worker_concurrency: usize,
    pub(super) rows: Vec<Row>,
    pub(super) left_out: Vec<LeftOut>,
}

/// A row, with what each pair of turns came to.
#[derive(Serialize)]
pub(super) struct Row {
    work: String,
    how: String,
    /// The first is what the row is about.
    pub(super) measures: Vec<Measure>,
    /// What the machine gave right before each pair.
    pub(super) given: Vec<Given>,
    pub(super) shares: Vec<Share>,
    /// The share of the machine that others had during the turns of a pair.
    pub(super) others: Vec<[f64; 2]>,
}

/// A number of a row, in each pair.
#[derive(Serialize)]
pub(super) struct Measure {
    pub(super) what: String,
    pub(super) better: Better,
    pub(super) base: Vec<f64>,
    pub(super) head: Vec<f64>,
    /// Of the pairs in which both were measured; above 1 `head` is better.
    ratios: Vec<f64>,
    pub(super) spread: Option<Spread>,
}

/// What a row comes to beside what the machine gave right before, in the middle of the pairs.
#[derive(Serialize)]
pub(super) struct Share {
    pub(super) of: &'static str,
    pub(super) base: f64,
    pub(super) head: f64,
}

/// A row that the earlier program cannot be measured in.
#[derive(Serialize)]
pub(super) struct LeftOut {
    pub(super) row: String,
    pub(super) why: String,
}

impl Record {
    pub(super) fn begin(
        machine: Machine,
        [base, head]: [String; 2],
        messages: usize,
        worker_concurrency: usize,
    ) -> Self {
        let (rows, left_out) = (Vec::new(), Vec::new());
        Self { machine, base, head, messages, worker_concurrency, rows, left_out }
    }

    pub(super) fn leave_out(&mut self, line: &Line, why: &str) {
        let row = format!("{}, {}", line.work, line.how);
        self.left_out.push(LeftOut { row, why: why.to_owned() });
    }

    /// Adds a pair: the lines of `base` and `head`, and what the machine gave before.
    pub(super) fn add(&mut self, lines: &[Line; 2], given: Given) -> &Row {
        let [base, head] = lines;
        let known = self.rows.iter().position(|row| row.work == head.work && row.how == head.how);
        let place = known.unwrap_or_else(|| {
            self.rows.push(Row::new(head));
            self.rows.len() - 1
        });
        let row = &mut self.rows[place];
        for (measure, (of_base, of_head)) in
            row.measures.iter_mut().zip(numbers(base).into_iter().zip(numbers(head)))
        {
            measure.base.push(of_base.value);
            measure.head.push(of_head.value);
            measure.ratios.extend(measure.better.ratio(of_base.value, of_head.value));
        }
        row.given.push(given);
        row.others.push([base, head].map(|line| cost(line, "others_share").unwrap_or_default()));
        row
    }

    /// Sums the pairs up.
    pub(super) fn conclude(&mut self) {
        for row in &mut self.rows {
            for measure in &mut row.measures {
                measure.spread = Spread::of(&measure.ratios);
            }
            row.shares = row.shares();
        }
    }

    /// Writes the file, beside those of earlier comparisons of the same commits.
    #[expect(clippy::print_stdout, reason = "the output of a command")]
    pub(super) fn save(&self, directory: &Path) -> Outcome<()> {
        fs::create_dir_all(directory)?;
        let day = self.machine.measured_at.get(..10).unwrap_or_default();
        let name = format!("compare-{day}-{}-{}", self.base, self.head);
        let path = unused(directory, &name);
        fs::write(&path, serde_json::to_string_pretty(self)? + "\n")?;
        println!("kept as {}", path.display());
        Ok(())
    }
}

impl Row {
    fn new(line: &Line) -> Self {
        let measures = numbers(line).into_iter().map(|number| Measure {
            what: number.what,
            better: number.better,
            base: Vec::new(),
            head: Vec::new(),
            ratios: Vec::new(),
            spread: None,
        });
        Self {
            work: line.work.clone(),
            how: line.how.clone(),
            measures: measures.collect(),
            given: Vec::new(),
            shares: Vec::new(),
            others: Vec::new(),
        }
    }

    pub(super) fn name(&self) -> String {
        format!("{}, {}", self.work, self.how)
    }

    fn shares(&self) -> Vec<Share> {
        let Some(measure) = self.measures.first() else { return Vec::new() };
        let named: Vec<_> = self.given.iter().map(Given::named).collect();
        let names = named.first().map_or(&[][..], |given| &given[..]);
        let share = |(place, (of, _)): (usize, &(&'static str, f64))| {
            let given: Vec<f64> = named.iter().map(|given| given[place].1).collect();
            let of_given = |values: &[f64]| {
                let rates: Vec<f64> =
                    values.iter().map(|value| measure.better.as_rate(*value)).collect();
                statistics::share(&rates, &given)
            };
            Share { of, base: of_given(&measure.base), head: of_given(&measure.head) }
        };
        names.iter().enumerate().map(share).collect()
    }
}

/// A number that is compared.
struct Number {
    what: String,
    better: Better,
    value: f64,
}

/// The numbers of a line that are compared: rate, latencies, and what one piece of work costs.
fn numbers(line: &Line) -> Vec<Number> {
    let mut numbers = Vec::new();
    for figure in &line.figures {
        let (what, better) = match figure.name.as_str() {
            "rate" => (figure.unit.clone(), Better::More),
            "p50" | "p99" => (format!("{}, {}", figure.name, figure.unit), Better::Less),
            _ => continue,
        };
        numbers.push(Number { what, better, value: figure.value });
    }
    for (name, what) in
        [("serve_us", "CPU of Carillon, µs"), ("postgres_us", "CPU of PostgreSQL, µs")]
    {
        let value = cost(line, name).unwrap_or(f64::NAN);
        numbers.push(Number { what: what.to_owned(), better: Better::Less, value });
    }
    numbers
}

fn cost(line: &Line, name: &str) -> Option<f64> {
    line.cost.as_ref()?.get(name).and_then(Value::as_f64)
}

/// A file of this name that is not there yet.
fn unused(directory: &Path, name: &str) -> PathBuf {
    let first = directory.join(format!("{name}.json"));
    let others = (2..).map(|number| directory.join(format!("{name}-{number}.json")));
    std::iter::once(first).chain(others).find(|path| !path.exists()).unwrap_or_default()
}
