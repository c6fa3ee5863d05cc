//! Copying commits between repositories of every pair of modes.

use std::fs;
use std::os::unix::fs::MetadataExt;

use ostree_core::{Commit, CommitId, Metadata, ObjectKind, RawVariant, ReadObject, RefName, RemoteName, WriteObject};
use ostree_core::{FileHeader, FileId, Owner, Xattrs};
use ostree_repo::copy::{CopyOptions, CopyStats, pull_local};
use ostree_repo::fsck::{FsckOptions, fsck};
use ostree_repo::partial::{self, CommitState};
use ostree_repo::refs::{self, RefTarget};
use ostree_repo::{Repo, RepoError, RepoMode, TransactionOptions, create};
use tempfile::TempDir;
use testkit::sample::{self, SampleTree};

fn temp_dir() -> TempDir {
    tempfile::tempdir().expect("a temporary directory")
}

fn repo(dir: &TempDir, name: &str, mode: RepoMode) -> Repo {
    create(&dir.path().join(name), mode, None).expect("a repository")
}

fn local(name: &str) -> RefTarget {
    RefTarget::Local(RefName::new(name).expect("a name"))
}

/// Modes this process may use; `bare` needs root.
fn modes() -> Vec<RepoMode> {
    let mut modes = vec![RepoMode::Archive, RepoMode::BareUserOnly, RepoMode::BareUser];
    // Who may not change owners cannot write `bare` at all.
    match fs::metadata("/proc/self").expect("readable").uid() {
        0 => modes.push(RepoMode::Bare),
        _ => eprintln!("SKIPPED: mode bare, because this process is not root"),
    }
    modes
}

/// Two commits under the ref `main`, one the parent of the other, with detached metadata. All of it can be kept in every
/// mode. Gives the head, its parent, and a file.
fn fill(repo: &Repo) -> (CommitId, CommitId, FileId) {
    let transaction = repo.transaction(TransactionOptions { fsync: Some(false), ..Default::default() });
    let transaction = transaction.expect("a transaction");
    let mut tree = SampleTree::new(&transaction).expect("a tree");
    tree.file("usr/a", 0o644, b"a\n").expect("written");
    tree.file("usr/empty", 0o755, b"").expect("written");
    tree.file("usr/large", 0o644, &sample::noise(7, 700_000)).expect("written");
    tree.symlink("usr/link", "a").expect("written");
    let parent = tree.commit(Metadata::default()).expect("written");
    let file = tree.file("b", 0o644, b"b\n").expect("written");
    let metadata = Metadata::from_iter([("ostree.ref-binding", RawVariant::strings(["main"]))]);
    let draft = tree.commit(metadata).expect("written");
    let bytes = transaction.read_metadata(&draft.object()).expect("readable").expect("there");
    let commit = Commit { parent: Some(parent), ..Commit::decode(&bytes).expect("valid") };
    let head = transaction.write_metadata(ObjectKind::Commit, &commit.encode(), None).expect("written");
    let head = CommitId::new(head);
    transaction.write_detached(&head, &Metadata::from_iter([("sig", RawVariant::string("s"))])).expect("written");
    transaction.set_ref(local("main"), Some(head));
    transaction.commit().expect("committed");
    fs::remove_file(repo.object_path(&draft.object())).expect("there");
    (head, parent, file)
}

fn copy(src: &Repo, dest: &Repo, names: &[&str], options: &CopyOptions<'_>) -> Result<CopyStats, RepoError> {
    let quick = CopyOptions { fsync: Some(false), ..*options };
    pull_local(src, dest, names, &quick, &mut |_| {})
}

fn assert_whole(repo: &Repo, commits: usize) {
    let report = fsck(repo, &FsckOptions::default(), &mut |_| {}).expect("clean");
    assert!(report.verdict().is_ok());
    assert_eq!((report.commits, report.partial_commits), (commits, 0), "{}", repo.mode());
}

#[test]
fn every_pair_of_modes() {
    for from in modes() {
        for to in modes() {
            for untrusted in [false, true] {
                let dir = temp_dir();
                let (src, dest) = (repo(&dir, "src", from), repo(&dir, "dest", to));
                let (head, parent, file) = fill(&src);
                let options = CopyOptions { untrusted, ..CopyOptions::default() };
                let stats = copy(&src, &dest, &["main"], &options).expect("copied");
                // A commit, two dirtrees and a dirmeta; five files.
                assert_eq!((stats.metadata, stats.content), (4, 5), "{from} to {to}");
                assert_whole(&dest, 1);
                assert_eq!(refs::read(&dest, &local("main")).expect("readable"), Some(head));
                assert!(dest.read_detached(&head).expect("readable").is_some());
                assert!(!dest.has_object(&parent.object()).expect("readable"));
                let inode = |repo: &Repo| fs::metadata(repo.object_path(&file.object())).expect("there").ino();
                let links = from == to || (from, to) == (RepoMode::BareUser, RepoMode::BareUserOnly);
                assert_eq!(inode(&src) == inode(&dest), links, "{from} to {to}");
                let again = copy(&src, &dest, &[], &options).expect("copied");
                assert_eq!(again.to_string(), "0 metadata, 0 content objects imported; 0 bytes content written");
            }
        }
    }
}

#[test]
fn depth_and_remotes() {
    let dir = temp_dir();
    let (src, dest) = (repo(&dir, "src", RepoMode::Archive), repo(&dir, "dest", RepoMode::BareUserOnly));
    let (head, parent, _) = fill(&src);
    let remote = RemoteName::new("origin").expect("a name");
    let options = CopyOptions { remote: Some(&remote), depth: None, ..CopyOptions::default() };
    copy(&src, &dest, &["main"], &options).expect("copied");
    assert_whole(&dest, 2);
    assert!(dest.has_object(&parent.object()).expect("readable"));
    let target = RefTarget::Remote(remote.clone(), RefName::new("main").expect("a name"));
    assert_eq!(refs::read(&dest, &target).expect("readable"), Some(head));
    assert_eq!(refs::read(&dest, &local("main")).expect("readable"), None);
}

#[test]
fn commits_alone_stay_partial_until_the_rest_comes() {
    let dir = temp_dir();
    let (src, dest) = (repo(&dir, "src", RepoMode::Archive), repo(&dir, "dest", RepoMode::Archive));
    let (head, ..) = fill(&src);
    let options = CopyOptions { commit_metadata_only: true, ..CopyOptions::default() };
    let stats = copy(&src, &dest, &["main"], &options).expect("copied");
    assert_eq!((stats.metadata, stats.content), (1, 0));
    assert_eq!(partial::state(&dest, &head).expect("readable"), CommitState::Partial);
    let stats = copy(&src, &dest, &["main"], &CopyOptions::default()).expect("copied");
    assert_eq!((stats.metadata, stats.content), (3, 5));
    assert_whole(&dest, 1);
}

#[test]
fn refusals_change_no_ref() {
    let dir = temp_dir();
    let src = repo(&dir, "src", RepoMode::Archive);
    let dest = repo(&dir, "dest", RepoMode::BareUserOnly);
    let (head, _, file) = fill(&src);
    let error = |name: &str| copy(&src, &dest, &[name], &CopyOptions::default()).expect_err("refused").to_string();
    assert_eq!(error("nope"), "Refspec 'nope' not found");
    assert_eq!(error("main^"), "Invalid ref name main^");
    refs::write(&src, &local("also"), Some(&head), false).expect("written");
    let expect = format!("Commit {head}: Commit has no requested ref ‘also’ in ref binding metadata (‘main’)");
    assert_eq!(error("also"), expect);
    let lax = CopyOptions { disable_verify_bindings: true, ..CopyOptions::default() };
    // The content is not what the name says: found whenever it is written anew.
    let path = src.object_path(&file.object());
    let mut bytes = fs::read(&path).expect("readable");
    bytes[19] ^= 1;
    fs::write(&path, bytes).expect("writable");
    assert!(copy(&src, &dest, &["also"], &lax).is_err());
    // It may be linked unseen between equals, unless that is not wanted.
    let archive = repo(&dir, "archive", RepoMode::Archive);
    let untrusted = CopyOptions { untrusted: true, ..CopyOptions::default() };
    let error = copy(&src, &archive, &["main"], &untrusted).expect_err("damaged");
    assert_eq!(error.to_string(), format!("fsck content object {file}"));
    fs::remove_file(&path).expect("there");
    let error = copy(&src, &archive, &["main"], &CopyOptions::default()).expect_err("missing");
    assert_eq!(error.to_string(), format!("No such file object {file}.file"));
    for dest in [&dest, &archive] {
        assert!(refs::list(dest).expect("listed").is_empty());
        assert!(!dest.has_object(&head.object()).expect("readable"));
    }
}

#[test]
fn modes_that_bare_user_only_cannot_keep() {
    let dir = temp_dir();
    let (src, dest) = (repo(&dir, "src", RepoMode::Archive), repo(&dir, "dest", RepoMode::Archive));
    let transaction = src.transaction(TransactionOptions::default()).expect("a transaction");
    let mut tree = SampleTree::new(&transaction).expect("a tree");
    let header = FileHeader::regular(Owner::default(), 0o4755, Xattrs::default());
    let file = tree.put("su", &header, b"su").expect("written");
    let head = tree.commit(Metadata::default()).expect("written").to_string();
    transaction.commit().expect("committed");
    let strict = CopyOptions { bareuseronly_files: true, ..CopyOptions::default() };
    let error = copy(&src, &dest, &[&head], &strict).expect_err("refused").to_string();
    assert_eq!(error, format!("Content object {file}: invalid mode 0104755 with bits 04000"));
    copy(&src, &dest, &[&head], &CopyOptions::default()).expect("copied");
    assert_whole(&dest, 1);
}
