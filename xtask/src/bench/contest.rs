//! Works, who does each, and the rows that are read off; and the running of them in turns.

use anyhow::{Context, Result};

use super::measure::{Sample, measure};
use super::place::Place;
use crate::sh::Cmd;
use crate::units;

/// How ours is called.
pub const OURS: &str = "ours";
/// How the real ostree is called.
pub const OSTREE: &str = "ostree";
/// How ostree-ext is called.
pub const OSTREE_EXT: &str = "ostree-ext 0.15.3";

/// One way to do a work.
pub struct Contender {
    /// How it is called in the table.
    pub name: &'static str,
    /// Whether it is ours: only ours are looked at on the double tree.
    pub ours: bool,
    /// What has to be there before the clock starts; run from an empty scratch folder.
    pub before: Vec<Cmd>,
    /// What is measured.
    pub command: Cmd,
}

/// A row of the table: ours against a peer.
pub struct Row {
    /// What the row is about.
    pub name: &'static str,
    /// Which contender is ours.
    pub ours: &'static str,
    /// Which one it is measured against.
    pub peer: &'static str,
    /// How many times faster ours is to be.
    pub wanted: f64,
}

/// A work that several can do.
pub struct Contest {
    /// What it is.
    pub name: &'static str,
    /// Who does it; in turns, in this order.
    pub contenders: Vec<Contender>,
    /// What is read off.
    pub rows: Vec<Row>,
    /// The folder in scratch whose size is of interest.
    pub sized: Option<&'static str>,
    /// How many times the runs that are asked for: more than once where both are so close that noise could decide.
    pub times: usize,
}

impl Contest {
    /// Whether its name or a row of it contains one of `only`, or `only` is empty.
    pub fn is_named_by(&self, only: &[String]) -> bool {
        let names: Vec<&str> = self.rows.iter().map(|row| row.name).chain([self.name]).collect();
        only.is_empty() || only.iter().any(|only| names.iter().any(|name| name.contains(only.as_str())))
    }

    /// The same without peers and without rows.
    pub fn of_ours_alone(mut self) -> Self {
        self.contenders.retain(|contender| contender.ours);
        self.rows.clear();
        self
    }
}

/// What a contender's runs took.
pub struct Runs {
    /// Who.
    pub name: &'static str,
    /// Whether it is ours.
    pub ours: bool,
    /// The measured runs in order.
    pub samples: Vec<Sample>,
    /// The size of what it wrote, where that is of interest.
    pub bytes: Option<u64>,
}

/// A contest that was held.
pub struct Outcome {
    /// The work.
    pub contest: &'static str,
    /// Its rows.
    pub rows: Vec<Row>,
    /// Everybody's runs.
    pub runs: Vec<Runs>,
}

/// Holds `contest`: everybody once to warm up, then in turns.
///
/// # Errors
/// A contender fails.
pub fn hold(contest: Contest, place: &Place, runs: usize) -> Result<Outcome> {
    println!("\n{}", contest.name);
    let mut results: Vec<Runs> = Vec::new();
    for contender in &contest.contenders {
        results.push(Runs { name: contender.name, ours: contender.ours, samples: Vec::new(), bytes: None });
    }
    for round in 0..=runs * contest.times {
        for (contender, result) in contest.contenders.iter().zip(&mut results) {
            let sample = one_run(contender, place).with_context(|| format!("{}: {}", contest.name, contender.name))?;
            let peak = units::bytes(sample.peak_kib << 10);
            let warming = if round == 0 { " (warming up)" } else { "" };
            println!("  {:<28} {:>8.2} s  {:>8.2} s CPU  {peak}{warming}", contender.name, sample.wall, sample.cpu);
            if round > 0 {
                result.samples.push(sample);
            }
            if let Some(folder) = contest.sized {
                result.bytes = Some(units::tree_size(&place.scratch.join(folder))?.1);
            }
        }
    }
    place.clear()?;
    Ok(Outcome { contest: contest.name, rows: contest.rows, runs: results })
}

fn one_run(contender: &Contender, place: &Place) -> Result<Sample> {
    place.clear()?;
    for command in &contender.before {
        command.read()?;
    }
    measure(&contender.command, &place.scratch)
}

/// A work that ours and one peer do with the same preparation.
pub fn pair(row: Row, before: Vec<Cmd>, ours: Cmd, theirs: Cmd) -> Contest {
    let mine = Contender { name: row.ours, ours: true, before: before.clone(), command: ours };
    let theirs = Contender { name: row.peer, ours: false, before, command: theirs };
    Contest { name: row.name, contenders: vec![mine, theirs], rows: vec![row], sized: None, times: 1 }
}
