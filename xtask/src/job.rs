//! The main job as a list of command lines: commit, encapsulate, bring back, check, compare.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};

use crate::sh::Cmd;

/// The ref that the job writes on both sides.
pub const REF: &str = "demo/tree";

/// Where the job works and how its binary is called. Paths are as the binary sees them.
pub struct Job<'a> {
    /// The binary without arguments; a `chroot` may stand before it.
    pub binary: &'a dyn Fn() -> Cmd,
    /// A folder for the two repositories and the image.
    pub work: PathBuf,
    /// The tree to commit.
    pub tree: PathBuf,
    /// The repositories' mode.
    pub mode: &'a str,
    /// More options for `repo commit`.
    pub commit_options: Vec<String>,
}

/// One step of the job that went well.
pub struct Step {
    /// What was done, in a word or two.
    pub title: &'static str,
    /// How long it took.
    pub time: Duration,
}

/// A job that went well.
pub struct Done {
    /// Its steps in order.
    pub steps: Vec<Step>,
    /// The commit, the same on both sides.
    pub commit: String,
}

/// What a step runs: its title and the arguments.
type Line = (&'static str, Vec<String>);

impl Job<'_> {
    /// The repository that the tree is committed to.
    pub fn source(&self) -> PathBuf {
        self.work.join("source-repo")
    }

    /// The repository that the image is brought back into.
    pub fn target(&self) -> PathBuf {
        self.work.join("target-repo")
    }

    /// The image's directory.
    pub fn image(&self) -> PathBuf {
        self.work.join("image")
    }

    /// The command lines in order, as one would type them.
    pub fn lines(&self) -> Vec<Line> {
        let source = format!("--repo={}", self.source().display());
        let target = format!("--repo={}", self.target().display());
        let image = format!("oci:{}:latest", self.image().display());
        let mode = format!("--mode={}", self.mode);
        let tree = format!("--tree=dir={}", self.tree.display());
        let import = format!("ostree-unverified-image:{image}");
        let line = |title, words: &[&str]| (title, words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>());
        let mut commit = line("commit", &["repo", "commit", &source, "-b", REF, "-s", "a tree of this host", &tree]);
        commit.1.extend(self.commit_options.iter().cloned());
        vec![
            line("init", &["repo", "init", &source, &mode]),
            commit,
            line("encapsulate", &["encapsulate", &source, REF, &image]),
            line("info", &["info", &image]),
            line("init", &["repo", "init", &target, &mode]),
            line("unencapsulate", &["unencapsulate", &target, "--write-ref", REF, &import]),
            line("check source", &["repo", "fsck", &source]),
            line("check target", &["repo", "fsck", &target]),
        ]
    }

    /// Does it all, step by step.
    ///
    /// # Errors
    /// A step fails, or the two sides do not hold the same commit.
    pub fn run(&self) -> Result<Done> {
        let mut steps = Vec::new();
        for (title, args) in self.lines() {
            let begin = Instant::now();
            (self.binary)().args(&args).read().with_context(|| title.to_owned())?;
            steps.push(Step { title, time: begin.elapsed() });
        }
        let commit = self.commit_in(self.source())?;
        let came_back = self.commit_in(self.target())?;
        ensure!(commit == came_back, "{commit} was sent, {came_back} came back");
        Ok(Done { steps, commit })
    }

    fn commit_in(&self, repo: PathBuf) -> Result<String> {
        let repo = format!("--repo={}", repo.display());
        let id = (self.binary)().args(["repo", "rev-parse", &repo, REF]).read()?;
        ensure!(id.len() == 64 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "rev-parse printed {id:?}");
        Ok(id)
    }
}
