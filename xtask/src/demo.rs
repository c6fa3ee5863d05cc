//! Demo: a real tree of this host becomes a commit, an image and the same commit again.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};

use crate::job::{Done, Job, REF};
use crate::sh::{self, cmd};
use crate::{binary, peers, pick, units};

const USAGE: &str = "\
cargo xtask demo [--tree DIR] [--profile NAME]

Commits a directory tree of this host into an OSTree repository, encapsulates the commit into an OCI image,
brings it back into a second repository and checks both. Needs neither root nor a server nor any other program.
  --tree DIR      the tree (default: a part of /usr of a few hundred MB)
  --profile NAME  cargo's profile for the binary (default: fast)
Repositories and image stay in target/xtask/demo until the next demo.";

/// A tree of this size shows something and takes seconds.
const WANTED: u64 = 400_000_000;

struct Options {
    tree: Option<PathBuf>,
    profile: String,
}

/// `cargo xtask demo`.
///
/// # Errors
/// Bad arguments, the build fails, or a step of the job fails.
pub fn run(args: &[String]) -> Result<()> {
    let Some(options) = options(args)? else { return Ok(()) };
    println!("building ostree-container (profile {})", options.profile);
    let binary = binary::build(&options.profile)?;
    let choice = match options.tree {
        Some(tree) => pick::given(&tree)?,
        None => pick::below(Path::new("/usr"), WANTED)?,
    };
    ensure!(choice.files > 0, "there is no readable file in {}", choice.dir.display());
    println!("\nthe tree: {}, {} files, {}", choice.dir.display(), choice.files, units::bytes(choice.bytes));
    let work = sh::fresh_dir("demo")?;
    let done = tell(&binary, &choice, &work)?;
    advise(&binary, &work, &done.commit);
    Ok(())
}

fn options(args: &[String]) -> Result<Option<Options>> {
    let (profile, rest) = binary::profile_from(args)?;
    let mut options = Options { tree: None, profile };
    let mut words = rest.iter();
    while let Some(word) = words.next() {
        match word.as_str() {
            "--help" | "-h" => {
                println!("{USAGE}");
                return Ok(None);
            }
            "--tree" => options.tree = Some(words.next().context("--tree needs a directory")?.into()),
            other => match other.strip_prefix("--tree=") {
                Some(tree) => options.tree = Some(tree.into()),
                None => bail!("demo does not know {other:?}\n{USAGE}"),
            },
        }
    }
    Ok(Some(options))
}

/// Does the job and prints each step; where the file system has no user xattrs, in mode `archive`.
fn tell(binary: &Path, choice: &pick::Choice, work: &Path) -> Result<Done> {
    let command = || cmd(binary);
    let skip_list = work.join("skip-list");
    std::fs::write(&skip_list, choice.skip_list()).with_context(|| format!("write {}", skip_list.display()))?;
    let mut commit_options = vec![format!("--skip-list={}", skip_list.display())];
    if !peers::is_root() {
        // What came from this host is root's; a commit should not say it is the caller's.
        commit_options.extend(["--owner-uid=0".to_owned(), "--owner-gid=0".to_owned()]);
    }
    let mode = if has_user_xattrs(work)? { "bare-user" } else { "archive" };
    let tree = choice.dir.clone();
    let job = Job { binary: &command, work: work.to_owned(), tree, mode, commit_options };
    let done = job.run().with_context(|| format!("what was made is still in {}", work.display()))?;
    println!("\nrepositories of mode {mode}:");
    for step in &done.steps {
        let note = match step.title {
            "commit" => size_of(&job.source())?,
            "encapsulate" => size_of(&job.image())?,
            "unencapsulate" => size_of(&job.target())?,
            _ => String::new(),
        };
        println!("  {:<15} {:>8}   {note}", step.title, units::seconds(step.time));
    }
    println!("  the same commit on both sides: {}", done.commit);
    Ok(done)
}

fn size_of(dir: &Path) -> Result<String> {
    let (files, bytes) = units::tree_size(dir)?;
    Ok(format!("{}: {files} files, {}", dir.file_name().unwrap_or_default().to_string_lossy(), units::bytes(bytes)))
}

/// Whether the file system of `dir` keeps `user.` xattrs, without which there is no mode `bare-user`.
fn has_user_xattrs(dir: &Path) -> Result<bool> {
    let probe = dir.join("probe");
    std::fs::write(&probe, b"").with_context(|| format!("write {}", probe.display()))?;
    let flags = rustix::fs::XattrFlags::empty();
    let kept = rustix::fs::setxattr(&probe, "user.probe", b"1", flags).is_ok();
    std::fs::remove_file(&probe).with_context(|| format!("remove {}", probe.display()))?;
    Ok(kept)
}

fn advise(binary: &Path, work: &Path, commit: &str) {
    let (binary, work) = (binary.display(), work.display());
    println!("\nAll of it is in {work} until the next demo. Try next:");
    println!("  {binary} repo ls --repo={work}/target-repo {REF}");
    println!("  {binary} repo checkout --repo={work}/target-repo -U {commit} {work}/tree");
    println!("  {binary} info oci:{work}/image:latest");
    println!("  {binary} build --repo {work}/source-repo --ref {REF} --push REGISTRY/IMAGE");
    println!("and on a host with ostree: ostree fsck --repo={work}/target-repo");
}
