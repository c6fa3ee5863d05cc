//! Bench: ours and the peers in turns on the same work, and a table of what came out.

mod contest;
mod delay;
mod disk;
mod images;
mod measure;
mod place;
mod report;
mod tree;
mod works;
mod works_images;

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use crate::{binary, peers};
use place::Place;

const USAGE: &str = "\
cargo xtask bench [--runs N] [--only ROW]... [--double] [--json FILE] [--profile NAME] [--tar FILE]

Builds a Debian tree of about 1.2 GB (once), then lets ours and the peers do the same work in turns, and prints
medians, ratios and peak memory, all on a file system of its own. Needs root (owners and devices of a real tree, a
loop device) and the programs of `peers`.
  --runs N        measured runs of each after one that warms up (default: 3)
  --only ROW      rows whose name contains ROW
  --double        ours once more on a tree twice as large: peak memory must stay flat
  --json FILE     every single run too
  --profile NAME  cargo's profile for the binary (default: fast)
  --tar FILE      the tree from this archive instead of a new Debian";

/// Which tree, and with it what is looked at.
#[derive(Clone, Copy)]
enum Round {
    /// Everybody, in turns: time and memory.
    Single,
    /// Ours alone, once: whether memory stays flat.
    Double,
}

/// What came of the contests.
struct Held {
    outcomes: Vec<contest::Outcome>,
    failed: Vec<&'static str>,
}

struct Options {
    runs: usize,
    only: Vec<String>,
    double: bool,
    json: Option<PathBuf>,
    profile: String,
    tar: Option<PathBuf>,
}

/// `cargo xtask bench`.
///
/// # Errors
/// Bad arguments, not root, a peer is missing, or a measured program fails.
pub fn run(args: &[String]) -> Result<()> {
    let Some(options) = options(args)? else { return Ok(()) };
    if !peers::is_root() {
        bail!("bench works on the owners and modes of a real system: it must run as root");
    }
    peers::install()?;
    let place = Place::new(binary::build(&options.profile)?, peers::build_ostree_ext()?)?;
    let tree = tree::prepare(&place.home, options.tar.as_deref())?;
    let single = run_on(&place, &tree, &options, Round::Single)?;
    let mut failed = single.failed;
    let mut report = report::Report::new(&tree, options.runs, single.outcomes)?;
    if options.double {
        let double = run_on(&place, &tree::double(&place.home, &tree)?, &options, Round::Double)?;
        report.double = double.outcomes;
        failed.extend(double.failed);
    }
    println!("\n{}", report.markdown());
    if let Some(file) = &options.json {
        let text = serde_json::to_string_pretty(&report.json())?;
        std::fs::write(file, text + "\n").with_context(|| format!("write {}", file.display()))?;
    }
    place.clear()?;
    ensure!(failed.is_empty(), "failed and missing above: {}", failed.join(", "));
    Ok(())
}

/// Holds the chosen contests. One that fails is told and left out: the others still say what they can.
fn run_on(place: &Place, tree: &tree::Tree, options: &Options, round: Round) -> Result<Held> {
    place.prepare(tree)?;
    let registry = images::Registry::start(place)?;
    let mut contests = works::all(place, tree);
    let pushed = images::Registry::serve(place, "registry-pushed")?;
    contests.extend(works_images::all(place, &registry, &pushed)?);
    let mut held = Held { outcomes: Vec::new(), failed: Vec::new() };
    for contest in contests.into_iter().filter(|contest| contest.is_named_by(&options.only)) {
        let name = contest.name;
        let (contest, runs) = match round {
            Round::Single => (contest, options.runs),
            Round::Double => (contest.of_ours_alone(), 1),
        };
        match contest::hold(contest, place, runs) {
            Ok(outcome) => held.outcomes.push(outcome),
            Err(error) => {
                println!("  FAILED: {error:#}");
                held.failed.push(name);
            }
        }
    }
    Ok(held)
}

fn options(args: &[String]) -> Result<Option<Options>> {
    let (profile, rest) = binary::profile_from(args)?;
    let mut options = Options { runs: 3, only: Vec::new(), double: false, json: None, profile, tar: None };
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        let (word, given) = word.split_once('=').map_or((word.as_str(), None), |(word, value)| (word, Some(value)));
        let mut value = || match given {
            Some(value) => Ok(value.to_owned()),
            None => words.next().cloned().with_context(|| format!("{word} needs a value")),
        };
        match word {
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(None);
            }
            "--runs" => options.runs = value()?.parse().context("--runs needs a number")?,
            "--only" => options.only.push(value()?),
            "--double" => options.double = true,
            "--json" => options.json = Some(value()?.into()),
            "--tar" => options.tar = Some(value()?.into()),
            other => bail!("bench does not know {other:?}\n{USAGE}"),
        }
    }
    ensure!(options.runs > 0, "--runs must be at least 1");
    Ok(Some(options))
}
