//! Tidy: the house rules as checks over the sources, each rule in its own file.

mod arrows;
mod compiled_c;
mod docs;
mod imports;
mod mask;
mod modules;
mod panics;
mod problem;
mod rings;
mod sizes;
mod source;
mod table;
mod texts;
mod unsafety;
mod wire_strings;
mod workspace;

use anyhow::{Result, bail};

use crate::sh;
use problem::Problem;
use workspace::Workspace;

const USAGE: &str = "\
cargo xtask tidy [RULE...]

Checks the house rules over all sources and prints PATH:LINE: RULE: MESSAGE for each finding.
Rules: arrows compiled_c docs panics rings sizes texts unsafety wire_strings (all without arguments).";

type Rule = fn(&Workspace) -> Vec<Problem>;

const RULES: &[(&str, Rule)] = &[
    ("arrows", arrows::check),
    ("compiled_c", compiled_c::check),
    ("docs", docs::check),
    ("panics", panics::check),
    ("rings", rings::check),
    ("sizes", sizes::check),
    ("texts", texts::check),
    ("unsafety", unsafety::check),
    ("wire_strings", wire_strings::check),
];

/// Runs the rules named by `args`, or all.
///
/// # Errors
/// There are findings (all printed before), or an unknown rule is named.
pub fn run(args: &[String]) -> Result<()> {
    if args.iter().any(|arg| arg == "--help" || arg == "-h") {
        println!("{USAGE}");
        return Ok(());
    }
    if let Some(unknown) = args.iter().find(|arg| !RULES.iter().any(|(name, _)| name == arg)) {
        bail!("no rule is called {unknown:?}; see `cargo xtask tidy --help`");
    }
    let workspace = workspace::load(&sh::workspace_root())?;
    let problems = findings(&workspace, args);
    for problem in &problems {
        println!("{problem}");
    }
    let files: usize = workspace.packages.iter().map(|package| package.sources.len()).sum();
    println!("tidy: {} findings in {files} files", problems.len());
    if !problems.is_empty() {
        bail!("the sources are not tidy");
    }
    Ok(())
}

fn findings(workspace: &Workspace, wanted: &[String]) -> Vec<Problem> {
    let chosen = RULES.iter().filter(|(name, _)| wanted.is_empty() || wanted.iter().any(|wanted| wanted == name));
    let mut problems: Vec<Problem> = chosen.flat_map(|(_, check)| check(workspace)).collect();
    problems.sort();
    problems
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_workspace_is_tidy() {
        let workspace = workspace::load(&sh::workspace_root()).unwrap();
        let problems: Vec<String> = findings(&workspace, &[]).iter().map(ToString::to_string).collect();
        assert!(problems.is_empty(), "{}", problems.join("\n"));
    }
}
