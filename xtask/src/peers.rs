//! The programs that ours is compared with: found, installed where that can be done, or asked for.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use crate::sh::{self, cmd};

const USAGE: &str = "\
cargo xtask peers [--check]

Installs what is missing of the programs that tests and measurements compare with (Debian or Ubuntu, as root),
and builds ostree-ext 0.15.3 as a program of its own into target/peers. Elsewhere it prints the command to run.
  --check    only say what is there and what is missing";

/// A program and the package that brings it.
struct Peer {
    program: &'static str,
    debian: &'static str,
    fedora: &'static str,
}

const PROGRAMS: &[Peer] = &[
    Peer { program: "ostree", debian: "ostree", fedora: "ostree" },
    Peer { program: "skopeo", debian: "skopeo", fedora: "skopeo" },
    Peer { program: "docker-registry", debian: "docker-registry", fedora: "docker-distribution" },
    Peer { program: "podman", debian: "podman", fedora: "podman" },
    Peer { program: "buildah", debian: "buildah", fedora: "buildah" },
    Peer { program: "runc", debian: "runc", fedora: "runc" },
    Peer { program: "gpg", debian: "gnupg", fedora: "gnupg2" },
    Peer { program: "mmdebstrap", debian: "mmdebstrap", fedora: "mmdebstrap" },
    Peer { program: "openssl", debian: "openssl", fedora: "openssl" },
    Peer { program: "jq", debian: "jq", fedora: "jq" },
    Peer { program: "setfattr", debian: "attr", fedora: "attr" },
    Peer { program: "matchpathcon", debian: "selinux-utils", fedora: "libselinux-utils" },
    Peer { program: "semodule", debian: "policycoreutils", fedora: "policycoreutils" },
    Peer { program: "setpriv", debian: "util-linux", fedora: "util-linux" },
    Peer { program: "gzip", debian: "gzip", fedora: "gzip" },
    Peer { program: "bzip2", debian: "bzip2", fedora: "bzip2" },
    Peer { program: "xz", debian: "xz-utils", fedora: "xz" },
    Peer { program: "zstd", debian: "zstd", fedora: "zstd" },
    Peer { program: "time", debian: "time", fedora: "time" },
    Peer { program: "pkg-config", debian: "pkg-config", fedora: "pkgconf-pkg-config" },
];

/// A library that ostree-ext links: how pkg-config calls it, and the package with its headers.
const LIBRARIES: &[Peer] = &[
    Peer { program: "ostree-1", debian: "libostree-dev", fedora: "ostree-devel" },
    Peer { program: "openssl", debian: "libssl-dev", fedora: "openssl-devel" },
    Peer { program: "libzstd", debian: "libzstd-dev", fedora: "libzstd-devel" },
    Peer { program: "zlib", debian: "zlib1g-dev", fedora: "zlib-devel" },
];

/// The environment variable that names an ostree-ext-cli built elsewhere.
const OSTREE_EXT_ENV: &str = "OSTREE_EXT_CLI";

/// `cargo xtask peers`.
///
/// # Errors
/// Something is missing and cannot be installed here, or ostree-ext cannot be built.
pub fn run(args: &[String]) -> Result<()> {
    match args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [] => {
            install()?;
            println!("ostree-ext-cli: {}", build_ostree_ext()?.display());
            Ok(())
        }
        ["--check"] => report(),
        ["--help" | "-h"] => {
            println!("{USAGE}");
            Ok(())
        }
        _ => bail!("peers takes --check or nothing\n{USAGE}"),
    }
}

/// Installs the packages that are missing, or says which command does.
///
/// # Errors
/// Something is missing and this is not Debian or Ubuntu, or not root, or the installation failed.
pub fn install() -> Result<()> {
    let missing = missing();
    if missing.is_empty() {
        return Ok(());
    }
    let debian: Vec<&str> = missing.iter().map(|peer| peer.debian).collect();
    let apt = sh::which("apt-get").is_some();
    if !(apt && is_root()) {
        bail!("missing: {}; install them with\n  {}", names(&missing), advice(&missing, apt));
    }
    println!("installing {}", debian.join(" "));
    let apt_get = || cmd("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
    apt_get().args(["update", "-qq"]).read()?;
    apt_get().args(["install", "-y", "-qq", "--no-install-recommends"]).args(&debian).read()?;
    let still = self::missing();
    ensure!(still.is_empty(), "installed, but still missing: {}", names(&still));
    Ok(())
}

/// ostree-ext-cli 0.15.3 if it was built before or `OSTREE_EXT_CLI` names it.
pub fn ostree_ext() -> Option<PathBuf> {
    let named = std::env::var_os(OSTREE_EXT_ENV).map(PathBuf::from);
    named.or_else(|| Some(ostree_ext_dir().join("release/ostree-ext-cli"))).filter(|path| path.is_file())
}

/// Builds ostree-ext-cli 0.15.3 unless it is there, and returns its path.
///
/// # Errors
/// The build fails (most often: libostree's headers are missing).
pub fn build_ostree_ext() -> Result<PathBuf> {
    if let Some(path) = ostree_ext() {
        return Ok(path);
    }
    println!("building ostree-ext 0.15.3 (once, some minutes)");
    cmd(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["build", "--quiet", "--release", "--locked", "--target-dir"])
        .arg(ostree_ext_dir())
        .dir(sh::workspace_root().join("xtask/peers/ostree-ext"))
        // Flags and targets chosen for the product are not the peer's.
        .env_remove("RUSTFLAGS")
        .env_remove("CARGO_BUILD_TARGET")
        .run()
        .context("build ostree-ext 0.15.3")?;
    ostree_ext().context("cargo built no ostree-ext-cli")
}

/// Whether this process is root's.
pub fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

/// The peers are the same whatever directory the product is built into, so theirs is always the workspace's.
fn ostree_ext_dir() -> PathBuf {
    sh::workspace_root().join("target/peers")
}

fn missing() -> Vec<&'static Peer> {
    let programs = PROGRAMS.iter().filter(|peer| sh::which(peer.program).is_none());
    let libraries = LIBRARIES.iter().filter(|peer| !cmd("pkg-config").args(["--exists", peer.program]).succeeds());
    programs.chain(libraries).collect()
}

fn names(peers: &[&Peer]) -> String {
    peers.iter().map(|peer| peer.program).collect::<Vec<_>>().join(", ")
}

fn advice(missing: &[&Peer], apt: bool) -> String {
    if apt {
        let packages: Vec<&str> = missing.iter().map(|peer| peer.debian).collect();
        return format!("sudo apt-get install -y --no-install-recommends {}", packages.join(" "));
    }
    let packages: Vec<&str> = missing.iter().map(|peer| peer.fedora).collect();
    format!("sudo dnf install {}    (or the like of your system)", packages.join(" "))
}

fn report() -> Result<()> {
    let missing = missing();
    for peer in PROGRAMS.iter().filter(|peer| !missing.iter().any(|other| other.program == peer.program)) {
        let place = sh::which(peer.program).unwrap_or_default();
        println!("{:16} {}", peer.program, place.display());
    }
    match ostree_ext() {
        Some(path) => println!("{:16} {}", "ostree-ext-cli", path.display()),
        None => println!("{:16} not built yet (cargo xtask peers)", "ostree-ext-cli"),
    }
    if missing.is_empty() {
        return Ok(());
    }
    bail!("missing: {}; install them with\n  {}", names(&missing), advice(&missing, sh::which("apt-get").is_some()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_advice_is_one_command_with_the_packages_of_the_system() {
        let missing = [&PROGRAMS[6], &LIBRARIES[0]];
        assert_eq!(advice(&missing, true), "sudo apt-get install -y --no-install-recommends gnupg libostree-dev");
        assert!(advice(&missing, false).starts_with("sudo dnf install gnupg2 ostree-devel"));
    }
}
