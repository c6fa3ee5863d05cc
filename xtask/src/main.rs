//! The project's chores: one line a chore, each in its own file.

mod bench;
mod binary;
mod conformance;
mod demo;
mod dist;
mod job;
mod peers;
mod pick;
mod sh;
mod test;
mod tidy;
mod units;

use std::process::ExitCode;

const USAGE: &str = "\
cargo xtask CHORE [ARGUMENTS]        (every chore takes --help)

  demo         commit a real tree, encapsulate it, pull it back, check both sides
  test         everything a change must pass: peers, tests, tidy, conformance
  conformance  the same work by the real programs and by ours, compared
  bench        ours and the peers in turns on a real OS tree: times, ratios, memory
  dist         the static musl binary, tried in an empty root
  tidy         arrows, rings, sizes, docs, panics, wire strings
  peers        install and build the programs that the others compare with

OSTREE_CONTAINER_BIN names a binary to use instead of building one, OSTREE_EXT_CLI a peer built elsewhere.";

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("xtask: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn dispatch(args: &[String]) -> anyhow::Result<()> {
    let Some((chore, rest)) = args.split_first() else {
        println!("{USAGE}");
        return Ok(());
    };
    match chore.as_str() {
        "bench" => bench::run(rest),
        "broken-way" => conformance::broken_way::run(rest),
        "conformance" => conformance::run(rest),
        "demo" => demo::run(rest),
        "dist" => dist::run(rest),
        "layer-tar" => conformance::layer_tar::run(rest),
        "peers" => peers::run(rest),
        "test" => test::run(rest),
        "tidy" => tidy::run(rest),
        "token-server" => conformance::token_server::run(rest),
        "help" | "--help" | "-h" => {
            println!("{USAGE}");
            Ok(())
        }
        other => anyhow::bail!("no chore is called {other:?}; `cargo xtask --help` lists them"),
    }
}
