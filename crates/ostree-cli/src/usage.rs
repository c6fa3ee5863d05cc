//! Usage errors in the words of `ostree`.

use clap::error::{ContextKind, ContextValue, ErrorKind};

/// Whether the original shows the help of the command along with the error.
pub fn shows_help(problem: &clap::Error) -> bool {
    matches!(
        problem.kind(),
        ErrorKind::MissingRequiredArgument
            | ErrorKind::InvalidSubcommand
            | ErrorKind::MissingSubcommand
            | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
    )
}

/// What to say about a command line that cannot be understood; `verb` is the command, if there is one.
pub fn words(problem: &clap::Error, verb: Option<&str>) -> String {
    let argument = text(problem, ContextKind::InvalidArg);
    match problem.kind() {
        ErrorKind::MissingRequiredArgument => missing_operand(verb, &argument).to_owned(),
        ErrorKind::InvalidSubcommand if verb == Some("remote") => {
            format!("Unknown \"remote\" subcommand '{}'", text(problem, ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand | ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand
            if verb == Some("remote") =>
        {
            "No \"remote\" subcommand specified".to_owned()
        }
        ErrorKind::InvalidSubcommand => {
            format!("Unknown command '{}'", text(problem, ContextKind::InvalidSubcommand))
        }
        ErrorKind::MissingSubcommand => "No command specified".to_owned(),
        ErrorKind::UnknownArgument if argument.starts_with('-') => format!("Unknown option {argument}"),
        ErrorKind::UnknownArgument => format!("Unexpected argument {argument}"),
        ErrorKind::InvalidValue | ErrorKind::TooFewValues if text(problem, ContextKind::InvalidValue).is_empty() => {
            format!("Missing argument for {}", option_name(&argument))
        }
        ErrorKind::TooManyValues => format!("Option {} takes no argument", option_name(&argument)),
        ErrorKind::ValueValidation => validation(problem, &argument),
        _ => {
            let whole = problem.to_string();
            let first = whole.lines().next().unwrap_or_default();
            first.strip_prefix("error: ").unwrap_or(first).to_owned()
        }
    }
}

fn validation(problem: &clap::Error, argument: &str) -> String {
    let value = text(problem, ContextKind::InvalidValue);
    let cause = std::error::Error::source(problem).map(ToString::to_string).unwrap_or_default();
    if cause.contains("digit") || cause.contains("number too") || cause.contains("integer") {
        format!("Cannot parse integer value “{value}” for {}", option_name(argument))
    } else {
        cause
    }
}

/// `--opt <VALUE>` as `--opt`; of `-o, --opt` the part that was meant.
fn option_name(argument: &str) -> &str {
    argument.split([' ', '=']).next().unwrap_or(argument)
}

fn text(problem: &clap::Error, kind: ContextKind) -> String {
    match problem.get(kind) {
        Some(ContextValue::String(text)) => text.clone(),
        Some(ContextValue::Strings(texts)) => texts.first().cloned().unwrap_or_default(),
        _ => String::new(),
    }
}

fn missing_operand(verb: Option<&str>, argument: &str) -> &'static str {
    match verb.unwrap_or_default() {
        "log" => "A rev argument is required",
        "show" => "An object argument is required",
        "ls" => "An COMMIT argument is required",
        "cat" => "A COMMIT and at least one PATH argument are required",
        "checkout" => "COMMIT must be specified",
        "rev-parse" | "diff" => "REV must be specified",
        "reset" => "A REF and COMMIT argument is required",
        "config" => "OPERATION must be specified",
        "checksum" => "A filename must be given",
        "pull-local" => "DESTINATION must be specified",
        "export" => "A COMMIT argument is required",
        "remote" if argument.contains("URL") => "NAME and URL must be specified",
        "remote" => "NAME must be specified",
        _ => "An argument is missing",
    }
}
