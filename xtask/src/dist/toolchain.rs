//! Which compiler builds a static binary on this host, and how it is called.

use std::path::PathBuf;

use anyhow::{Context, Result, bail, ensure};

use crate::peers;
use crate::sh::{self, Cmd, cmd};

/// Debian's second compiler: the packages with it and with the source of its standard library.
const DEBIAN_PACKAGES: [&str; 3] = ["rustc-web", "cargo-web", "rust-web-src"];
/// The C compiler and linker for every target, and cargo's wrapper around it, from the Python registry.
const PYTHON_PACKAGES: [&str; 2] = ["ziglang", "cargo-zigbuild"];

/// A way to build for a musl target.
pub enum Toolchain {
    /// The target's standard library comes with rustup, its C compiler from the system.
    Rustup,
    /// The same with zig as C compiler and linker.
    RustupZig(PathBuf),
    /// Debian's compiler, the standard library built from source, zig as C compiler and linker.
    DebianZig(PathBuf),
}

impl Toolchain {
    /// The first way that works for `target`; installs what the last one needs.
    ///
    /// # Errors
    /// Nothing is at hand and nothing may be installed: the message says what to do.
    pub fn for_target(target: &str) -> Result<Self> {
        let arch = target.split('-').next().unwrap_or(target);
        if has_rustup_target(target) {
            let compilers = [format!("{arch}-linux-musl-gcc"), "musl-gcc".to_owned()];
            let native = arch == std::env::consts::ARCH;
            if compilers.iter().zip([true, native]).any(|(name, usable)| usable && sh::which(name).is_some()) {
                return Ok(Self::Rustup);
            }
            return Ok(Self::RustupZig(python_tools()?));
        }
        install_debian_compiler(target)?;
        Ok(Self::DebianZig(python_tools()?))
    }

    /// What it is, for people.
    pub fn describe(&self) -> &'static str {
        match self {
            Self::Rustup => "rustup's target and the system's musl-gcc",
            Self::RustupZig(_) => "rustup's target and zig",
            Self::DebianZig(_) => "Debian's rustc-web, its standard library from source, and zig",
        }
    }

    /// Builds the release binary for `target` and returns where it is.
    ///
    /// # Errors
    /// The build fails; cargo's messages are on the terminal.
    pub fn build(&self, target: &str) -> Result<PathBuf> {
        // A folder of its own: another compiler's results would be thrown away at every change of hands.
        let dir = sh::target_dir().join("xtask/dist-build");
        self.cargo(target).arg("--target-dir").arg(&dir).dir(sh::workspace_root()).run()?;
        let binary = dir.join(target).join("release/ostree-container");
        ensure!(binary.is_file(), "cargo built no {}", binary.display());
        Ok(binary)
    }

    fn cargo(&self, target: &str) -> Cmd {
        let build =
            ["--release", "--locked", "--package", "ostree-cli", "--bin", "ostree-container", "--target", target];
        match self {
            Self::Rustup => cmd("cargo").arg("build").args(build),
            Self::RustupZig(tools) => {
                cmd(tools.join("cargo-zigbuild")).env("PATH", path_with(tools)).arg("zigbuild").args(build)
            }
            Self::DebianZig(tools) => cmd(tools.join("cargo-zigbuild"))
                .env("PATH", format!("{}:/usr/bin:/bin", tools.display()))
                .env("RUSTC", "/usr/bin/rustc")
                .env("CARGO", "/usr/bin/cargo")
                // A released compiler builds its own standard library only when it is told to trust us.
                .env("RUSTC_BOOTSTRAP", "1")
                .env("RUSTFLAGS", "-Clink-self-contained=no")
                .env_remove("RUSTUP_TOOLCHAIN")
                .env_remove("RUSTDOC")
                .arg("zigbuild")
                .arg("-Zbuild-std=std,panic_unwind")
                .args(build),
        }
    }
}

/// Whether the compiler on the path brings the standard library of `target`.
pub fn has_rustup_target(target: &str) -> bool {
    let Ok(sysroot) = cmd("rustc").args(["--print", "sysroot"]).read() else { return false };
    PathBuf::from(sysroot).join("lib/rustlib").join(target).join("lib").is_dir()
}

fn install_debian_compiler(target: &str) -> Result<()> {
    let source = PathBuf::from("/usr/lib/rustlib/src/rust/library/std");
    if source.is_dir() && PathBuf::from("/usr/bin/cargo").is_file() {
        return Ok(());
    }
    let packages = DEBIAN_PACKAGES.join(" ");
    if sh::which("apt-get").is_none() || !peers::is_root() {
        bail!("neither `rustup target add {target}` nor, on Debian, `apt-get install {packages}` has been done");
    }
    println!("installing {packages}");
    let apt_get = || cmd("apt-get").env("DEBIAN_FRONTEND", "noninteractive");
    apt_get().args(["update", "-qq"]).read()?;
    apt_get().args(["install", "-y", "-qq", "--no-install-recommends"]).args(DEBIAN_PACKAGES).read()?;
    ensure!(source.is_dir(), "{packages} brought no {}", source.display());
    Ok(())
}

/// The folder with `cargo-zigbuild` and zig, in a Python environment of our own.
fn python_tools() -> Result<PathBuf> {
    let home = sh::target_dir().join("xtask/musl-venv");
    let tools = home.join("bin");
    if tools.join("cargo-zigbuild").is_file() {
        return Ok(tools);
    }
    println!("installing {} into {}", PYTHON_PACKAGES.join(" and "), home.display());
    cmd("python3").args(["-m", "venv"]).arg(&home).read().context("python3 with venv is needed for zig")?;
    cmd(tools.join("pip")).args(["install", "--quiet"]).args(PYTHON_PACKAGES).read()?;
    Ok(tools)
}

fn path_with(tools: &std::path::Path) -> String {
    format!("{}:{}", tools.display(), std::env::var("PATH").unwrap_or_default())
}
