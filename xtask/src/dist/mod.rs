//! Dist: the static binary, proven to be one and to do the whole job where nothing else is.

mod elf;
mod empty_root;
mod toolchain;
mod trust;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::{sh, units};
use toolchain::Toolchain;

const USAGE: &str = "\
cargo xtask dist [--target TRIPLE]... [--no-run]

Builds ostree-container statically for x86_64-unknown-linux-musl (and for aarch64 where rustup has that target),
checks that it is static, and lets it do the whole job in an empty root. The result goes to target/dist.
Without rustup's target it builds the standard library from Debian's rust-web-src, with zig as C compiler.
  --target TRIPLE  only this one (may be repeated)
  --no-run         do not try it in an empty root
  --try FILE       build nothing: check and try this binary";

/// Beyond this the binary is too large for rescue systems; a sixth of it are the signatures.
const MAX_SIZE: u64 = 18 << 20;

const X86_64: &str = "x86_64-unknown-linux-musl";
const AARCH64: &str = "aarch64-unknown-linux-musl";

struct Options {
    targets: Vec<String>,
    run: bool,
    given: Option<PathBuf>,
}

/// `cargo xtask dist`.
///
/// # Errors
/// Bad arguments, no toolchain, a failed build, a binary that is not static, or one that fails in an empty root.
pub fn run(args: &[String]) -> Result<()> {
    let Some(options) = options(args)? else { return Ok(()) };
    if let Some(binary) = &options.given {
        check(binary)?;
        return empty_root::try_out(binary);
    }
    for target in &options.targets {
        let binary = build(target)?;
        let native = target.split('-').next() == Some(std::env::consts::ARCH);
        if options.run && native {
            empty_root::try_out(&binary).with_context(|| format!("{target} in an empty root"))?;
        } else if options.run {
            println!("{target}: cannot run here, this is {}", std::env::consts::ARCH);
        }
    }
    Ok(())
}

fn options(args: &[String]) -> Result<Option<Options>> {
    let mut options = Options { targets: Vec::new(), run: true, given: None };
    let mut words = args.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(None);
            }
            "--no-run" => options.run = false,
            "--try" => options.given = Some(words.next().context("--try needs a file")?.into()),
            "--target" => options.targets.push(words.next().context("--target needs a triple")?.clone()),
            other => bail!("dist does not know {other:?}\n{USAGE}"),
        }
    }
    if options.targets.is_empty() {
        options.targets.push(X86_64.to_owned());
        if toolchain::has_rustup_target(AARCH64) {
            options.targets.push(AARCH64.to_owned());
        }
    }
    Ok(Some(options))
}

/// Builds for `target`, checks the result and puts it into `target/dist`.
fn build(target: &str) -> Result<PathBuf> {
    let toolchain = Toolchain::for_target(target)?;
    println!("{target}: building with {}", toolchain.describe());
    let built = toolchain.build(target)?;
    let dir = sh::target_dir().join("dist");
    std::fs::create_dir_all(&dir).with_context(|| format!("make {}", dir.display()))?;
    let place = dir.join(format!("ostree-container-{}", target.split('-').next().unwrap_or(target)));
    std::fs::copy(&built, &place).with_context(|| format!("copy {} to {}", built.display(), place.display()))?;
    check(&place)?;
    Ok(place)
}

/// Refuses a binary that is not static or too large, and tells its size.
fn check(binary: &Path) -> Result<()> {
    let facts = elf::read(binary)?;
    let shown = binary.display();
    if let Some(interpreter) = facts.interpreter {
        bail!("{shown} is not static: it asks for {interpreter}");
    }
    ensure!(!facts.has_needed, "{shown} is not static: it needs shared libraries");
    let size = binary.metadata()?.len();
    println!("{shown}: static, {size} bytes ({})", units::bytes(size));
    ensure!(size <= MAX_SIZE, "the binary is larger than {MAX_SIZE} bytes");
    Ok(())
}
