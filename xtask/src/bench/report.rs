//! The table that a bench ends with, for people and for machines.

use anyhow::Result;
use serde_json::{Value, json};

use super::contest::{Outcome, Row, Runs};
use super::measure::median;
use super::tree::Tree;
use crate::sh::cmd;
use crate::units;

/// Peak memory that no work of ours may exceed, in KiB.
const MAX_PEAK_KIB: u64 = 128 << 10;

/// What a bench found.
pub struct Report {
    tree: Tree,
    runs: usize,
    host: String,
    single: Vec<Outcome>,
    /// Ours on the tree twice as large; empty if that was not asked for.
    pub double: Vec<Outcome>,
}

impl Report {
    /// A report on `single`, measured with `runs` runs each on `tree`.
    ///
    /// # Errors
    /// The host cannot be described.
    pub fn new(tree: &Tree, runs: usize, single: Vec<Outcome>) -> Result<Self> {
        let host = format!("{} CPUs, {}", cmd("nproc").read()?, cmd("uname").args(["-srm"]).read()?);
        Ok(Self { tree: tree.clone(), runs, host, single, double: Vec::new() })
    }

    /// A markdown table and the notes to it.
    pub fn markdown(&self) -> String {
        let (files, bytes) = (self.tree.files, units::bytes(self.tree.bytes));
        let mut text = format!(
            "Medians of {} runs in turns on a tree of {files} files, {bytes}; {}; data on disk at the end.\n\n\
             | work | ours | peer | | ratio | wanted | peak, ours | peak, peer |\n|---|--:|--:|---|--:|--:|--:|--:|\n",
            self.runs, self.host
        );
        for outcome in &self.single {
            for row in &outcome.rows {
                text.push_str(&line(outcome, row));
            }
        }
        for outcome in &self.single {
            let runs = outcome.runs.iter().map(|runs| runs.samples.len()).min().unwrap_or_default();
            if runs > self.runs {
                text.push_str(&format!("\n{}: of {runs} runs\n", outcome.contest));
            }
        }
        text.push_str(&self.sizes());
        text.push_str(&self.memory());
        text
    }

    /// Every run of everything.
    pub fn json(&self) -> Value {
        json!({
            "host": self.host,
            "tree": { "files": self.tree.files, "bytes": self.tree.bytes },
            "runs": self.runs,
            "rows": self.single.iter().flat_map(rows_json).collect::<Vec<_>>(),
            "contests": self.single.iter().map(outcome_json).collect::<Vec<_>>(),
            "double": self.double.iter().map(outcome_json).collect::<Vec<_>>(),
        })
    }

    /// How the sizes of what was written compare, where that is of interest.
    fn sizes(&self) -> String {
        let mut text = String::new();
        for outcome in &self.single {
            let peer = outcome.runs.iter().find(|runs| !runs.ours).and_then(|runs| runs.bytes);
            for runs in outcome.runs.iter().filter(|runs| runs.ours) {
                if let (Some(ours), Some(peer)) = (runs.bytes, peer) {
                    let percent = 100.0 * (ours as f64 / peer as f64 - 1.0);
                    let name = (outcome.contest, runs.name);
                    text.push_str(&format!(
                        "\n{}, {}: {ours} bytes, the peer's {peer} ({percent:+.1} %)",
                        name.0, name.1
                    ));
                }
            }
        }
        if text.is_empty() { text } else { text + "\n" }
    }

    fn memory(&self) -> String {
        let mut text = String::new();
        for (contest, runs) in ours(&self.single) {
            let twice = ours(&self.double).find(|(name, other)| *name == contest && other.name == runs.name);
            let double =
                twice.map_or(String::new(), |(_, other)| format!(", {} on the double tree", mebibytes(peak(other))));
            let verdict = if peak(runs) > MAX_PEAK_KIB { " - TOO MUCH" } else { "" };
            text.push_str(&format!("\n{contest}, {}: peak {}{double}{verdict}", runs.name, mebibytes(peak(runs))));
        }
        text
    }
}

fn ours(outcomes: &[Outcome]) -> impl Iterator<Item = (&'static str, &Runs)> {
    let all = outcomes.iter().flat_map(|outcome| outcome.runs.iter().map(|runs| (outcome.contest, runs)));
    all.filter(|(_, runs)| runs.ours)
}

fn line(outcome: &Outcome, row: &Row) -> String {
    let (Some(ours), Some(peer)) = (runs_of(outcome, row.ours), runs_of(outcome, row.peer)) else {
        return String::new();
    };
    let (fast, slow) = (wall(ours), wall(peer));
    let ratio = slow / fast;
    let verdict = if ratio < row.wanted { " - MISSED" } else { "" };
    let peaks = (mebibytes(peak(ours)), mebibytes(peak(peer)));
    format!(
        "| {} | {fast:.2} s | {slow:.2} s | {} | {} | {}{verdict} | {} | {} |\n",
        row.name,
        row.peer,
        times(ratio),
        times(row.wanted),
        peaks.0,
        peaks.1
    )
}

/// A ratio; what is near to one in hundredths.
fn times(ratio: f64) -> String {
    if ratio < 1.5 { format!("{ratio:.2}x") } else { format!("{ratio:.1}x") }
}

fn runs_of<'a>(outcome: &'a Outcome, name: &str) -> Option<&'a Runs> {
    outcome.runs.iter().find(|runs| runs.name == name)
}

fn wall(runs: &Runs) -> f64 {
    median(runs.samples.iter().map(|sample| sample.wall)).unwrap_or(f64::NAN)
}

fn peak(runs: &Runs) -> u64 {
    runs.samples.iter().map(|sample| sample.peak_kib).max().unwrap_or(0)
}

fn mebibytes(kib: u64) -> String {
    format!("{} MiB", kib.div_ceil(1024))
}

fn rows_json(outcome: &Outcome) -> Vec<Value> {
    let row = |row: &Row| {
        let (ours, peer) = (runs_of(outcome, row.ours)?, runs_of(outcome, row.peer)?);
        Some(json!({
            "row": row.name,
            "peer": row.peer,
            "ours_seconds": wall(ours),
            "peer_seconds": wall(peer),
            "ratio": wall(peer) / wall(ours),
            "wanted": row.wanted,
            "ours_peak_kib": peak(ours),
            "peer_peak_kib": peak(peer),
        }))
    };
    outcome.rows.iter().filter_map(row).collect()
}

fn outcome_json(outcome: &Outcome) -> Value {
    let runs = outcome.runs.iter().map(|runs| {
        let samples: Vec<Value> = runs
            .samples
            .iter()
            .map(|sample| json!({ "wall": sample.wall, "cpu": sample.cpu, "peak_kib": sample.peak_kib }))
            .collect();
        json!({ "name": runs.name, "ours": runs.ours, "bytes": runs.bytes, "samples": samples })
    });
    json!({ "contest": outcome.contest, "runs": runs.collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::super::measure::Sample;
    use super::*;

    fn report(ours: f64, peak_kib: u64) -> Report {
        let runs = |name, ours, wall, peak_kib| Runs {
            name,
            ours,
            samples: vec![Sample { wall, cpu: wall, peak_kib }],
            bytes: Some(if ours { 102 } else { 100 }),
        };
        let outcome = Outcome {
            contest: "fsck",
            rows: vec![Row { name: "fsck", ours: "ours", peer: "ostree", wanted: 2.0 }],
            runs: vec![runs("ours", true, ours, peak_kib), runs("ostree", false, 6.0, 4096)],
        };
        let tree = Tree { dir: "t".into(), files: 1, bytes: 2 };
        Report { tree, runs: 1, host: "h".into(), single: vec![outcome], double: Vec::new() }
    }

    #[test]
    fn a_row_tells_times_ratio_and_memory() {
        let text = report(2.0, 2048).markdown();
        assert!(text.contains("| fsck | 2.00 s | 6.00 s | ostree | 3.0x | 2.0x | 2 MiB | 4 MiB |"), "{text}");
        assert!(text.contains("102 bytes, the peer's 100 (+2.0 %)"), "{text}");
        assert!(!text.contains("MISSED") && !text.contains("TOO MUCH"), "{text}");
    }

    #[test]
    fn a_missed_goal_is_said_aloud() {
        let text = report(5.0, 1 << 20).markdown();
        assert!(text.contains("1.20x | 2.0x - MISSED") && text.contains("TOO MUCH"), "{text}");
    }
}
