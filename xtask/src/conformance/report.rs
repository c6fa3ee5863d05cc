//! Counts and prints the results of a conformance run.

use super::case::Pairing;
use std::collections::BTreeMap;

/// The outcome of one run of one case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// As it must be.
    Pass,
    /// Not as it must be, and where.
    Fail(String),
    /// The case does not hold for the reference itself, and where.
    Unsound(String),
    /// This host cannot run it, and why.
    CannotRun(String),
}

/// One line of the report.
#[derive(Clone, Debug)]
pub struct Result {
    /// The case.
    pub case: String,
    /// Which run of it; `None` where the case as a whole is meant.
    pub pairing: Option<Pairing>,
    /// How it ended.
    pub outcome: Outcome,
}

/// The counts of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Runs that were as they must be.
    pub passed: usize,
    /// Runs that were not, unsound cases included.
    pub failed: usize,
    /// Runs this host could not make.
    pub skipped: usize,
}

/// Prints what is not a pass, sorted by case, and returns the counts.
pub fn print_details(results: &[Result]) -> Counts {
    let mut counts = Counts::default();
    let mut skipped: BTreeMap<&str, usize> = BTreeMap::new();
    for result in results {
        let title = result.pairing.map_or("case", Pairing::title);
        match &result.outcome {
            Outcome::Pass => counts.passed += 1,
            Outcome::Fail(why) => {
                counts.failed += 1;
                println!("FAIL {} ({title})\n{}", result.case, shorten(why));
            }
            Outcome::Unsound(why) => {
                counts.failed += 1;
                println!("UNSOUND {} (the reference itself does not meet it)\n{}", result.case, shorten(why));
            }
            Outcome::CannotRun(why) => {
                counts.skipped += 1;
                *skipped.entry(why).or_default() += 1;
            }
        }
    }
    for (why, count) in skipped {
        println!("cannot run here: {count} × {why}");
    }
    counts
}

/// At most this many lines of a reason are printed, each cut at so many characters.
const SHOWN: (usize, usize) = (30, 300);

/// A reason without the bulk that would bury the next one.
fn shorten(why: &str) -> String {
    let mut lines: Vec<String> = why.lines().take(SHOWN.0).map(|line| line.chars().take(SHOWN.1).collect()).collect();
    let left = why.lines().count().saturating_sub(SHOWN.0);
    if left > 0 {
        lines.push(format!("  … {left} more lines"));
    }
    lines.join("\n")
}

/// Prints one line per component with its counts, so that a long list of failures can be overlooked.
pub fn print_components(results: &[Result]) {
    let mut components: BTreeMap<&str, [usize; 3]> = BTreeMap::new();
    for result in results {
        let component = result.case.split('/').next().unwrap_or_default();
        let [passed, failed, skipped] = components.entry(component).or_default();
        match result.outcome {
            Outcome::Pass => *passed += 1,
            Outcome::Fail(_) | Outcome::Unsound(_) => *failed += 1,
            Outcome::CannotRun(_) => *skipped += 1,
        }
    }
    for (component, [passed, failed, skipped]) in components {
        println!("{component:<10} {passed:>5} passed {failed:>5} failed {skipped:>5} cannot run here");
    }
}

/// Prints the cases that took longest, so that the suite stays quick.
pub fn print_slowest(mut times: Vec<(String, f64)>) {
    times.sort_by(|a, b| b.1.total_cmp(&a.1));
    let slow: Vec<String> = times.iter().take(6).map(|(name, seconds)| format!("{name} {seconds:.1} s")).collect();
    println!("slowest: {}", slow.join(", "));
}

/// The last line of the output, in the form scripts read.
pub fn summary_line(counts: Counts) -> String {
    let mut line = format!("{} passed, {} failed", counts.passed, counts.failed);
    if counts.skipped > 0 {
        line.push_str(&format!(", {} skipped", counts.skipped));
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn summary_names_skips_only_when_there_are_any() {
        assert_eq!(summary_line(Counts { passed: 3, failed: 0, skipped: 0 }), "3 passed, 0 failed");
        assert_eq!(summary_line(Counts { passed: 3, failed: 1, skipped: 2 }), "3 passed, 1 failed, 2 skipped");
    }
}
