//! The command line of `cargo xtask conformance`.

use anyhow::{Context, Result, bail};
use std::path::PathBuf;

/// What `--help` prints.
pub const HELP: &str = "\
cargo xtask conformance [OPTIONS]

Runs every case first with the real programs alone (the case must hold for them), then with ours alone, with ours
writing for the real ones, and with the real ones writing for ours. Exits 1 when any run or case fails.

  --only TEXT      only cases whose name contains TEXT (may be given again)
  --list           print the names of the cases and stop
  --slow           also the cases on a real operating system tree
  --jobs N         run N cases at once (default: the number of processors)
  --keep           keep the directories the cases worked in
  --scratch DIR    work below DIR (default: /dev/shm, or the target directory where that is small or lacks attributes)
  --subject PATH   the binary to judge (default: build ours); the real `ostree` here checks the suite itself
  --reference-only run the real programs alone, to see that the cases are sound
  --profile NAME   the cargo profile to build ours with (default: fast)";

/// The options as given.
#[derive(Debug, Default)]
pub struct Options {
    /// Substrings of case names; all when empty.
    pub only: Vec<String>,
    /// Print names only.
    pub list: bool,
    /// Also slow cases.
    pub slow: bool,
    /// Cases at once; 0 for one per processor.
    pub jobs: usize,
    /// Keep the working directories.
    pub keep: bool,
    /// Print the help.
    pub help: bool,
    /// Run no subject at all.
    pub reference_only: bool,
    /// Where to work.
    pub scratch: Option<PathBuf>,
    /// The binary to judge.
    pub subject: Option<PathBuf>,
}

impl Options {
    /// Reads the arguments.
    ///
    /// # Errors
    /// An option that is not known or lacks its value.
    pub fn parse(args: &[String]) -> Result<Self> {
        let mut options = Self::default();
        let mut args = args.iter();
        while let Some(arg) = args.next() {
            let (name, inline) = arg.split_once('=').map_or((arg.as_str(), None), |(name, value)| (name, Some(value)));
            let mut value = || {
                inline
                    .map(str::to_owned)
                    .or_else(|| args.next().cloned())
                    .with_context(|| format!("{name} needs a value"))
            };
            match name {
                "--only" => options.only.push(value()?),
                "--jobs" | "-j" => options.jobs = value()?.parse().context("--jobs needs a number")?,
                "--scratch" => options.scratch = Some(value()?.into()),
                "--subject" => options.subject = Some(value()?.into()),
                "--list" => options.list = true,
                "--slow" => options.slow = true,
                "--keep" => options.keep = true,
                "--reference-only" => options.reference_only = true,
                "--help" | "-h" => options.help = true,
                _ => bail!("unknown option {arg} (see --help)"),
            }
        }
        Ok(options)
    }

    /// Whether a case of this name is asked for.
    pub fn wants(&self, name: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|part| name.contains(part.as_str()))
    }
}
