//! Test: everything that a change must pass, in one command that a fresh machine can run.

use std::io::{BufRead, BufReader, Write};
use std::process::Stdio;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

use crate::sh::{self, Cmd, cmd};
use crate::{peers, units};

const USAGE: &str = "\
cargo xtask test [STEP...]

Installs the programs that the tests compare with where it can, then runs every step, or the named ones:
peers fmt clippy doc test deny tidy conformance. All of them run even if one fails; the last lines say how it went.";

/// How a step went.
enum Outcome {
    Passed,
    Failed,
    /// It cannot run on this host, for the reason given: said aloud, never counted as passed.
    CannotRun(String),
}

struct Report {
    step: &'static str,
    outcome: Outcome,
    time: Duration,
    closing: String,
}

/// A runner, which part of its output closes it, and what it needs.
struct Step {
    name: &'static str,
    run: fn() -> Result<Finished>,
}

/// How a runner ended.
struct Finished {
    outcome: Outcome,
    closing: String,
}

const STEPS: &[Step] = &[
    Step { name: "peers", run: install_peers },
    Step { name: "fmt", run: || tool("rustfmt", &cargo(&["fmt", "--all", "--check"])) },
    Step { name: "clippy", run: clippy },
    Step { name: "doc", run: doc },
    Step { name: "test", run: || runner(&cargo(&["test", "--workspace", "--no-fail-fast"]), sum_of_tests) },
    Step {
        name: "deny",
        run: || tool("cargo-deny", &cargo(&["deny", "--all-features", "check", "bans", "licenses", "sources"])),
    },
    Step { name: "tidy", run: || runner(&chore("tidy")?, last_line) },
    Step { name: "conformance", run: || runner(&chore("conformance")?, last_line) },
];

/// `cargo xtask test`.
///
/// # Errors
/// Bad arguments, or a step failed (the others ran nevertheless).
pub fn run(args: &[String]) -> Result<()> {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return Ok(());
    }
    if let Some(unknown) = args.iter().find(|arg| !STEPS.iter().any(|step| step.name == **arg)) {
        bail!("no step is called {unknown:?}\n{USAGE}");
    }
    let mut results = Vec::new();
    for step in STEPS.iter().filter(|step| args.is_empty() || args.iter().any(|arg| arg == step.name)) {
        println!("\n=== {}", step.name);
        let begin = Instant::now();
        let finished =
            (step.run)().unwrap_or_else(|error| Finished { outcome: Outcome::Failed, closing: format!("{error:#}") });
        results.push(Report {
            step: step.name,
            outcome: finished.outcome,
            time: begin.elapsed(),
            closing: finished.closing,
        });
    }
    conclude(&results)
}

fn conclude(results: &[Report]) -> Result<()> {
    println!("\n=== how it went");
    let mut failed = Vec::new();
    for result in results {
        let word = match &result.outcome {
            Outcome::Passed => "passed",
            Outcome::Failed => "FAILED",
            Outcome::CannotRun(_) => "cannot run here",
        };
        let closing = match &result.outcome {
            Outcome::CannotRun(reason) => reason,
            _ => &result.closing,
        };
        println!(
            "{:<12} {word:<15} {:>8}  {}",
            result.step,
            units::seconds(result.time),
            closing.replace('\n', "\n    ")
        );
        if matches!(result.outcome, Outcome::Failed) {
            failed.push(result.step);
        }
    }
    if !failed.is_empty() {
        bail!("failed: {}", failed.join(", "));
    }
    Ok(())
}

fn cargo(args: &[&str]) -> Cmd {
    cmd(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into())).args(args).dir(sh::workspace_root())
}

/// Another chore in a process of its own, so that its output can be read as it comes.
fn chore(name: &str) -> Result<Cmd> {
    let this = std::env::current_exe().context("find the program that runs")?;
    Ok(cmd(this).arg(name).dir(sh::workspace_root()))
}

fn install_peers() -> Result<Finished> {
    let cannot = |error: anyhow::Error| {
        println!("{error:#}");
        Ok(Finished { outcome: Outcome::CannotRun(format!("{error:#}")), closing: String::new() })
    };
    // Without its peers the product can still be tested against itself: conformance says what it could not do.
    if let Err(error) = peers::install() {
        return cannot(error);
    }
    match peers::build_ostree_ext() {
        Ok(path) => Ok(Finished { outcome: Outcome::Passed, closing: path.display().to_string() }),
        Err(error) => cannot(error),
    }
}

fn clippy() -> Result<Finished> {
    tool("clippy-driver", &cargo(&["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]))
}

fn doc() -> Result<Finished> {
    runner(&cargo(&["doc", "--workspace", "--no-deps"]).env("RUSTDOCFLAGS", "-D warnings"), |_| String::new())
}

/// A runner that needs a program which not every toolchain brings.
fn tool(program: &str, command: &Cmd) -> Result<Finished> {
    if sh::which(program).is_none() || !cmd(program).arg("--version").succeeds() {
        let outcome = Outcome::CannotRun(format!("{program} is not installed"));
        return Ok(Finished { outcome, closing: String::new() });
    }
    runner(command, |_| String::new())
}

/// Runs `command` with its output passed on, and lets `close` find the closing line in it.
fn runner(command: &Cmd, close: fn(&[String]) -> String) -> Result<Finished> {
    let mut child =
        command.command().stdin(Stdio::null()).stdout(Stdio::piped()).spawn().with_context(|| command.line())?;
    let mut lines = Vec::new();
    let pipe = child.stdout.take().context("a pipe was asked for")?;
    for line in BufReader::new(pipe).split(b'\n') {
        let line = String::from_utf8_lossy(&line?).into_owned();
        writeln!(std::io::stdout(), "{line}")?;
        lines.push(line);
    }
    let status = child.wait()?;
    let outcome = if status.success() { Outcome::Passed } else { Outcome::Failed };
    Ok(Finished { outcome, closing: close(&lines) })
}

fn last_line(lines: &[String]) -> String {
    lines.iter().rev().find(|line| !line.trim().is_empty()).cloned().unwrap_or_default()
}

/// The sums over all `test result:` lines.
fn sum_of_tests(lines: &[String]) -> String {
    let (mut binaries, mut passed, mut failed, mut ignored) = (0, 0, 0, 0);
    for line in lines.iter().filter_map(|line| line.strip_prefix("test result: ")) {
        binaries += 1;
        let count = |word: &str| {
            let before = line.split(word).next().unwrap_or_default().trim_end();
            before.rsplit(' ').next().and_then(|number| number.parse::<u64>().ok()).unwrap_or(0)
        };
        passed += count("passed");
        failed += count("failed;");
        ignored += count("ignored");
    }
    format!("{passed} passed, {failed} failed, {ignored} ignored in {binaries} runs")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_summed_up() {
        let lines = [
            "running 3 tests",
            "test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s",
            "test result: FAILED. 40 passed; 2 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.01s",
        ];
        assert_eq!(sum_of_tests(&lines.map(String::from)), "42 passed, 2 failed, 1 ignored in 2 runs");
    }

    #[test]
    fn a_failed_step_fails_the_whole_and_a_step_that_cannot_run_does_not() {
        let result = |outcome| Report { step: "x", outcome, time: Duration::ZERO, closing: String::new() };
        assert!(conclude(&[result(Outcome::Passed), result(Outcome::CannotRun("why".into()))]).is_ok());
        assert!(conclude(&[result(Outcome::Passed), result(Outcome::Failed)]).is_err());
    }

    #[test]
    fn a_runner_passes_or_fails_as_its_program_does() {
        let bad = runner(&cmd("sh").args(["-c", "echo x; exit 1"]), last_line).unwrap();
        assert!(matches!(bad.outcome, Outcome::Failed) && bad.closing == "x");
    }
}
