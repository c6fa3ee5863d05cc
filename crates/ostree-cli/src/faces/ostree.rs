//! The command tree, exit codes and words of `ostree`.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser};

use crate::commands::repo;
use crate::context::Context;
use crate::exit::{self, UsageError};
use crate::usage;
use crate::version;

/// Manage repositories of file system trees
#[derive(Debug, Parser)]
#[command(name = "ostree", disable_help_subcommand = true, subcommand_help_heading = "Builtin Commands")]
struct Cli {
    #[command(flatten)]
    context: Context,
    /// Print version information and exit
    #[arg(long, global = true)]
    version: bool,
    #[command(subcommand)]
    command: Option<repo::Command>,
}

/// Commands of the original that are not here.
const LATER: [&str; 6] = ["admin", "create-usb", "find-remotes", "pull", "static-delta", "trivial-httpd"];

/// Every failure is exit code 1, as in the original.
const FAILURE: u8 = 1;

/// Runs `ostree ARGS`.
pub fn run(args: Vec<OsString>) -> ExitCode {
    let mut tree = Cli::command();
    let words: Vec<String> = args.iter().map(|word| word.to_string_lossy().into_owned()).collect();
    if words.iter().skip(1).take_while(|word| *word != "--").any(|word| word == "--version") {
        return finish(&mut tree, &words, crate::output::line(version::ostree().trim_end()));
    }
    if let Some(later) =
        words.iter().skip(1).find(|word| !word.starts_with('-')).filter(|word| LATER.contains(&word.as_str()))
    {
        exit::say(&format!("{later} is not supported yet"));
        return ExitCode::from(FAILURE);
    }
    let parsed = tree.try_get_matches_from_mut(args).and_then(|matches| Cli::from_arg_matches(&matches));
    match parsed {
        Ok(Cli { command: Some(command), context, .. }) => finish(&mut tree, &words, repo::run(&command, &context)),
        Ok(_) => finish(&mut tree, &words, Err(UsageError("No command specified".to_owned()).into())),
        Err(problem) if problem.kind() == ErrorKind::DisplayHelp => {
            // Help that nobody reads is no failure.
            let _ = problem.print();
            ExitCode::SUCCESS
        }
        Err(problem) => {
            let verb = verb(&tree, &words);
            if usage::shows_help(&problem) {
                help(&mut tree, verb.as_deref());
            }
            exit::say(&usage::words(&problem, verb.as_deref()));
            ExitCode::from(FAILURE)
        }
    }
}

fn finish(tree: &mut clap::Command, words: &[String], result: anyhow::Result<()>) -> ExitCode {
    let Err(problem) = result else { return ExitCode::SUCCESS };
    if problem.is::<UsageError>() {
        let verb = verb(tree, words);
        help(tree, verb.as_deref());
    }
    exit::report(&problem, FAILURE)
}

/// The command among the arguments, if there is one.
fn verb(tree: &clap::Command, words: &[String]) -> Option<String> {
    words.iter().skip(1).find(|word| tree.find_subcommand(word).is_some()).cloned()
}

/// Prints the help of the command, or of the program, to standard error.
fn help(tree: &mut clap::Command, verb: Option<&str>) {
    let name = tree.get_name().to_owned();
    let mut subject = match verb.and_then(|verb| tree.find_subcommand_mut(verb)) {
        Some(command) => command.clone().bin_name(format!("{name} {}", command.get_name())),
        None => tree.clone(),
    };
    let text = subject.render_help();
    // There is no other place to tell that standard error is gone.
    let _ = writeln!(io::stderr(), "{text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tree_is_sound() {
        Cli::command().debug_assert();
    }
}
