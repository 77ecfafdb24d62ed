//! The results of a comparison and their JSON file.

use std::fs;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::Value;

use crate::Outcome;
use crate::machine::Machine;
use crate::probes::MachineRates;
use crate::row_result::RowResult;
use crate::statistics::{self, Better, Spread};

/// The results of a comparison.
#[derive(Serialize)]
pub(super) struct Record {
    pub(super) machine: Machine,
    /// The earlier program.
    pub(super) base: String,
    /// The newer program.
    pub(super) head: String,
    /// The number of messages that one turn sends.
    messages: usize,
    pub(super) worker_concurrency: usize,
    pub(super) rows: Vec<ComparedRow>,
    pub(super) left_out: Vec<UnsupportedRow>,
}

/// The results of a row in all pairs.
#[derive(Serialize)]
pub(super) struct ComparedRow {
    work: String,
    how: String,
    /// The compared numbers; the first one is the main figure.
    pub(super) measures: Vec<ComparedNumber>,
    /// The rates of the machine directly before each pair.
    pub(super) given: Vec<MachineRates>,
    pub(super) shares: Vec<Share>,
    /// The share of the machine that other processes used during the turns of each pair.
    pub(super) others: Vec<[f64; 2]>,
}

/// A compared number of a row in all pairs.
#[derive(Serialize)]
pub(super) struct ComparedNumber {
    pub(super) what: String,
    pub(super) better: Better,
    pub(super) base: Vec<f64>,
    pub(super) head: Vec<f64>,
    /// The ratios of the pairs in which both were measured; above 1, `head` is better.
    ratios: Vec<f64>,
    pub(super) spread: Option<Spread>,
}

/// The median ratio of a row to a rate of the machine.
#[derive(Serialize)]
pub(super) struct Share {
    pub(super) of: &'static str,
    pub(super) base: f64,
    pub(super) head: f64,
}

/// A row that the earlier program does not support.
#[derive(Serialize)]
pub(super) struct UnsupportedRow {
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

    pub(super) fn leave_out(&mut self, line: &RowResult, why: &str) {
        let row = format!("{}, {}", line.work, line.how);
        self.left_out.push(UnsupportedRow { row, why: why.to_owned() });
    }

    /// Adds a pair: the results of `base` and `head`, and the rates of the machine before them.
    pub(super) fn add(&mut self, lines: &[RowResult; 2], rates: MachineRates) -> &ComparedRow {
        let [base, head] = lines;
        let known = self.rows.iter().position(|row| row.work == head.work && row.how == head.how);
        let index = known.unwrap_or_else(|| {
            self.rows.push(ComparedRow::new(head));
            self.rows.len() - 1
        });
        let row = &mut self.rows[index];
        for (measure, (of_base, of_head)) in
            row.measures.iter_mut().zip(numbers(base).into_iter().zip(numbers(head)))
        {
            measure.base.push(of_base.value);
            measure.head.push(of_head.value);
            measure.ratios.extend(measure.better.ratio(of_base.value, of_head.value));
        }
        row.given.push(rates);
        row.others.push([base, head].map(|line| cost(line, "others_share").unwrap_or_default()));
        row
    }

    /// Computes the spread and the shares from all pairs.
    pub(super) fn summarize(&mut self) {
        for row in &mut self.rows {
            for measure in &mut row.measures {
                measure.spread = Spread::of(&measure.ratios);
            }
            row.shares = row.shares();
        }
    }

    /// Writes the JSON file; files of earlier comparisons of the same commits remain.
    #[expect(clippy::print_stdout, reason = "the output of a command")]
    pub(super) fn save(&self, directory: &Path) -> Outcome<()> {
        fs::create_dir_all(directory)?;
        let day = self.machine.measured_at.get(..10).unwrap_or_default();
        let name = format!("compare-{day}-{}-{}", self.base, self.head);
        let path = unused_path(directory, &name);
        fs::write(&path, serde_json::to_string_pretty(self)? + "\n")?;
        println!("saved as {}", path.display());
        Ok(())
    }
}

impl ComparedRow {
    fn new(line: &RowResult) -> Self {
        let measures = numbers(line).into_iter().map(|number| ComparedNumber {
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
        let machine: Vec<_> = self.given.iter().map(MachineRates::named).collect();
        let names = machine.first().map_or(&[][..], |rates| &rates[..]);
        let share = |(index, (of, _)): (usize, &(&'static str, f64))| {
            let machine_rates: Vec<f64> = machine.iter().map(|rates| rates[index].1).collect();
            let of_machine = |values: &[f64]| {
                let rates: Vec<f64> =
                    values.iter().map(|value| measure.better.as_rate(*value)).collect();
                statistics::share(&rates, &machine_rates)
            };
            Share { of, base: of_machine(&measure.base), head: of_machine(&measure.head) }
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

/// The numbers of a line that are compared: rate, latencies and CPU cost per unit of work.
fn numbers(line: &RowResult) -> Vec<Number> {
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

fn cost(line: &RowResult, name: &str) -> Option<f64> {
    line.cost.as_ref()?.get(name).and_then(Value::as_f64)
}

/// The first path with this name, or with a number appended to it, that does not exist yet.
fn unused_path(directory: &Path, name: &str) -> PathBuf {
    let first = directory.join(format!("{name}.json"));
    let others = (2..).map(|number| directory.join(format!("{name}-{number}.json")));
    std::iter::once(first).chain(others).find(|path| !path.exists()).unwrap_or_default()
}
