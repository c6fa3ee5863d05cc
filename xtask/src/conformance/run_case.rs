//! Runs one pairing of one case in a directory of its own and keeps what each step left.

use super::case::{Case, Demand, Expect, LockKind, Look, Pairing, Role, Step};
use super::compare::{Record, Transcript};
use super::subject::Subject;
use super::{oci_walk, repo_walk, sample, tree_walk};
use crate::sh::{self, Cmd, Output};
use anyhow::{Context, Result, bail, ensure};
use rustix::fs::{FlockOperation, fcntl_lock};
use std::fs::File;
use std::path::{Path, PathBuf};

/// Shell functions every command of a case may use.
const PRELUDE: &str = concat!(
    include_str!("cases/prelude.sh"),
    "\n",
    include_str!("cases/layers.sh"),
    "\n",
    include_str!("cases/registry.sh"),
    "\n",
    include_str!("cases/settings.sh"),
    "\n",
    include_str!("cases/sign.sh"),
    "\n",
    include_str!("cases/storage.sh"),
    "\n",
    include_str!("cases/trust.sh")
);

/// Longest time one command may take, in seconds.
const QUICK_SECONDS: u32 = 60;
const SLOW_SECONDS: u32 = 1800;

/// One run: a case, who plays which role, and where.
pub struct Run<'a> {
    /// The case.
    pub case: &'a Case,
    /// The program that writes.
    pub writer: &'a Subject,
    /// The program that reads.
    pub reader: &'a Subject,
    /// The run's own directory, which exists and is empty.
    pub dir: PathBuf,
}

/// What one step leaves for the next ones: the last output, and a lock held.
#[derive(Default)]
struct Last {
    stdout: String,
    stderr: String,
    lock: Option<File>,
}

impl Run<'_> {
    /// Runs every step.
    ///
    /// # Errors
    /// The first step that does not do what the case demands of it, with its line and outputs.
    pub fn execute(&self) -> Result<Transcript> {
        let mut transcript = Transcript::new();
        let mut last = Last::default();
        for (line, step) in &self.case.steps {
            let label = format!("  line {line}: {}", step_text(step));
            let record = self.step(step, &mut last).with_context(|| label.clone())?;
            transcript.extend(record.map(|text| Record { label, text }));
        }
        Ok(transcript)
    }

    fn step(&self, step: &Step, last: &mut Last) -> Result<Option<String>> {
        match step {
            Step::Sample { name, dir } => sample::make(name, &self.dir.join(dir)).map(|()| None),
            Step::Noise { path, length } => sample::write_noise(&self.dir.join(path), *length).map(|()| None),
            Step::Xattr { path, name, hex } => sample::set_xattr(&self.dir.join(path), name, hex).map(|()| None),
            Step::Lock { repo, kind } => {
                last.lock = None;
                last.lock = kind.map(|kind| lock(&self.dir.join(repo).join(".lock"), kind)).transpose()?;
                Ok(None)
            }
            Step::Run { role, demand, command } => self.command(*role, *demand, command, last),
            Step::Look(look) => {
                last.stdout = self.look(look)?;
                Ok(Some(last.stdout.clone()))
            }
            Step::Expect(expect) => check(expect, last).map(|()| None),
        }
    }

    fn command(&self, role: Role, demand: Demand, command: &str, last: &mut Last) -> Result<Option<String>> {
        let output = self.shell(role, command).output()?;
        last.stdout = self.normal(&output.stdout);
        last.stderr = self.normal(&output.stderr);
        let code = output.status.code().context("the shell was killed by a signal")?;
        ensure!(code != 124, "took too long");
        judge(demand, code, last)?;
        Ok(match (role, demand) {
            (Role::Neutral, _) => None,
            (_, Demand::Succeed) => Some(last.stdout.clone()),
            (_, Demand::SucceedQuietly) => Some(String::new()),
            (_, Demand::FailAlike) => Some(format!("exit {code}\n{}\n", error_lines(&last.stderr).join("\n"))),
            (_, Demand::Fail | Demand::Any) => Some(format!("exit {code}\n")),
        })
    }

    fn look(&self, look: &Look) -> Result<String> {
        let at = |name: &String| self.dir.join(name);
        match look {
            Look::Objects { repo, mtime } => repo_walk::objects(&at(repo), *mtime),
            Look::Refs(repo) => repo_walk::refs(&at(repo)),
            Look::Skeleton(repo) => repo_walk::skeleton(&at(repo)),
            Look::Tree { dir, mtime } => tree_walk::describe(&at(dir), *mtime),
            Look::Links { dir, repo } => tree_walk::links(&at(dir), &at(repo)),
            Look::Oci(dir) => oci_walk::describe(&at(dir)),
            Look::File(path) => {
                let bytes = std::fs::read(at(path)).with_context(|| format!("reading {path}"))?;
                Ok(self.normal(&bytes))
            }
            Look::Shell(command) => {
                let Output { status, stdout, stderr } = self.shell(Role::Neutral, command).output()?;
                ensure!(status.success(), "ended with {status}: {}{}", self.normal(&stdout), self.normal(&stderr));
                Ok(self.normal(&stdout))
            }
        }
    }

    /// A command line for `bash` in the run's directory, with the role's program first in `PATH`.
    fn shell(&self, role: Role, command: &str) -> Cmd {
        let subject = match role {
            Role::Writer => Some(self.writer),
            Role::Reader => Some(self.reader),
            Role::Neutral => None,
        };
        let system = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
        let path = subject.map_or(system.to_owned(), |subject| format!("{}:{system}", subject.bin.display()));
        let seconds = if self.case.slow { SLOW_SECONDS } else { QUICK_SECONDS };
        let script = format!("set -o pipefail\numask 022\n{PRELUDE}\n{command}\n");
        let mut cmd = sh::cmd("timeout").args(["-k", "5", &seconds.to_string(), "bash", "--norc", "-c", &script]);
        for variable in ["OSTREE_REPO", "RUST_LOG", "G_MESSAGES_DEBUG", "REGISTRY_AUTH_FILE"] {
            cmd = cmd.env_remove(variable);
        }
        for (key, value) in &self.case.variables {
            cmd = cmd.env(key, value);
        }
        cmd.env("PATH", path)
            .env("HOME", &self.dir)
            .env("LC_ALL", "C.UTF-8")
            .env("TZ", "UTC")
            .env("XTASK", std::env::current_exe().unwrap_or_default())
            .env("CACHE", sh::target_dir().join("xtask/conformance-cache"))
            .env("SOURCE_DATE_EPOCH", "1700000000")
            .env("SUBJECT", subject.map_or("system", |subject| subject.name.as_str()))
            .dir(&self.dir)
    }

    /// Output as text, with the run's directory written as `$PWD` and without progress lines.
    fn normal(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8_lossy(bytes).replace(&*self.dir.to_string_lossy(), "$PWD");
        let kept = text.lines().filter(|line| !line.starts_with("fsck objects ("));
        kept.map(|line| format!("{}\n", escape(line))).collect()
    }
}

/// Control characters other than tabs would garble the report.
fn escape(line: &str) -> String {
    line.chars()
        .map(|c| if c.is_control() && c != '\t' { c.escape_default().to_string() } else { c.to_string() })
        .collect()
}

fn error_lines(stderr: &str) -> Vec<&str> {
    stderr.lines().filter(|line| line.starts_with("error: ")).collect()
}

fn judge(demand: Demand, code: i32, last: &Last) -> Result<()> {
    let said = || format!("\n  stdout: {}\n  stderr: {}", last.stdout.trim_end(), last.stderr.trim_end());
    match demand {
        Demand::Succeed | Demand::SucceedQuietly => ensure!(code == 0, "exit code {code}{}", said()),
        Demand::FailAlike | Demand::Fail => {
            ensure!(code != 0, "did not fail{}", said());
            ensure!(code <= 2, "exit code {code} is no orderly failure{}", said());
            let errors = error_lines(&last.stderr).len();
            ensure!(errors == 1, "{errors} error lines instead of one{}", said());
        }
        Demand::Any => {}
    }
    Ok(())
}

fn check(expect: &Expect, last: &Last) -> Result<()> {
    let (met, shown) = match expect {
        Expect::Contains(text) => (last.stdout.contains(text), &last.stdout),
        Expect::Lacks(text) => (!last.stdout.contains(text), &last.stdout),
        Expect::Equals(text) => (last.stdout.trim() == text, &last.stdout),
        Expect::ErrorContains(text) => (last.stderr.contains(text), &last.stderr),
    };
    if !met {
        bail!("demand not met by:\n{}", shown.trim_end());
    }
    Ok(())
}

/// A step as the report names it.
fn step_text(step: &Step) -> String {
    match step {
        Step::Run { role, command, .. } => {
            let who = match role {
                Role::Writer => "writer",
                Role::Reader => "reader",
                Role::Neutral => "$",
            };
            format!("{who} {command}")
        }
        Step::Sample { name, dir } => format!("sample {name} {dir}"),
        Step::Noise { path, length } => format!("noise {path} {length}"),
        Step::Lock { repo, kind } => format!("lock {repo}: {kind:?}"),
        Step::Xattr { path, name, .. } => format!("xattr {path} {name}"),
        Step::Look(look) => format!("look {look:?}"),
        Step::Expect(expect) => format!("expect {expect:?}"),
    }
}

/// Takes a record lock on a repository's lock file, which conflicts with the description locks both programs take;
/// closing the file lets it go.
fn lock(path: &Path, kind: LockKind) -> Result<File> {
    let file =
        File::options().read(true).write(true).open(path).with_context(|| format!("opening {}", path.display()))?;
    let operation = match kind {
        LockKind::Shared => FlockOperation::NonBlockingLockShared,
        LockKind::Exclusive => FlockOperation::NonBlockingLockExclusive,
    };
    fcntl_lock(&file, operation).with_context(|| format!("locking {}", path.display()))?;
    Ok(file)
}

/// Makes an empty directory for a run.
///
/// # Errors
/// It cannot be made.
pub fn fresh_dir(scratch: &Path, number: usize, pairing: Pairing) -> Result<PathBuf> {
    let dir = scratch.join(format!("{number:04}-{}", pairing.word()));
    std::fs::create_dir_all(&dir).with_context(|| format!("making {}", dir.display()))?;
    Ok(dir)
}
