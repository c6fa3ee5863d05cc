//! The product's binary: built by cargo with a given profile, found again by path.

use std::path::PathBuf;

use anyhow::{Result, ensure};

use crate::sh;

/// The profile for measuring and for everyday use.
pub const FAST: &str = "fast";

/// The environment variable that names a binary built elsewhere, such as the static one.
const BINARY_ENV: &str = "OSTREE_CONTAINER_BIN";

/// Builds `ostree-container` with cargo profile `profile` (`dev`, `fast` or `release`) and returns its path;
/// or returns the path in `OSTREE_CONTAINER_BIN` where that is set.
///
/// # Errors
/// The build fails; cargo's own messages are on the terminal.
pub fn build(profile: &str) -> Result<PathBuf> {
    if let Some(path) = std::env::var_os(BINARY_ENV).map(PathBuf::from) {
        ensure!(path.is_file(), "{BINARY_ENV} names {}, which is no file", path.display());
        return Ok(path);
    }
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    sh::cmd(cargo)
        .args(["build", "--package", "ostree-cli", "--bin", "ostree-container", "--profile", profile])
        .dir(sh::workspace_root())
        .run()?;
    let folder = if profile == "dev" { "debug" } else { profile };
    let path = sh::target_dir().join(folder).join("ostree-container");
    ensure!(path.is_file(), "cargo built no {}", path.display());
    Ok(path)
}

/// Takes `--profile NAME` out of `args`: the profile (default [`FAST`]) and the arguments left.
///
/// # Errors
/// `--profile` without a name.
pub fn profile_from(args: &[String]) -> Result<(String, Vec<String>)> {
    let mut profile = FAST.to_owned();
    let mut rest = Vec::new();
    let mut words = args.iter();
    while let Some(word) = words.next() {
        if let Some(name) = word.strip_prefix("--profile=") {
            profile = name.to_owned();
        } else if word == "--profile" {
            profile = words.next().ok_or_else(|| anyhow::anyhow!("--profile needs a name"))?.clone();
        } else {
            rest.push(word.clone());
        }
    }
    Ok((profile, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_profile_is_taken_out_of_the_arguments() {
        let args: Vec<String> = ["a", "--profile", "dev", "b"].map(String::from).into();
        assert_eq!(profile_from(&args).unwrap(), ("dev".to_owned(), vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(profile_from(&[]).unwrap().0, FAST);
        assert!(profile_from(&["--profile".to_owned()]).is_err());
    }
}
