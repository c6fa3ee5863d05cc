//! The SELinux labels of a commit: which policy they come from.

use anyhow::{Context as _, Result, bail};
use ostree_repo::commit::Labeler;
use ostree_repo::{Repo, RepoMode, refs};
use ostree_selinux::{Policy, PolicyFiles};

use crate::commands::repo::commit::args::Args;
use crate::commands::repo::commit::policy_commit::CommitPolicy;
use crate::commands::repo::commit::policy_dir::DirPolicy;

/// What gives the labels that the options ask for; `None` if they ask for none, or if there is no policy where they say.
pub fn labeler(args: &Args, repo: &Repo) -> Result<Option<Labeler>> {
    let like_etc = match args.selinux_labeling_epoch.unwrap_or_default() {
        0 => false,
        1 => true,
        other => bail!("Unknown SELinux labeling epoch: {other}"),
    };
    let policy = match (&args.selinux_policy, args.selinux_policy_from_base) {
        (Some(_), true) => bail!("Cannot specify both --selinux-policy and --selinux-policy-from-base"),
        (Some(path), false) => of_directory(path)?,
        (None, true) => of_base(args, repo)?,
        (None, false) => None,
    };
    // The reference program writes file objects here that its own fsck calls damaged.
    if policy.is_some() && repo.mode() == RepoMode::BareUserOnly {
        bail!("a repository of mode bare-user-only cannot keep SELinux labels");
    }
    Ok(policy.map(|policy| {
        let label = move |path: &str, mode: u32| {
            let path = if like_etc { as_etc(path) } else { path };
            policy.label(path, mode).map(str::to_owned)
        };
        Labeler(Box::new(label))
    }))
}

/// The policy of what the tree starts with: the base, whether it has one or not, else the first tree.
fn of_base(args: &Args, repo: &Repo) -> Result<Option<Policy>> {
    if let Some(rev) = &args.base {
        return of_commit(repo, rev);
    }
    match args.tree.first().map(|source| source.split_once('=')) {
        None => of_directory(args.path.as_deref().and_then(|path| path.to_str()).unwrap_or(".")),
        Some(Some(("dir", path))) => of_directory(path),
        Some(Some(("ref", rev))) => of_commit(repo, rev),
        Some(Some(("tar", _))) => bail!("Cannot use --selinux-policy-from-base with tar"),
        // Whoever reads the tree says what is wrong with it.
        Some(_) => Ok(None),
    }
}

fn of_directory(path: &str) -> Result<Option<Policy>> {
    let files = DirPolicy::open(path.as_ref()).with_context(|| format!("opendir({path})"))?;
    load(&files, path)
}

fn of_commit(repo: &Repo, rev: &str) -> Result<Option<Policy>> {
    load(&CommitPolicy { store: repo, commit: refs::resolve(repo, rev)? }, rev)
}

fn load(files: &dyn PolicyFiles, place: &str) -> Result<Option<Policy>> {
    Policy::load(files).with_context(|| format!("loading the SELinux policy of {place}"))
}

/// `/usr/etc` and what is below it, as if it were already what it becomes when it is deployed.
fn as_etc(path: &str) -> &str {
    match path.strip_prefix("/usr") {
        Some(etc) if etc == "/etc" || etc.starts_with("/etc/") => etc,
        _ => path,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_configuration_is_labelled_as_configuration() {
        assert_eq!(as_etc("/usr/etc"), "/etc");
        assert_eq!(as_etc("/usr/etc/passwd"), "/etc/passwd");
        assert_eq!(as_etc("/usr/etcetera"), "/usr/etcetera");
        assert_eq!(as_etc("/usr"), "/usr");
    }
}
