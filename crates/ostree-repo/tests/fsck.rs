//! Finding what is missing or damaged in repositories, and what is done about it.

use std::fs;
use std::path::PathBuf;

use ostree_core::{CommitId, FileId, Metadata, ObjectKind, ObjectName, RefName};
use ostree_repo::fsck::{FsckEvent, FsckOptions, FsckReport, fsck};
use ostree_repo::partial::{self, CommitState};
use ostree_repo::refs::RefTarget;
use ostree_repo::{Repo, RepoError, RepoMode, TransactionOptions, create};
use testkit::sample::SampleTree;

struct Bench {
    _dir: tempfile::TempDir,
    repo: Repo,
    /// Two commits that share one file and one directory's metadata.
    commits: [CommitId; 2],
    shared: FileId,
    own: FileId,
}

fn bench(mode: RepoMode) -> Bench {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let repo = create(&dir.path().join("repo"), mode, None).expect("a repository");
    let transaction =
        repo.transaction(TransactionOptions { fsync: Some(false), ..Default::default() }).expect("a transaction");
    let mut tree = SampleTree::new(&transaction).expect("a tree");
    let shared = tree.file("usr/shared", 0o644, &[b's'; 200_000]).expect("written");
    let first = tree.commit(Metadata::default()).expect("written");
    let own = tree.file("own", 0o755, b"own\n").expect("written");
    tree.symlink("usr/link", "shared").expect("written");
    let second = tree.commit(Metadata::default()).expect("written");
    transaction.set_ref(RefName::new("main").expect("a name"), Some(second));
    transaction.commit().expect("committed");
    Bench { _dir: dir, repo, commits: [first, second], shared, own }
}

impl Bench {
    fn path(&self, name: ObjectName) -> PathBuf {
        self.repo.object_path(&name)
    }

    fn damage(&self, name: ObjectName, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.path(name);
        let mut bytes = fs::read(&path).expect("readable");
        change(&mut bytes);
        fs::write(&path, bytes).expect("writable");
    }

    fn run(&self, options: &FsckOptions) -> (Result<FsckReport, RepoError>, Vec<String>) {
        let mut problems = Vec::new();
        let result = fsck(&self.repo, options, &mut |event| {
            if event.is_problem() {
                problems.push(event.to_string());
            }
        });
        (result, problems)
    }

    fn sorted_commits(&self) -> String {
        let mut ids = self.commits.map(|id| id.to_string());
        ids.sort();
        ids.join(", ")
    }

    fn state(&self, index: usize) -> CommitState {
        partial::state(&self.repo, &self.commits[index]).expect("readable")
    }
}

const MODES: [RepoMode; 3] = [RepoMode::Archive, RepoMode::BareUserOnly, RepoMode::BareUser];

fn all() -> FsckOptions {
    FsckOptions { all: true, ..FsckOptions::default() }
}

fn delete() -> FsckOptions {
    FsckOptions { delete: true, ..FsckOptions::default() }
}

#[test]
fn a_whole_repository_is_clean_in_every_mode() {
    for mode in MODES {
        let bench = bench(mode);
        let mut lines = Vec::new();
        let report = fsck(&bench.repo, &FsckOptions::default(), &mut |event| lines.push(event.to_string()));
        let report = report.expect("clean");
        // Two commits, three dirtrees (two roots, two of `usr`), one dirmeta, three files.
        assert_eq!((report.commits, report.objects), (2, 2 + 4 + 1 + 3), "{mode}");
        let verdict = report.verdict().expect("clean");
        assert_eq!(verdict, "object fsck of 2 commits completed successfully - no errors found.");
        assert_eq!(lines.first().map(String::as_str), Some("Validating refs..."));
        assert_eq!(lines.last().map(String::as_str), Some("fsck objects (10/10) 100%"));
        assert!(lines.contains(&"Verifying content integrity of 2 commit objects...".to_owned()));
    }
}

#[test]
fn damaged_content_is_found_reported_and_removed() {
    for mode in MODES {
        let bench = bench(mode);
        let object = bench.shared.object();
        bench.damage(object, |bytes| bytes.truncate(bytes.len() - 3));
        let start = format!("In commits {}: fsck content object {}", bench.sorted_commits(), bench.shared);
        let (result, problems) = bench.run(&FsckOptions::default());
        assert_eq!(result.expect_err("damaged").to_string(), start, "{mode}");
        assert!(problems.is_empty());
        let (report, problems) = bench.run(&all());
        assert_eq!(problems.len(), 1);
        assert!(problems[0].starts_with(&start), "{}", problems[0]);
        let verdict = report.expect("went on").verdict().expect_err("damaged");
        assert_eq!(verdict.to_string(), "Repository corruption encountered");
        assert_eq!(bench.state(0), CommitState::Complete);
        let (report, problems) = bench.run(&delete());
        assert_eq!((report.expect("went on").corrupt, problems.len()), (1, 3));
        assert!(!bench.path(object).exists());
        assert_eq!((bench.state(0), bench.state(1)), (CommitState::Damaged, CommitState::Damaged));
        let report = bench.run(&FsckOptions::default()).0.expect("nothing left to verify");
        assert_eq!((report.commits, report.damaged_commits), (0, 2));
        let verdict = report.verdict().expect_err("marked");
        assert_eq!(verdict.to_string(), "2 partial commits from fsck-detected corruption");
    }
}

#[test]
fn a_missing_file_marks_the_commits_that_need_it() {
    let bench = bench(RepoMode::Archive);
    fs::remove_file(bench.path(bench.own.object())).expect("there");
    let (report, problems) = bench.run(&FsckOptions::default());
    assert_eq!(report.expect("goes on").missing, 1);
    let [_, second] = bench.commits;
    let expect = [
        format!("Object missing in commits {second}: {}.file", bench.own),
        format!("Marking commit as partial: {second}"),
    ];
    assert_eq!(problems, expect);
    assert_eq!((bench.state(0), bench.state(1)), (CommitState::Complete, CommitState::Damaged));
}

#[test]
fn metadata_must_be_there_and_be_what_its_name_says() {
    let tree = |bench: &Bench| {
        let commit = ostree_core::walk::load_commit(&bench.repo, &bench.commits[0]).expect("there");
        (commit.root_tree.object(), commit.root_meta.object())
    };
    let missing = bench(RepoMode::Archive);
    let (root, _) = tree(&missing);
    fs::remove_file(missing.path(root)).expect("there");
    let error = missing.run(&FsckOptions::default()).0.expect_err("a tree without entries");
    assert_eq!(error.to_string(), format!("No such metadata object {root}"));
    let error = missing.run(&all()).0.expect_err("whatever the options");
    assert_eq!(error.to_string(), format!("No such metadata object {root}"));
    assert_eq!((missing.state(0), missing.state(1)), (CommitState::Complete, CommitState::Complete));

    let damaged = bench(RepoMode::Archive);
    let (_, meta) = tree(&damaged);
    damaged.damage(meta, |bytes| bytes[3] ^= 1);
    let error = damaged.run(&FsckOptions::default()).0.expect_err("another owner");
    assert_eq!(error.to_string(), format!("In commits {}: fsck {meta}", damaged.sorted_commits()));
}

#[test]
fn a_file_under_a_wrong_name_is_found() {
    let bench = bench(RepoMode::Archive);
    fs::copy(bench.path(bench.own.object()), bench.path(bench.shared.object())).expect("both there");
    let (report, problems) = bench.run(&all());
    assert_eq!(report.expect("goes on").corrupt, 1);
    let actual = format!("checksum expected='{}' actual='{}'", bench.shared, bench.own);
    assert!(problems[0].ends_with(&actual), "{}", problems[0]);
}

#[test]
fn refs_without_their_commit_end_it() {
    let bench = bench(RepoMode::Archive);
    let [_, second] = bench.commits;
    fs::remove_file(bench.path(second.object())).expect("there");
    for options in [FsckOptions::default(), all(), delete()] {
        let (result, problems) = bench.run(&options);
        assert_eq!(result.expect_err("a ref to nothing").to_string(), "Loading commit for ref main");
        assert_eq!(problems, [format!("Object missing: {second}.commit")]);
    }
}

#[test]
fn damaged_commits_are_told_twice_and_removed_for_good() {
    let bench = bench(RepoMode::Archive);
    let [_, second] = bench.commits;
    bench.damage(second.object(), |bytes| bytes.truncate(20));
    assert!(bench.run(&FsckOptions::default()).0.is_err());
    let (report, problems) = bench.run(&all());
    assert_eq!((report.expect("goes on").corrupt, problems.len()), (2, 2));
    assert!(bench.run(&delete()).0.is_err(), "the ref leads nowhere now");
    assert!(!bench.path(second.object()).exists());
}

#[test]
fn partial_commits_are_passed_over() {
    let bench = bench(RepoMode::Archive);
    partial::mark(&bench.repo, &bench.commits[0], CommitState::Partial).expect("marked");
    let mut partial = None;
    let report = fsck(&bench.repo, &FsckOptions::default(), &mut |event| {
        if let FsckEvent::PartialCommits(count) = event {
            partial = Some(*count);
        }
    });
    let report = report.expect("clean");
    assert_eq!((report.commits, report.partial_commits, report.damaged_commits, partial), (1, 1, 0, Some(1)));
    assert!(report.verdict().is_ok());
}

#[test]
fn bindings_and_tombstones() {
    use ostree_core::{RawVariant, ReadObject, WriteObject};
    let bench = bench(RepoMode::Archive);
    let transaction = bench.repo.transaction(TransactionOptions::default()).expect("a transaction");
    let mut commit = ostree_core::walk::load_commit(&bench.repo, &bench.commits[1]).expect("there");
    commit.metadata.push("ostree.ref-binding", RawVariant::strings(["main"]));
    commit.parent = Some(CommitId::new(ostree_core::Checksum::of(b"never written")));
    let bound = transaction.write_metadata(ObjectKind::Commit, &commit.encode(), None).expect("written");
    let bound = CommitId::new(bound);
    transaction.set_ref(RefTarget::Local(RefName::new("other").expect("a name")), Some(bound));
    transaction.commit().expect("committed");
    let error = bench.run(&FsckOptions { verify_bindings: true, ..FsckOptions::default() }).0.expect_err("other");
    let expect = format!("Commit {bound}: Commit has no requested ref ‘other’ in ref binding metadata (‘main’)");
    assert_eq!(error.to_string(), expect);
    fs::rename(bench.repo.path().join("refs/heads/other"), bench.repo.path().join("refs/heads/main")).expect("moved");
    let back = FsckOptions { verify_back_refs: true, add_tombstones: true, ..FsckOptions::default() };
    assert!(bench.run(&back).0.is_ok());
    let tombstone = ObjectName::new(ObjectKind::TombstoneCommit, *bound.checksum());
    let bytes = bench.repo.read_metadata(&tombstone).expect("readable").expect("there");
    let text = format!("{bound}\0").into_bytes();
    let metadata = Metadata::decode(&bytes).expect("a dictionary");
    assert_eq!(metadata.get("commit").and_then(RawVariant::as_byte_array), Some(&text[..]));
    assert!(Repo::open(bench.repo.path()).expect("opened").config().tombstone_commits);
}
