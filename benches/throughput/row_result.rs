//! The result of a row: its figures, its cost and the state of the machine.

use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::postgres_cluster::Statement;
use crate::process_usage::{Cost, microseconds_each};

/// The result of a row, one line of the table.
#[derive(Clone, Serialize)]
pub(crate) struct RowResult {
    /// The measured work: `messages`, `callbacks`, …
    pub(crate) work: String,
    /// The conditions of the measurement.
    pub(crate) how: String,
    /// The measured figures; the first one is the main figure.
    pub(crate) figures: Vec<Figure>,
    /// The CPU time by process.
    pub(crate) cost: Option<Map<String, Value>>,
    /// The main figure of all runs.
    pub(crate) runs: Vec<f64>,
    /// The [`pulse`](crate::machine::pulse) of the machine directly before the run.
    pub(crate) pulse: Option<f64>,
    /// The executed statements, those with the most total time first.
    pub(crate) statements: Vec<Statement>,
}

/// A measured value with its name and unit.
#[derive(Clone, Serialize)]
pub(crate) struct Figure {
    pub(crate) name: String,
    pub(crate) unit: String,
    pub(crate) value: f64,
}

impl Figure {
    pub(crate) fn new(name: &str, unit: &str, value: f64) -> Self {
        Self { name: name.to_owned(), unit: unit.to_owned(), value }
    }

    pub(crate) fn rate(of: &str, value: f64) -> Self {
        Self::new("rate", &format!("{of}/s"), value)
    }

    #[expect(clippy::cast_precision_loss, reason = "counts here are far below 2^52")]
    pub(crate) fn count(name: &str, value: usize) -> Self {
        Self::new(name, "", value as f64)
    }
}

impl RowResult {
    pub(crate) fn new(work: &str, how: impl Into<String>) -> Self {
        Self {
            work: work.to_owned(),
            how: how.into(),
            figures: Vec::new(),
            cost: None,
            runs: Vec::new(),
            pulse: None,
            statements: Vec::new(),
        }
    }

    pub(crate) fn figure(mut self, figure: Figure) -> Self {
        self.figures.push(figure);
        self
    }

    /// Adds the CPU cost of `count` units of work.
    pub(crate) fn with_cost(mut self, cost: Cost, count: usize) -> Self {
        let (each, cpu) = (|used| microseconds_each(used, count), cost.cpu);
        let object = json!({
            "count": count,
            "serve_us": each(cpu.serve),
            "postgres_us": each(cpu.postgres),
            "fake_twilio_us": each(cpu.fake_twilio),
            "load_us": each(cpu.load),
            "others_share": cost.others_share(),
        });
        self.cost = object.as_object().cloned();
        self
    }

    /// Adds the speed of the machine and the executed statements.
    pub(crate) fn with_machine_state(mut self, pulse: f64, statements: Vec<Statement>) -> Self {
        self.pulse = Some(pulse);
        self.statements = statements;
        self
    }

    /// Adds the main figures of all runs, in ascending order.
    pub(crate) fn with_runs(mut self, runs: Vec<f64>) -> Self {
        self.runs = runs;
        self
    }

    /// The main figure.
    pub(crate) fn main_value(&self) -> f64 {
        self.figures.first().map_or(f64::NAN, |figure| figure.value)
    }
}
