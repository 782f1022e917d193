//! The tables: one line per thing measured, with its goal and whether it is met.

use std::process::ExitCode;
use std::time::Duration;

/// All that was said, for the last line.
#[derive(Default)]
pub struct Report {
    met: usize,
    over: Vec<String>,
    skipped: usize,
    failed: usize,
}

impl Report {
    /// Prints a table and counts its goals.
    pub fn table(&mut self, table: Table) {
        println!("\n{}", table.title);
        let mut lines: Vec<Vec<String>> = vec![vec![String::new()]];
        lines[0].extend(table.columns.iter().map(|&column| column.to_owned()));
        lines[0].push("goal".to_owned());
        for row in table.rows {
            for (goal, met) in &row.goals {
                if *met {
                    self.met += 1;
                } else {
                    self.over.push(format!("{} ({goal})", row.name));
                }
            }
            let goals = row.goals.iter().map(|(goal, met)| format!("{goal} {}", if *met { "ok" } else { "OVER" }));
            let goals = goals.collect::<Vec<_>>().join(", ");
            lines.push([vec![row.name], row.cells, vec![goals]].concat());
        }
        let width = |column: usize| lines.iter().map(|line| line[column].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..lines[0].len()).map(width).collect();
        for line in &lines {
            let mut text = vec![format!("  {:<1$}", line[0], widths[0])];
            let cells = line.iter().zip(&widths).skip(1).take(table.columns.len());
            text.extend(cells.map(|(cell, width)| format!("{cell:>width$}")));
            text.push(line[line.len() - 1].clone());
            println!("{}", text.join("  ").trim_end());
        }
    }

    /// Says loudly that something is not measured here.
    pub fn skip(&mut self, why: impl AsRef<str>) {
        self.skipped += 1;
        println!("\nSKIPPED: {}", why.as_ref());
    }

    /// Says that something is broken.
    pub fn fail(&mut self, why: impl AsRef<str>) {
        self.failed += 1;
        println!("\nFAILED: {}", why.as_ref());
    }

    /// The last line, and the exit code: a missed goal is no failure.
    pub fn end(self, took: Duration) -> ExitCode {
        let over = if self.over.is_empty() { String::new() } else { format!(": {}", self.over.join("; ")) };
        let (skipped, failed) = (self.skipped, self.failed);
        println!(
            "\n{} goals met, {} over{over} ({skipped} skipped, {failed} failed; {:.0} s)",
            self.met,
            self.over.len(),
            took.as_secs_f64()
        );
        if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

/// One table.
pub struct Table {
    title: String,
    columns: &'static [&'static str],
    rows: Vec<Row>,
}

impl Table {
    /// A table without rows; its first column is the rows' names, its last one their goals.
    pub fn new(title: impl Into<String>, columns: &'static [&'static str]) -> Self {
        Self { title: title.into(), columns, rows: Vec::new() }
    }

    /// Adds a row of as many cells as the table has columns.
    pub fn row(&mut self, row: Row) {
        assert_eq!(row.cells.len(), self.columns.len(), "{}", row.name);
        self.rows.push(row);
    }
}

/// One row.
pub struct Row {
    name: String,
    cells: Vec<String>,
    goals: Vec<(String, bool)>,
}

impl Row {
    /// A row without a goal.
    pub fn new<const N: usize>(name: impl Into<String>, cells: [String; N]) -> Self {
        Self { name: name.into(), cells: cells.into(), goals: Vec::new() }
    }

    /// A goal, and whether it is met.
    pub fn goal(mut self, goal: impl Into<String>, met: bool) -> Self {
        self.goals.push((goal.into(), met));
        self
    }
}

/// Seconds as milliseconds.
pub fn ms(seconds: f64) -> String {
    format!("{:.3} ms", seconds * 1e3)
}

/// Seconds as microseconds.
pub fn us(seconds: f64) -> String {
    format!("{:.1} µs", seconds * 1e6)
}

/// How many times as much.
pub fn times(ratio: f64) -> String {
    format!("{ratio:.2} ×")
}
