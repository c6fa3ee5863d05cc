//! Conformance: the same work done by the real programs and by ours, compared step by step.

pub mod broken_way;
mod case;
mod cases;
mod cleanup;
mod compare;
mod judge_case;
pub mod layer_tar;
mod needs;
mod oci_walk;
mod options;
mod parse;
mod repo_walk;
mod report;
mod run_case;
mod sample;
mod signed_token;
mod subject;
pub mod token_server;
mod tree_walk;

use crate::{binary, peers, sh};
use anyhow::{Context, Result, bail, ensure};
use case::{Case, Pairing};
use judge_case::Bench;
use needs::Host;
use options::{HELP, Options};
use report::{print_components, print_details, summary_line};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;
use subject::Subject;

/// Runs the cases named by `args` and prints what fails; the last line is `N passed, N failed[, N skipped]`.
///
/// # Errors
/// Bad options, a suite that cannot be set up, or any failure or unsound case.
pub fn run(args: &[String]) -> Result<()> {
    let (profile, args) = binary::profile_from(args)?;
    let options = Options::parse(&args)?;
    if options.help {
        println!("{HELP}");
        return Ok(());
    }
    let mut cases: Vec<Case> = cases::all()?;
    cases.retain(|case| options.wants(&case.name));
    ensure!(!cases.is_empty(), "no case has such a name (see --list)");
    if options.list {
        cases.iter().for_each(|case| println!("{}", case.name));
        return Ok(());
    }
    if options.reference_only {
        cases.iter_mut().for_each(|case| case.pairings.retain(|pairing| *pairing == Pairing::ReferenceAlone));
    }
    let scratch = scratch_dir(options.scratch.as_deref())?;
    let outcome = run_in(&scratch, &options, &profile, &cases);
    if options.keep {
        println!("kept {}", scratch.display());
    } else {
        cleanup::remove(&scratch)?;
    }
    let line = outcome?;
    println!("{line}");
    if line.contains(" 0 failed") { Ok(()) } else { bail!("conformance failed") }
}

fn run_in(scratch: &Path, options: &Options, profile: &str, cases: &[Case]) -> Result<String> {
    let ostree_ext = peers::ostree_ext();
    let ours = if options.reference_only {
        None
    } else {
        let binary = match &options.subject {
            Some(path) => std::path::absolute(path)?,
            None => binary::build(profile)?,
        };
        ensure!(binary.is_file(), "no binary at {}", binary.display());
        Some(Subject::ours(scratch, &binary, ostree_ext.as_deref())?)
    };
    let bench = Bench {
        host: Host::probe(scratch, options.slow),
        reference: Subject::reference(scratch, ostree_ext.as_deref())?,
        ours,
        scratch,
        keep: options.keep,
    };
    let start = Instant::now();
    let done = run_all(&bench, cases, jobs(options.jobs));
    report::print_slowest(cases.iter().zip(&done).map(|(case, done)| (case.name.clone(), done.seconds)).collect());
    let results: Vec<report::Result> = done.into_iter().flat_map(|done| done.results).collect();
    let counts = print_details(&results);
    print_components(&results);
    println!("{} cases in {:.0} s", cases.len(), start.elapsed().as_secs_f64());
    Ok(summary_line(counts))
}

/// A case that has been run.
#[derive(Debug)]
struct Done {
    number: usize,
    seconds: f64,
    results: Vec<report::Result>,
}

/// Runs the cases on `jobs` threads; they come back in their own order.
fn run_all(bench: &Bench<'_>, cases: &[Case], jobs: usize) -> Vec<Done> {
    let next = AtomicUsize::new(0);
    let all: Mutex<Vec<Done>> = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..jobs {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(number) else { break };
                    let start = Instant::now();
                    let results = bench.judge(number, case);
                    let done = Done { number, seconds: start.elapsed().as_secs_f64(), results };
                    all.lock().expect("no thread panics while it holds the results").push(done);
                }
            });
        }
    });
    let mut all = all.into_inner().expect("no thread panics while it holds the results");
    all.sort_by_key(|done| done.number);
    all
}

fn jobs(asked: usize) -> usize {
    if asked > 0 { asked } else { std::thread::available_parallelism().map_or(1, usize::from) }
}

/// Free space that cases may need at once, in bytes: a slow one keeps several system trees. Containers often get 64 MiB.
const ROOM: u64 = 4 << 30;

/// A fresh directory to work in. Memory-backed where it takes attributes: the reference syncs after every commit.
fn scratch_dir(asked: Option<&Path>) -> Result<PathBuf> {
    let shm = Path::new("/dev/shm");
    let parent = match asked {
        Some(dir) => std::path::absolute(dir)?,
        None if takes_xattrs(shm) && free_space(shm) >= ROOM => shm.to_owned(),
        None => sh::target_dir(),
    };
    cleanup::remove_leftovers(&parent)?;
    let dir = parent.join(format!("{}{}", cleanup::PREFIX, std::process::id()));
    std::fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
    Ok(dir)
}

/// Free bytes of the file system of `dir`; none where it cannot be asked.
fn free_space(dir: &Path) -> u64 {
    rustix::fs::statvfs(dir).map_or(0, |stat| stat.f_bavail * stat.f_frsize)
}

fn takes_xattrs(dir: &Path) -> bool {
    let probe = dir.join(format!("conformance-probe-{}", std::process::id()));
    let taken = std::fs::write(&probe, b"").is_ok()
        && rustix::fs::lsetxattr(&probe, "user.probe", b"1", rustix::fs::XattrFlags::empty()).is_ok();
    // A probe that could not be made needs no removing.
    let _ = std::fs::remove_file(&probe);
    taken
}
