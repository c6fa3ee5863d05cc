//! Running programs: captured or passed through, with errors that say which, how it ended and what it said.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use anyhow::{Context, Result, bail};

/// How much of a failed program's stderr an error repeats.
const TAIL_LINES: usize = 25;

/// What a program that has ended left behind.
#[derive(Debug)]
pub struct Output {
    /// How it ended.
    pub status: ExitStatus,
    /// Its standard output, as it came.
    pub stdout: Vec<u8>,
    /// Its standard error, as it came.
    pub stderr: Vec<u8>,
}

impl Output {
    /// Standard output as text without the trailing line end.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.stdout).trim_end_matches('\n').to_owned()
    }

    /// The last lines of standard error.
    pub fn error_tail(&self) -> String {
        tail(&self.stderr)
    }
}

/// A program with its arguments, environment and directory.
#[derive(Debug, Clone)]
pub struct Cmd {
    program: OsString,
    args: Vec<OsString>,
    env: Vec<(OsString, Option<OsString>)>,
    dir: Option<PathBuf>,
}

/// A program by name or path, with no arguments yet.
pub fn cmd(program: impl AsRef<OsStr>) -> Cmd {
    Cmd { program: program.as_ref().to_owned(), args: Vec::new(), env: Vec::new(), dir: None }
}

impl Cmd {
    /// Adds one argument.
    pub fn arg(mut self, arg: impl AsRef<OsStr>) -> Self {
        self.args.push(arg.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, args: I) -> Self {
        self.args.extend(args.into_iter().map(|arg| arg.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    pub fn env(mut self, key: impl AsRef<OsStr>, value: impl AsRef<OsStr>) -> Self {
        self.env.push((key.as_ref().to_owned(), Some(value.as_ref().to_owned())));
        self
    }

    /// Removes an environment variable.
    pub fn env_remove(mut self, key: impl AsRef<OsStr>) -> Self {
        self.env.push((key.as_ref().to_owned(), None));
        self
    }

    /// Runs in `dir`.
    pub fn dir(mut self, dir: impl AsRef<Path>) -> Self {
        self.dir = Some(dir.as_ref().to_owned());
        self
    }

    /// Runs with stdin closed and both outputs captured; a bad exit is not an error here.
    ///
    /// # Errors
    /// The program cannot be started.
    pub fn output(&self) -> Result<Output> {
        let out = self.command().stdin(Stdio::null()).output().with_context(|| self.cannot_start())?;
        Ok(Output { status: out.status, stdout: out.stdout, stderr: out.stderr })
    }

    /// Runs captured and returns stdout as text without the trailing line end.
    ///
    /// # Errors
    /// The program cannot be started or ends badly: its arguments, status and last words are in the message.
    pub fn read(&self) -> Result<String> {
        let out = self.output()?;
        if !out.status.success() {
            bail!("{}", self.failure(out.status, &out.error_tail()));
        }
        Ok(out.text())
    }

    /// Runs with both outputs passed through to the terminal.
    ///
    /// # Errors
    /// The program cannot be started or ends badly.
    pub fn run(&self) -> Result<()> {
        let status = self.command().stdin(Stdio::null()).status().with_context(|| self.cannot_start())?;
        if !status.success() {
            bail!("{}", self.failure(status, ""));
        }
        Ok(())
    }

    /// Whether the program can be started and ends well; its outputs are swallowed.
    pub fn succeeds(&self) -> bool {
        self.output().is_ok_and(|out| out.status.success())
    }

    /// The standard library's command for it, for callers with pipes of their own.
    pub fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command.args(&self.args);
        for (key, value) in &self.env {
            match value {
                Some(value) => command.env(key, value),
                None => command.env_remove(key),
            };
        }
        if let Some(dir) = &self.dir {
            command.current_dir(dir);
        }
        command
    }

    /// The program and its arguments, for a program that runs another.
    pub fn words(&self) -> impl Iterator<Item = &OsString> {
        std::iter::once(&self.program).chain(&self.args)
    }

    /// The command line as one would type it.
    pub fn line(&self) -> String {
        self.words().map(|word| quoted(&word.to_string_lossy())).collect::<Vec<_>>().join(" ")
    }

    fn cannot_start(&self) -> String {
        format!("cannot start `{}`", self.line())
    }

    fn failure(&self, status: ExitStatus, said: &str) -> String {
        let mut text = format!("`{}` ended with {status}", self.line());
        if !said.is_empty() {
            text.push_str(":\n");
            text.push_str(said);
        }
        text
    }
}

/// Where `program` is on `PATH`, or `None`.
pub fn which(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    // Debian keeps some peers in sbin, which is not on an ordinary user's PATH.
    let extra = ["/usr/sbin", "/sbin"].map(PathBuf::from);
    std::env::split_paths(&path).chain(extra).map(|dir| dir.join(program)).find(|file| is_executable(file))
}

/// The top of the workspace.
pub fn workspace_root() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest).to_owned()
}

/// Cargo's target directory: `CARGO_TARGET_DIR`, or `target` in the workspace.
pub fn target_dir() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(dir) => workspace_root().join(dir),
        None => workspace_root().join("target"),
    }
}

/// An empty directory `target/xtask/NAME`, made anew: what an earlier run left there is gone.
///
/// # Errors
/// The old one cannot be removed or the new one not be made.
pub fn fresh_dir(name: &str) -> Result<PathBuf> {
    let dir = target_dir().join("xtask").join(name);
    remove_tree(&dir)?;
    std::fs::create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
    Ok(dir)
}

/// Removes a tree if it is there, also one with directories that lack write permission.
///
/// # Errors
/// Something in it cannot be removed.
pub fn remove_tree(dir: &Path) -> Result<()> {
    if dir.symlink_metadata().is_err() {
        return Ok(());
    }
    if std::fs::remove_dir_all(dir).is_ok() {
        return Ok(());
    }
    cmd("chmod").args(["-R", "u+rwX"]).arg(dir).output()?;
    std::fs::remove_dir_all(dir).with_context(|| format!("remove {}", dir.display()))
}

fn is_executable(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    file.metadata().is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

fn tail(bytes: &[u8]) -> String {
    let text = String::from_utf8_lossy(bytes);
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(TAIL_LINES)..].join("\n")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,+@%^".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_names_the_program_its_arguments_its_status_and_its_last_words() {
        let error = cmd("sh").args(["-c", "echo why >&2; exit 3"]).read().unwrap_err().to_string();
        assert_eq!(error, "`sh -c 'echo why >&2; exit 3'` ended with exit status: 3:\nwhy");
    }

    #[test]
    fn output_is_text_without_its_line_end() {
        assert_eq!(cmd("printf").arg("a\nb\n").read().unwrap(), "a\nb");
    }

    #[test]
    fn which_finds_what_is_there_only() {
        assert!(which("sh").is_some());
        assert!(which("no-such-program-anywhere").is_none());
    }
}
