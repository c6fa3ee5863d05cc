//! Repositories as object stores: the common suite in every mode, transactions, refs, locks and limits.

use std::cell::RefCell;
use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::Path;

use ostree_core::{
    CommitId, FileHeader, FileId, Metadata, ObjectKind, ObjectName, Owner, RawVariant, ReadObject, RefName, Refspec,
    WriteObject, Xattrs, walk,
};
use ostree_repo::partial::{self, CommitState};
use ostree_repo::refs::{self, RefTarget};
use ostree_repo::{Leftover, LockKind, Repo, RepoError, RepoMode, Transaction, TransactionOptions, create, list};
use tempfile::TempDir;
use testkit::memory_store::Store;
use testkit::sample;

/// Objects are staged and made visible at the end.
const STAGED: TransactionOptions = TransactionOptions { fsync: Some(true), per_object_fsync: Some(false) };
/// Objects are written in place.
const IN_PLACE: TransactionOptions = TransactionOptions { fsync: Some(false), per_object_fsync: None };

fn temp_dir() -> TempDir {
    tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR")).expect("a temporary directory")
}

fn new_repo(dir: &TempDir, name: &str, mode: RepoMode) -> Repo {
    create(&dir.path().join(name), mode, None).expect("a new repository")
}

/// Opens the repository again after `text` was put at the end of its configuration's `[core]` group.
fn with_config(repo: &Repo, text: &str) -> Result<Repo, RepoError> {
    let path = repo.path().join("config");
    let old = fs::read_to_string(&path).expect("readable config");
    fs::write(&path, format!("{old}{text}\n")).expect("writable config");
    Repo::open(repo.path())
}

fn target(name: &str) -> RefTarget {
    RefTarget::from(name.parse::<Refspec>().expect("a refspec"))
}

fn put(store: &dyn WriteObject, content: &[u8]) -> FileId {
    let header = FileHeader::regular(Owner::default(), 0o644, Xattrs::default());
    store.write_file(&header, content.len() as u64, &mut &content[..], None).expect("written")
}

fn visible(repo: &Repo, name: &ObjectName) -> bool {
    ReadObject::has_object(repo, name).expect("readable")
}

/// A commit in a new repository.
fn with_commit(dir: &TempDir) -> (Repo, CommitId) {
    let repo = new_repo(dir, "repo", RepoMode::Archive);
    let transaction = repo.transaction(IN_PLACE).expect("begun");
    let commit = sample::small_commit(&transaction).expect("written");
    transaction.commit().expect("committed");
    (repo, commit)
}

/// The suite wants stores that stand for themselves, so the repositories of a run live until the test process ends.
fn run_suite(mode: RepoMode, options: TransactionOptions) {
    let dirs = RefCell::new(Vec::new());
    let make = || -> Box<dyn Store> {
        let dir = temp_dir();
        let repo: &'static Repo = Box::leak(Box::new(new_repo(&dir, "repo", mode)));
        dirs.borrow_mut().push(dir);
        Box::new(repo.transaction(options).expect("begun"))
    };
    testkit::store_suite::run(&make);
}

#[test]
fn bare_user_is_a_store() {
    run_suite(RepoMode::BareUser, STAGED);
    run_suite(RepoMode::BareUser, IN_PLACE);
}

#[test]
fn archive_is_a_store() {
    run_suite(RepoMode::Archive, STAGED);
    run_suite(RepoMode::Archive, IN_PLACE);
}

/// The suite wants `user` xattrs on symlinks, which Linux has not; mode `bare` is held to the rest of it here.
#[test]
fn bare_keeps_owner_mode_and_xattrs() {
    let dir = temp_dir();
    if fs::metadata(dir.path()).expect("readable").uid() != 0 {
        eprintln!("SKIPPED: bare_keeps_owner_mode_and_xattrs needs root");
        return;
    }
    let repo = new_repo(&dir, "repo", RepoMode::Bare);
    let transaction = repo.transaction(STAGED).expect("begun");
    let owner = Owner { uid: 12, gid: 34 };
    let set = sample::xattrs(&[("user.a", b"\0\n"), ("user.b", b"")]);
    let files = [
        (FileHeader::regular(owner, 0o4711, set), sample::noise(3, 300_000)),
        (FileHeader::regular(owner, 0o000, Xattrs::default()), b"unreadable".to_vec()),
        (FileHeader::symlink(owner, "../..//there", Xattrs::default()), Vec::new()),
    ];
    for (header, content) in &files {
        let id = transaction.write_file(header, content.len() as u64, &mut &content[..], None).expect("written");
        let read = transaction.read_file(&id).expect("readable").expect("there");
        assert_eq!((&read.header, read.size), (header, content.len() as u64));
        let mut bytes = Vec::new();
        if let Some(mut stream) = read.content {
            stream.read_to_end(&mut bytes).expect("readable");
        }
        assert_eq!(&bytes, content);
    }
    transaction.commit().expect("committed");
}

#[test]
fn a_dropped_transaction_leaves_nothing_that_is_seen() {
    let dir = temp_dir();
    let repo = new_repo(&dir, "repo", RepoMode::BareUser);
    let commit = {
        let transaction = repo.transaction(STAGED).expect("begun");
        let commit = sample::small_commit(&transaction).expect("written");
        transaction.set_ref(target("main"), Some(commit));
        assert!(transaction.read_metadata(&commit.object()).expect("readable").is_some(), "it sees itself");
        commit
    };
    assert!(list::objects(&repo).expect("readable").is_empty());
    assert!(refs::list(&repo).expect("readable").is_empty());
    assert!(repo.read_metadata(&commit.object()).expect("readable").is_none());
}

#[test]
fn what_was_staged_is_used_again() {
    let dir = temp_dir();
    let repo = new_repo(&dir, "repo", RepoMode::Archive);
    let id = put(&repo.transaction(STAGED).expect("begun"), b"staged");
    assert!(!visible(&repo, &id.object()));
    let next = repo.transaction(STAGED).expect("begun");
    assert!(WriteObject::has_object(&next, &id.object()).expect("readable"));
    assert_eq!(put(&next, b"staged"), id);
    assert_eq!((next.stats().content_total, next.stats().content_written), (1, 0));
    next.commit().expect("committed");
    assert!(visible(&repo, &id.object()));
    let leftover: Vec<_> = fs::read_dir(repo.path().join("tmp")).expect("readable").collect();
    assert!(leftover.iter().flatten().all(|entry| entry.file_name() == "cache"), "{leftover:?}");
}

#[test]
fn what_is_settled_stays_and_what_is_left_over_can_be_looked_at() {
    let dir = temp_dir();
    let repo = new_repo(&dir, "repo", RepoMode::BareUser);
    let transaction = repo.transaction(STAGED).expect("begun");
    let [settled, staged, discarded] =
        ["settled", "staged", "discarded"].map(|text| put(&transaction, text.as_bytes()));
    transaction.settle(&[settled.object()]).expect("settled");
    transaction.retain([staged.object()]);
    for name in [&staged, &discarded] {
        transaction.discard(&name.object()).expect("discarded, unless it is retained");
    }
    // What others see already is not taken back.
    transaction.discard(&settled.object()).expect("left alone");
    let seen = |name: FileId| visible(&repo, &name.object());
    assert_eq!([settled, staged, discarded].map(seen), [true, false, false]);
    let own = |name: FileId| ReadObject::has_object(&transaction, &name.object()).expect("readable");
    assert_eq!([settled, staged, discarded].map(own), [true, true, false]);
    // Somebody has it.
    let held = Leftover::of(&repo).expect("readable");
    assert!(!held.view().has_object(&staged.object()).expect("readable"));
    drop(transaction);
    let left = Leftover::of(&repo).expect("readable");
    assert!(
        left.view().has_object(&staged.object()).expect("readable")
            && left.view().has_object(&settled.object()).expect("readable")
    );
    assert_eq!(left.view().read_file(&staged).expect("readable").expect("a file").size, 6);
    assert!(left.staged_bytes(&[staged.object()]) > 0 && left.staged_bytes(&[settled.object()]) == 0);
    repo.transaction(STAGED).expect("begun").commit().expect("committed");
    assert_eq!([settled, staged, discarded].map(seen), [true, true, false]);
}

#[test]
fn two_transactions_at_once_keep_the_first_object() {
    let dir = temp_dir();
    let repo = new_repo(&dir, "repo", RepoMode::BareUser);
    let (one, two) = (repo.transaction(STAGED).expect("begun"), repo.transaction(STAGED).expect("begun"));
    let same = put(&one, b"same");
    assert!(!WriteObject::has_object(&two, &same.object()).expect("readable"), "each has its own stage");
    assert_eq!(put(&two, b"same"), same);
    let others: Vec<FileId> = (0..300u32).map(|n| put(&two, &n.to_le_bytes())).collect();
    one.commit().expect("committed");
    let inode = |id: &FileId| fs::metadata(repo.object_path(&id.object())).expect("there").ino();
    let first = inode(&same);
    two.commit().expect("committed");
    assert_eq!(inode(&same), first, "an object that is there stays");
    assert!(others.iter().all(|id| visible(&repo, &id.object())));
}

#[test]
fn refs_move_with_the_commit_alone() {
    let dir = temp_dir();
    let (repo, commit) = with_commit(&dir);
    let set = |name: &str, commit: Option<CommitId>| {
        let transaction = repo.transaction(STAGED).expect("begun");
        transaction.set_ref(target(name), commit);
        assert_ne!(refs::read(&repo, &target(name)).expect("readable"), commit, "not before the end");
        transaction.commit()
    };
    set("main", Some(commit)).expect("committed");
    assert_eq!(refs::read(&repo, &target("main")).expect("readable"), Some(commit));
    set("main", None).expect("committed");
    assert!(refs::list(&repo).expect("readable").is_empty());
}

#[test]
fn detached_metadata_is_replaced_everywhere() {
    let dir = temp_dir();
    let (repo, commit) = with_commit(&dir);
    for options in [STAGED, IN_PLACE, STAGED] {
        for text in ["one", "two"] {
            let metadata = Metadata::from_iter([("key", RawVariant::string(text))]);
            let transaction = repo.transaction(options).expect("begun");
            transaction.write_detached(&commit, &metadata).expect("written");
            assert_eq!(transaction.read_detached(&commit).expect("readable").as_ref(), Some(&metadata));
            transaction.commit().expect("committed");
            assert_eq!(repo.read_detached(&commit).expect("readable"), Some(metadata));
        }
    }
}

#[test]
fn revisions_are_resolved() {
    let dir = temp_dir();
    let (repo, commit) = with_commit(&dir);
    let transaction = repo.transaction(IN_PLACE).expect("begun");
    let mut child = walk::load_commit(&repo, &commit).expect("readable");
    child.parent = Some(commit);
    let child = transaction.write_metadata(ObjectKind::Commit, &child.encode(), None).map(CommitId::new);
    let child = child.expect("written");
    transaction.set_ref(target("a/b"), Some(child));
    transaction.set_ref(target("origin:main"), Some(commit));
    transaction.commit().expect("committed");
    let resolve = |rev: &str| refs::resolve(&repo, rev).map_err(|error| error.to_string());
    assert_eq!(resolve("a/b"), Ok(child));
    assert_eq!(resolve("a/b^"), Ok(commit));
    assert_eq!(resolve(&child.to_string()[..20]), Ok(child));
    assert_eq!(resolve(&format!("{}^", &child.to_string()[..20])), Ok(commit));
    for name in ["origin:main", "origin/main", "main"] {
        assert_eq!(resolve(name), Ok(commit), "{name}");
    }
    assert!(refs::resolve_local(&repo, "main").is_err());
    assert_eq!(resolve("a/b^^"), Err(format!("Commit {commit} has no parent")));
    assert_eq!(resolve("nothing"), Err("Refspec 'nothing' not found".into()));
    assert_eq!(resolve(""), Err("Refspec  not unique".into()), "every commit starts with nothing");
    let listed: Vec<String> = refs::list(&repo).expect("readable").keys().map(ToString::to_string).collect();
    assert_eq!(listed, ["a/b", "origin:main"]);
}

#[test]
fn refs_conflict_and_have_aliases() {
    let dir = temp_dir();
    let (repo, commit) = with_commit(&dir);
    let write = |name: &str, commit: Option<&CommitId>| refs::write(&repo, &target(name), commit, false);
    write("a/b", Some(&commit)).expect("written");
    let refused = write("a", Some(&commit)).expect_err("a directory with a ref is no ref");
    assert_eq!(refused.to_string(), "Conflict: b exists under a when attempting write");
    assert!(write("a/b/c", Some(&commit)).is_err(), "a ref is no directory");
    write("a/b", None).expect("removed");
    write("a", Some(&commit)).expect("an empty directory gives way");
    let name = |text: &str| RefName::new(text).expect("a name");
    refs::set_alias(&repo, &name("alias/deep"), &name("a")).expect("made");
    assert_eq!(refs::resolve(&repo, "alias/deep").ok(), Some(commit));
    assert_eq!(
        refs::aliases(&repo).expect("readable").into_iter().collect::<Vec<_>>(),
        [(name("alias/deep"), name("a"))]
    );
    let refused = write("a", None).expect_err("an alias needs it");
    assert_eq!(refused.to_string(), "Ref 'a' has an active alias: 'alias/deep'");
    write("alias/deep", None).expect("removed");
    write("a", None).expect("removed");
    assert!(write("a", None).is_err(), "what is not there cannot be removed");
}

#[test]
fn many_refs_move_together_and_leave_nothing_when_one_cannot() {
    let dir = temp_dir();
    let (repo, commit) = with_commit(&dir);
    let set = |names: &[String]| {
        let transaction = repo.transaction(STAGED).expect("a transaction");
        names.iter().for_each(|name| transaction.set_ref(target(name), Some(commit)));
        transaction.commit()
    };
    let many: Vec<String> = (0..9).map(|number| format!("many/{number}")).collect();
    set(&many).expect("committed");
    for name in &many {
        assert_eq!(refs::read(&repo, &target(name)).expect("readable"), Some(commit), "{name}");
    }
    let below = ["before/a", "before/b", "before/c", "many/3/below"].map(str::to_owned);
    assert!(set(&below).is_err());
    assert_eq!(refs::read(&repo, &target("before/a")).expect("readable"), None);
    let left = fs::read_dir(repo.path().join("refs/heads/before")).expect("there").count();
    assert_eq!(left, 0);
}

#[test]
fn locks_exclude_handles_in_one_process() {
    let dir = temp_dir();
    let one = with_config(&new_repo(&dir, "repo", RepoMode::Archive), "lock-timeout-secs=0").expect("opened");
    let two = Repo::open(one.path()).expect("opened");
    let shared = [one.lock(LockKind::Shared).expect("free"), two.lock(LockKind::Shared).expect("shared")];
    assert!(matches!(two.lock(LockKind::Exclusive), Err(RepoError::Lock { kind: "exclusive", .. })));
    drop(shared);
    let alone = two.lock(LockKind::Exclusive).expect("free");
    assert!(matches!(one.lock(LockKind::Shared), Err(RepoError::Lock { kind: "shared", .. })));
    assert!(matches!(one.transaction(STAGED), Err(RepoError::Lock { .. })));
    drop(alone);
    one.transaction(STAGED).expect("free");
}

#[test]
fn lock_settings_at_their_ends() {
    let dir = temp_dir();
    let repo = new_repo(&dir, "repo", RepoMode::Archive);
    let endless = with_config(&repo, &format!("lock-timeout-secs={}", i64::MAX)).expect("opened");
    let held = endless.lock(LockKind::Exclusive).expect("free, and no overflow");
    let unlocked = with_config(&repo, "locking=false").expect("opened");
    drop((unlocked.lock(LockKind::Exclusive).expect("not locked at all"), held));
}

fn files_below(path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    for entry in fs::read_dir(path).expect("readable").flatten() {
        match entry.file_type().expect("known").is_dir() {
            true => found.extend(files_below(&entry.path())),
            false => found.push(entry.file_name().display().to_string()),
        }
    }
    found
}

#[test]
fn free_space_is_kept() {
    for size in ["1000000TB", "99999999999999MB"] {
        for options in [STAGED, IN_PLACE] {
            let dir = temp_dir();
            let repo = new_repo(&dir, "repo", RepoMode::BareUser);
            let repo = with_config(&repo, &format!("min-free-space-size={size}")).expect("opened");
            let transaction = repo.transaction(options).expect("begun");
            let header = FileHeader::regular(Owner::default(), 0o644, Xattrs::default());
            let refused = transaction.write_file(&header, 5, &mut &b"hello"[..], None).expect_err("no space");
            let refused = RepoError::from(refused);
            assert!(matches!(refused, RepoError::NoSpace { .. }), "{refused:?}");
            assert!(refused.to_string().starts_with("min-free-space-size "), "{refused}");
            drop(transaction);
            assert!(list::objects(&repo).expect("readable").is_empty());
            let left = files_below(&repo.path().join("tmp"));
            assert!(left.iter().all(|name| name.ends_with("-lock")), "{left:?}");
        }
    }
}

#[test]
fn repositories_that_cannot_be_used_are_refused() {
    let dir = temp_dir();
    let repo = new_repo(&dir, "repo", RepoMode::Archive);
    let config = fs::read_to_string(repo.path().join("config")).expect("readable");
    fs::write(repo.path().join("config"), config.replace("archive-z2", "odd")).expect("writable");
    let refused = Repo::open(repo.path()).expect_err("an unknown mode");
    assert!(refused.to_string().ends_with("Invalid mode 'odd' in repository configuration"), "{refused}");
    assert!(Repo::open(&dir.path().join("nothing")).is_err());
    assert!(Repo::open(dir.path()).is_err(), "a directory is no repository");
}

#[test]
fn a_repository_that_cannot_be_written_can_be_read() {
    let dir = temp_dir();
    let (repo, commit) = with_commit(&dir);
    if fs::metadata(dir.path()).expect("readable").uid() == 0 {
        eprintln!("SKIPPED: a_repository_that_cannot_be_written_can_be_read, because root can write everywhere");
        return;
    }
    let objects = repo.path().join("objects");
    fs::set_permissions(&objects, fs::Permissions::from_mode(0o555)).expect("own directory");
    assert!(matches!(repo.transaction(STAGED), Err(RepoError::NotWritable { .. })));
    assert!(walk::missing(&repo, &commit).expect("readable").is_empty());
    drop(repo.lock(LockKind::Exclusive).expect("nothing to lock"));
    fs::set_permissions(&objects, fs::Permissions::from_mode(0o755)).expect("own directory");
}

#[test]
fn bare_split_xattrs_is_never_written() {
    let dir = temp_dir();
    let repo = new_repo(&dir, "repo", RepoMode::BareSplitXattrs);
    let transaction = repo.transaction(STAGED).expect("begun");
    let header = FileHeader::regular(Owner::default(), 0o644, Xattrs::default());
    let refused = transaction.write_file(&header, 0, &mut std::io::empty(), None).expect_err("read only");
    assert_eq!(refused.to_string(), "Not allowed due to repo mode");
}

#[test]
fn partial_marks_stay_until_they_are_cleared() {
    let dir = temp_dir();
    let (repo, commit) = with_commit(&dir);
    let state = || partial::state(&repo, &commit).expect("readable");
    assert_eq!(state(), CommitState::Complete);
    partial::mark(&repo, &commit, CommitState::Partial).expect("marked");
    partial::mark(&repo, &commit, CommitState::Damaged).expect("marked already");
    assert_eq!(state(), CommitState::Partial);
    assert!(partial::clear(&repo, &commit).expect("cleared"));
    assert!(!partial::clear(&repo, &commit).expect("nothing to clear"));
    partial::mark(&repo, &commit, CommitState::Damaged).expect("marked");
    assert_eq!(state(), CommitState::Damaged);
}

#[test]
fn a_parent_repository_is_read_and_never_written() {
    let dir = temp_dir();
    let (parent, commit) = with_commit(&dir);
    refs::write(&parent, &target("main"), Some(&commit), false).expect("written");
    let child = with_config(&new_repo(&dir, "child", RepoMode::BareUser), "parent=../repo").expect("opened");
    assert!(walk::missing(&child, &commit).expect("readable").is_empty());
    assert_eq!(refs::resolve(&child, "main").ok(), Some(commit));
    assert!(refs::list(&child).expect("readable").is_empty() && list::objects(&child).expect("readable").is_empty());
    let before = list::objects(&parent).expect("readable").len();
    let transaction: Transaction<'_> = child.transaction(STAGED).expect("begun");
    assert_eq!(sample::small_commit(&transaction).expect("written"), commit);
    transaction.commit().expect("committed");
    assert_eq!(list::objects(&child).expect("readable").len(), before, "the child has its own copies");
    assert_eq!(list::objects(&parent).expect("readable").len(), before);
    let ring = with_config(&parent, "parent=.").expect_err("a ring of parents");
    assert!(format!("{ring:?}").contains("a ring of parents"), "{ring:?}");
}
