//! Exit codes and the last words of a run that failed.

use std::error::Error;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;

use oci_image::ImageError;
use oci_registry::RegistryError;
use ostree_core::{ObjectError, StoreError};
use ostree_repo::RepoError;

use crate::output::OutputClosed;

/// The exit codes, for `--help`.
pub const CODES: &str = "Exit codes: 0 done; 1 failed, refused, or does not fit; 2 the command line makes no sense; \
    3 stopped by --max-bytes.";

/// The code that a shell shows for a program ended by a closed pipe.
const CLOSED_PIPE: u8 = 141;

/// The request itself makes no sense. Carries what the user should be told; help is shown with it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct UsageError(pub String);

/// Prints help, a version or a usage error where clap wants it, and gives clap's exit code.
pub fn clap_words(problem: &clap::Error) -> ExitCode {
    // A closed stream leaves nothing to say it to.
    let _ = problem.print();
    ExitCode::from(u8::from(problem.use_stderr()) * 2)
}

/// Tells the user why the run failed, unless nobody reads any more, and gives the exit code.
pub fn report(problem: &anyhow::Error, code: u8) -> ExitCode {
    if problem.chain().any(is_closed_output) {
        return ExitCode::from(CLOSED_PIPE);
    }
    say(&message(problem));
    ExitCode::from(code)
}

/// The exit code of a failed run: 2 for a command line that makes no sense, 3 when as many bytes were fetched as may be,
/// 1 for everything else.
pub fn code(problem: &anyhow::Error) -> u8 {
    if problem.is::<UsageError>() {
        return 2;
    }
    let spent = |cause: &(dyn Error + 'static)| {
        let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        let inner = inner.and_then(|inner| inner.downcast_ref::<ImageError>()).and_then(Error::source);
        let found = cause.downcast_ref().or_else(|| inner.and_then(|inner| inner.downcast_ref()));
        matches!(found, Some(RegistryError::BudgetSpent { .. }))
    };
    if problem.chain().any(spent) { 3 } else { 1 }
}

/// Writes `error: MESSAGE` to standard error, coloured on a terminal.
pub fn say(message: &str) {
    let mut stderr = io::stderr().lock();
    let (start, end) = if stderr.is_terminal() { ("\x1b[31m\x1b[1m", "\x1b[22m\x1b[0m") } else { ("", "") };
    // There is no other place to tell that standard error is gone.
    let _ = writeln!(stderr, "{start}error: {end}{message}");
}

/// Writes `warning: MESSAGE` to standard error.
pub fn warn(message: &str) {
    let _ = writeln!(io::stderr().lock(), "warning: {message}");
}

fn is_closed_output(cause: &(dyn Error + 'static)) -> bool {
    let inner = cause.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
    cause.is::<OutputClosed>() || inner.is_some_and(|inner| inner.is::<OutputClosed>())
}

/// The whole chain of causes on one line, without Rust's error numbers and without a cause that its parent quotes.
pub fn message(problem: &anyhow::Error) -> String {
    let mut parts: Vec<String> = Vec::new();
    for cause in problem.chain() {
        let text = words(cause);
        if parts.last().is_none_or(|last| !last.ends_with(&text)) {
            parts.push(text);
        }
    }
    parts.join(": ")
}

fn words(cause: &(dyn Error + 'static)) -> String {
    // The reference program says the reason alone.
    if let Some(ObjectError::Invalid { what: "ref name" | "refspec" | "remote name" | "tree", reason }) =
        object_error(cause)
    {
        return reason.clone();
    }
    let text = cause.to_string();
    match text.rsplit_once(" (os error ") {
        Some((words, number)) if number.trim_end_matches(')').bytes().all(|byte| byte.is_ascii_digit()) => {
            words.to_owned()
        }
        _ => text,
    }
}

/// The object error that `cause` is or stands for.
fn object_error<'a>(cause: &'a (dyn Error + 'static)) -> Option<&'a ObjectError> {
    if let Some(RepoError::Store(StoreError::Invalid(inner))) = cause.downcast_ref() {
        return Some(inner);
    }
    match cause.downcast_ref() {
        Some(StoreError::Invalid(inner)) => Some(inner),
        _ => cause.downcast_ref(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anyhow::Context;

    #[test]
    fn the_chain_is_one_line_without_repetition() {
        let inner: io::Result<()> = Err(io::Error::from_raw_os_error(2));
        let problem = inner.context("opening /x").context("opening repo").unwrap_err();
        assert_eq!(message(&problem), "opening repo: opening /x: No such file or directory");
        let quoted = anyhow::anyhow!("a").context("b: a");
        assert_eq!(message(&quoted), "b: a");
    }

    #[test]
    fn closed_output_is_found_anywhere_in_the_chain() {
        let problem = anyhow::Error::from(io::Error::new(io::ErrorKind::BrokenPipe, OutputClosed)).context("x");
        assert!(problem.chain().any(is_closed_output));
        let other = anyhow::Error::from(io::Error::from(io::ErrorKind::BrokenPipe));
        assert!(!other.chain().any(is_closed_output));
    }
}
