//! What `prune` keeps, deletes and counts.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use ostree_core::{Commit, CommitId, Metadata, ObjectKind, ObjectName, RawVariant, ReadObject, RefName, WriteObject};
use ostree_repo::partial::{self, CommitState};
use ostree_repo::prune::{PruneOptions, PruneStats, Retention, prune};
use ostree_repo::refs::RefTarget;
use ostree_repo::{LockKind, Repo, RepoError, RepoMode, TransactionOptions, create, list};
use testkit::sample::SampleTree;

struct Bench {
    _dir: tempfile::TempDir,
    repo: Repo,
    main: Vec<CommitId>,
    other: Vec<CommitId>,
}

/// Two refs of four commits each, oldest first, at the times 1000, 2000, …, and one commit without a ref. Each commit has
/// a file, a root dirtree and itself for its own; all share a dirmeta and a file.
fn bench() -> Bench {
    let dir = tempfile::tempdir().expect("a temporary directory");
    let repo = create(&dir.path().join("repo"), RepoMode::Archive, None).expect("a repository");
    let main = history(&repo, "main", 4);
    let other = history(&repo, "other", 4);
    history(&repo, "gone", 1);
    fs::remove_file(repo.path().join("refs/heads/gone")).expect("there");
    Bench { _dir: dir, repo, main, other }
}

fn history(repo: &Repo, name: &str, length: u64) -> Vec<CommitId> {
    let transaction = repo.transaction(TransactionOptions { fsync: Some(false), ..Default::default() });
    let transaction = transaction.expect("a transaction");
    let mut ids: Vec<CommitId> = Vec::new();
    let mut drafts = Vec::new();
    for n in 1..=length {
        let mut tree = SampleTree::new(&transaction).expect("a tree");
        tree.file("common", 0o644, b"common").expect("written");
        tree.file("own", 0o644, format!("{name}{n}").as_bytes()).expect("written");
        let draft = tree.commit(Metadata::default()).expect("written");
        let bytes = transaction.read_metadata(&draft.object()).expect("readable").expect("there");
        let commit =
            Commit { parent: ids.last().copied(), timestamp: n * 1000, ..Commit::decode(&bytes).expect("valid") };
        let id = transaction.write_metadata(ObjectKind::Commit, &commit.encode(), None).expect("written");
        ids.push(CommitId::new(id));
        drafts.push(draft);
    }
    transaction.set_ref(RefTarget::Local(RefName::new(name).expect("a name")), ids.last().copied());
    transaction.commit().expect("committed");
    for draft in drafts {
        fs::remove_file(repo.object_path(&draft.object())).expect("there");
    }
    ids
}

impl Bench {
    fn has(&self, id: &CommitId) -> bool {
        self.repo.has_object(&id.object()).expect("readable")
    }

    /// How many commits of `main` and of `other` are left.
    fn left(&self) -> (usize, usize) {
        let count = |ids: &[CommitId]| ids.iter().filter(|id| self.has(id)).count();
        (count(&self.main), count(&self.other))
    }

    fn prune(&self, options: &PruneOptions) -> Result<PruneStats, RepoError> {
        prune(&self.repo, options)
    }
}

fn refs_only(depth: Option<u64>) -> PruneOptions {
    PruneOptions { refs_only: true, depth, ..PruneOptions::default() }
}

#[test]
fn without_rules_every_commit_stays() {
    let bench = bench();
    let stats = bench.prune(&PruneOptions::default()).expect("pruned");
    assert_eq!((stats.total, stats.deleted), (9 * 3 + 2, 0));
    assert_eq!(stats.to_string(), "Total objects: 29\nNo unreachable objects");
    fs::remove_file(bench.repo.object_path(&bench.main[0].object())).expect("there");
    let stats = bench.prune(&PruneOptions::default()).expect("pruned");
    assert_eq!(stats.deleted, 2, "the tree and the file of the commit that is gone");
}

#[test]
fn refs_and_depth() {
    for (depth, left, deleted) in [(None, (4, 4), 3), (Some(2), (3, 3), 9), (Some(0), (1, 1), 21)] {
        let bench = bench();
        let dry = bench.prune(&PruneOptions { dry_run: true, ..refs_only(depth) }).expect("counted");
        assert_eq!((dry.deleted, list::commits(&bench.repo).expect("listed").len()), (deleted, 9));
        let stats = bench.prune(&refs_only(depth)).expect("pruned");
        assert_eq!((stats.deleted, stats.freed, bench.left()), (deleted, dry.freed, left));
        assert_eq!(bench.prune(&refs_only(depth)).expect("pruned").deleted, 0);
        for head in [&bench.main[3], &bench.other[3]] {
            assert!(ostree_core::walk::missing(&bench.repo, head).expect("walked").is_empty());
        }
    }
}

#[test]
fn a_commit_near_one_ref_stays_though_it_is_far_from_another() {
    let bench = bench();
    let old = RefTarget::Local(RefName::new("old").expect("a name"));
    ostree_repo::refs::write(&bench.repo, &old, Some(&bench.main[1]), false).expect("written");
    bench.prune(&refs_only(Some(1))).expect("pruned");
    // Of the head 3 and 2, of the old one 1 and 0.
    assert_eq!(bench.left(), (4, 2));
}

#[test]
fn rules_by_ref() {
    let main = "main".parse().expect("a ref");
    let younger = |only: bool, depth: Option<u64>| Retention {
        keep_younger_than: Some(3000),
        only_branches: BTreeSet::from_iter(only.then_some("main").map(|name| name.parse().expect("a ref"))),
        branch_depth: BTreeMap::from_iter(depth.map(|depth| ("main".parse().expect("a ref"), Some(depth)))),
    };
    let only = Retention { only_branches: BTreeSet::from([main]), ..Retention::default() };
    for (retention, depth, left) in [
        (younger(false, None), None, (2, 2)),
        (younger(true, None), None, (2, 4)),
        (younger(false, Some(2)), None, (3, 2)),
        (only, Some(0), (1, 4)),
    ] {
        let bench = bench();
        bench.prune(&PruneOptions { retention, depth, ..PruneOptions::default() }).expect("pruned");
        assert_eq!(bench.left(), left);
    }
    let nowhere = Retention { only_branches: BTreeSet::from(["no".parse().expect("a ref")]), ..Retention::default() };
    let error = bench().prune(&PruneOptions { retention: nowhere, ..PruneOptions::default() });
    assert_eq!(error.expect_err("no such ref").to_string(), "Refspec 'no' not found");
}

#[test]
fn commits_alone() {
    let bench = bench();
    let stats = bench.prune(&PruneOptions { commit_only: true, ..refs_only(Some(0)) }).expect("pruned");
    assert_eq!((stats.total, stats.deleted, bench.left()), (9, 7, (1, 1)));
    assert!(stats.to_string().starts_with("Total (commit only) objects: 9\nDeleted 7 objects, "));
}

#[test]
fn what_belongs_to_a_commit_goes_with_it() {
    let bench = bench();
    let doomed = bench.main[0];
    let transaction = bench.repo.transaction(TransactionOptions::default()).expect("a transaction");
    let detached = Metadata::from_iter([("k", RawVariant::string("v"))]);
    transaction.write_detached(&doomed, &detached).expect("written");
    transaction.commit().expect("committed");
    partial::mark(&bench.repo, &doomed, CommitState::Partial).expect("marked");
    // What a commit that goes anyway lacks is of no interest.
    let commit = ostree_core::walk::load_commit(&bench.repo, &doomed).expect("there");
    fs::remove_file(bench.repo.object_path(&commit.root_tree.object())).expect("there");
    bench.prune(&refs_only(Some(0))).expect("pruned");
    assert!(bench.repo.read_detached(&doomed).expect("readable").is_none());
    assert_eq!(partial::state(&bench.repo, &doomed).expect("readable"), CommitState::Complete);
}

#[test]
fn a_commit_to_be_kept_must_be_whole_or_marked() {
    let bench = bench();
    let commit = ostree_core::walk::load_commit(&bench.repo, &bench.main[3]).expect("there");
    fs::remove_file(bench.repo.object_path(&commit.root_tree.object())).expect("there");
    let error = bench.prune(&refs_only(Some(0))).expect_err("what is below is not known");
    assert_eq!(error.to_string(), format!("No such metadata object {}", commit.root_tree.object()));
    assert_eq!(bench.left(), (4, 4));
    partial::mark(&bench.repo, &bench.main[3], CommitState::Partial).expect("marked");
    bench.prune(&refs_only(Some(0))).expect("pruned");
    assert_eq!(bench.left(), (1, 1));
}

#[test]
fn deleting_one_commit_leaves_a_tombstone() {
    let bench = bench();
    let options = |commit| PruneOptions { delete_commit: Some(commit), ..PruneOptions::default() };
    let error = bench.prune(&options(bench.main[3])).expect_err("a head");
    assert_eq!(error.to_string(), format!("Commit '{}' is referenced by 'main'", bench.main[3]));
    let stats = bench.prune(&options(bench.main[1])).expect("pruned");
    assert_eq!((stats.total, stats.deleted), (28, 2));
    assert_eq!(bench.left(), (3, 4));
    let tombstone = ObjectName::new(ObjectKind::TombstoneCommit, *bench.main[1].checksum());
    assert!(bench.repo.has_object(&tombstone).expect("readable"));
    assert!(Repo::open(bench.repo.path()).expect("opened").config().tombstone_commits);
    let both = PruneOptions { dry_run: true, ..options(bench.main[0]) };
    assert!(bench.prune(&both).is_err());
    assert!(bench.prune(&PruneOptions { static_deltas_only: true, ..PruneOptions::default() }).is_err());
}

#[test]
fn nothing_is_deleted_while_a_transaction_is_open() {
    let bench = bench();
    let config = bench.repo.path().join("config");
    let text = fs::read_to_string(&config).expect("readable");
    fs::write(&config, format!("{text}lock-timeout-secs=0\n")).expect("writable");
    let repo = Repo::open(bench.repo.path()).expect("opened");
    let transaction = repo.transaction(TransactionOptions::default()).expect("a transaction");
    assert!(matches!(prune(&repo, &refs_only(Some(0))), Err(RepoError::Lock { kind: "exclusive", .. })));
    drop(transaction);
    let shared = repo.lock(LockKind::Shared).expect("locked");
    assert!(prune(&repo, &refs_only(Some(0))).is_err());
    drop(shared);
    assert!(prune(&repo, &refs_only(Some(0))).is_ok());
}
