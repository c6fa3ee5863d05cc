//! Checkouts and comparisons of commits written through transactions, in every mode this process may use.

use std::fs;
use std::io::Write;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use ostree_core::{CommitId, DirMeta, FileHeader, Metadata, Owner, StoreError, Xattrs, mode};
use ostree_repo::diff::{Diff, DiffOptions, DiffSide, diff, stats};
use ostree_repo::{
    CheckoutOptions, LinkPolicy, Repo, RepoError, RepoMode, TransactionOptions, UnionMode, checkout, create,
};
use testkit::sample::SampleTree;

struct Bench {
    dir: tempfile::TempDir,
    repo: Repo,
}

impl Bench {
    fn new(mode: RepoMode) -> Self {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let repo = create(&dir.path().join("repo"), mode, None).expect("a repository");
        Self { dir, repo }
    }

    fn write(&self, fill: impl FnOnce(&mut SampleTree<'_>) -> Result<(), StoreError>) -> CommitId {
        let transaction = self.repo.transaction(TransactionOptions { fsync: Some(false), ..Default::default() });
        let transaction = transaction.expect("a transaction");
        let id = {
            let mut tree = SampleTree::new(&transaction).expect("a tree");
            fill(&mut tree).expect("filled");
            tree.commit(Metadata::default()).expect("written")
        };
        transaction.commit().expect("committed");
        id
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, commit: &CommitId, options: &CheckoutOptions) -> Result<PathBuf, RepoError> {
        let out = self.path("out");
        checkout(&self.repo, commit, &out, options).map(|_| out)
    }
}

/// Modes whose files this process can check out to the full.
fn modes() -> Vec<RepoMode> {
    let mut modes = vec![RepoMode::BareUser, RepoMode::BareUserOnly, RepoMode::Archive];
    match is_root() {
        true => modes.push(RepoMode::Bare),
        false => skipped("mode bare"),
    }
    modes
}

/// Said past the test harness, which keeps the output of tests that pass to itself.
fn skipped(what: &str) {
    let line = format!("SKIPPED: {what}: needs root\n");
    std::io::stderr().write_all(line.as_bytes()).expect("stderr takes it");
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn user() -> CheckoutOptions {
    CheckoutOptions { user_mode: true, ..Default::default() }
}

fn fill(tree: &mut SampleTree<'_>) -> Result<(), StoreError> {
    tree.file("usr/bin/tool", 0o755, b"tool\n")?;
    tree.file("usr/bin/same", 0o755, b"tool\n")?;
    tree.file("usr/share/empty", 0o644, b"")?;
    tree.file("usr/share/large", 0o640, &testkit::sample::noise(1, 300_000))?;
    tree.symlink("usr/bin/link", "tool")?;
    let meta = DirMeta { owner: Owner::default(), mode: mode::DIRECTORY | 0o710, xattrs: Xattrs::default() };
    tree.dir("private", &meta)?;
    for n in 0..300 {
        tree.file(&format!("many/{n}"), 0o644, format!("{}\n", n % 7).as_bytes())?;
    }
    Ok(())
}

/// A file its owner may not read. Only root could read it back from a `bare-user-only` repository.
fn fill_with_closed(tree: &mut SampleTree<'_>) -> Result<(), StoreError> {
    tree.file("usr/bin/closed", 0o044, b"closed\n")?;
    fill(tree)
}

fn permissions(path: impl AsRef<Path>) -> u32 {
    fs::symlink_metadata(path).expect("there").permissions().mode() & 0o7777
}

fn text(path: impl AsRef<Path>) -> String {
    fs::read_to_string(path).expect("readable")
}

/// What stands in `dir`, names only.
fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(dir)
        .expect("listed")
        .map(|entry| entry.expect("read").file_name().into_string().expect("text"))
        .collect();
    names.sort();
    names
}

#[test]
fn user_checkouts_have_content_modes_and_times() {
    for mode in modes() {
        for link in [LinkPolicy::Any, LinkPolicy::ForceCopy] {
            let bench = Bench::new(mode);
            let closed = mode != RepoMode::BareUserOnly;
            let commit = bench.write(if closed { fill_with_closed } else { fill });
            let out = bench.run(&commit, &CheckoutOptions { link, ..user() }).expect("checked out");
            assert_eq!(text(out.join("usr/bin/tool")), "tool\n");
            assert_eq!(fs::read(out.join("usr/share/large")).unwrap(), testkit::sample::noise(1, 300_000));
            assert_eq!(fs::read_link(out.join("usr/bin/link")).unwrap(), Path::new("tool"));
            assert_eq!(permissions(out.join("usr/bin/tool")), 0o755);
            if closed {
                assert_eq!(permissions(out.join("usr/bin/closed")), 0o444, "readable by its owner");
            }
            assert_eq!(permissions(out.join("usr/share/large")), 0o640);
            assert_eq!(permissions(out.join("private")), 0o710);
            assert_eq!(names(&out.join("many")).len(), 300);
            let zero = link != LinkPolicy::ForceCopy;
            for dir in ["", "usr", "many", "private"] {
                assert_eq!(fs::metadata(out.join(dir)).unwrap().mtime() == 0, zero, "{mode} {dir}");
            }
            assert_eq!(names(bench.dir.path()), ["out", "repo"]);
        }
    }
}

#[test]
fn hardlinks_where_the_modes_agree_and_nowhere_else() {
    for mode in modes() {
        let bench = Bench::new(mode);
        let closed = mode != RepoMode::BareUserOnly;
        let commit = bench.write(if closed { fill_with_closed } else { fill });
        let options = CheckoutOptions { link: LinkPolicy::RequireHardlinks, ..user() };
        if !matches!(mode, RepoMode::BareUser | RepoMode::BareUserOnly) {
            let message = bench.run(&commit, &options).expect_err("refused").to_string();
            assert_eq!(message, "Bare repository mode cannot hardlink in user checkout mode");
            assert_eq!(names(bench.dir.path()), ["repo"], "nothing is left");
            continue;
        }
        let out = bench.run(&commit, &options).expect("checked out");
        let inode = |name: &str| fs::symlink_metadata(out.join(name)).unwrap().ino();
        assert_eq!(inode("usr/bin/tool"), inode("usr/bin/same"));
        assert_eq!(fs::metadata(out.join("usr/share/empty")).unwrap().nlink(), 1);
        if closed {
            assert_eq!(fs::metadata(out.join("usr/bin/closed")).unwrap().nlink(), 1);
        }
        assert_eq!(fs::symlink_metadata(out.join("usr/bin/link")).unwrap().nlink(), 1);
    }
    let bench = Bench::new(RepoMode::BareUser);
    let commit = bench.write(fill);
    let options = CheckoutOptions { link: LinkPolicy::RequireHardlinks, ..Default::default() };
    let message = bench.run(&commit, &options).expect_err("refused").to_string();
    assert_eq!(message, "User repository mode requires user checkout mode to hardlink");
}

#[test]
fn user_checkouts_from_an_archive_share_what_was_decompressed() {
    let bench = Bench::new(RepoMode::Archive);
    let commit = bench.write(fill_with_closed);
    let run = |name: &str, uncompressed_cache: bool| {
        let out = bench.path(name);
        checkout(&bench.repo, &commit, &out, &CheckoutOptions { uncompressed_cache, ..user() }).expect("checked out");
        out
    };
    let inode = |path: PathBuf| fs::symlink_metadata(path).expect("there").ino();
    let cache = bench.path("repo/uncompressed-objects-cache");
    let alone = run("alone", false);
    assert!(!cache.exists());
    let (one, two) = (run("one", true), run("two", true));
    // Nine contents: the tool, the large file and seven of the many. Not the empty and the closed one, nor the symlink.
    let cached = names(&cache).iter().map(|prefix| names(&cache.join(prefix)).len()).sum::<usize>();
    assert_eq!(cached, 9);
    assert_eq!(inode(one.join("usr/bin/tool")), inode(two.join("usr/bin/same")));
    assert_ne!(inode(one.join("usr/bin/tool")), inode(alone.join("usr/bin/tool")));
    for copied in ["usr/share/empty", "usr/bin/closed", "usr/bin/link"] {
        assert_ne!(inode(one.join(copied)), inode(two.join(copied)), "{copied}");
    }
    assert_eq!((text(two.join("usr/bin/tool")), permissions(two.join("usr/share/large"))), ("tool\n".into(), 0o640));
    assert!(names(&bench.path("repo/tmp")).iter().all(|name| !name.ends_with(".tmp")));
}

#[test]
fn full_checkouts_restore_owners_xattrs_and_set_uid() {
    if !is_root() {
        skipped("full checkouts");
        return;
    }
    for mode in [RepoMode::Bare, RepoMode::BareUser, RepoMode::Archive] {
        let bench = Bench::new(mode);
        let xattrs = testkit::sample::xattrs(&[("user.name", b"value")]);
        let owner = Owner { uid: 7, gid: 8 };
        let commit = bench.write(|tree| {
            tree.put("su", &FileHeader::regular(owner, 0o4755, xattrs.clone()), b"su\n")?;
            tree.put("link", &FileHeader::symlink(owner, "su", Xattrs::default()), b"")?;
            tree.dir("dir", &DirMeta { owner, mode: mode::DIRECTORY | 0o2755, xattrs: xattrs.clone() })
        });
        let out = bench.run(&commit, &CheckoutOptions::default()).expect("checked out");
        for name in ["su", "link", "dir"] {
            let stat = fs::symlink_metadata(out.join(name)).unwrap();
            assert_eq!((stat.uid(), stat.gid()), (7, 8), "{mode} {name}");
        }
        assert_eq!((permissions(out.join("su")), permissions(out.join("dir"))), (0o4755, 0o2755));
        for name in ["su", "dir"] {
            let mut value = [0; 16];
            let length = rustix::fs::lgetxattr(out.join(name), "user.name", &mut value).expect("there");
            assert_eq!(&value[..length], b"value");
        }
        let linked = fs::symlink_metadata(out.join("su")).unwrap().nlink() == 2;
        assert_eq!(linked, mode == RepoMode::Bare);
    }
}

#[test]
fn the_destination_must_be_new_and_appears_whole() {
    let bench = Bench::new(RepoMode::BareUser);
    let commit = bench.write(fill);
    fs::create_dir(bench.path("out")).unwrap();
    assert!(matches!(bench.run(&commit, &user()), Err(RepoError::Io { .. })));
    fs::remove_dir(bench.path("out")).unwrap();
    // An object that is missing is found late, when much is there already.
    let entry = ostree_core::walk::load_commit(&bench.repo, &commit).unwrap();
    let usr = ostree_core::walk::load_dirtree(&bench.repo, &entry.root_tree).unwrap().dir("usr").unwrap().tree;
    fs::remove_file(bench.repo.object_path(&usr.object())).unwrap();
    let message = bench.run(&commit, &user()).expect_err("refused").to_string();
    assert_eq!(message, format!("No such metadata object {}", usr.object()));
    assert_eq!(names(bench.dir.path()), ["repo"], "nothing is left");
}

fn overlay(bench: &Bench, commit: &CommitId, union: UnionMode, link: LinkPolicy) -> Result<PathBuf, RepoError> {
    bench.run(commit, &CheckoutOptions { union, link, ..user() })
}

#[test]
fn union_modes_keep_replace_or_compare() {
    for mode in modes() {
        for link in [LinkPolicy::Any, LinkPolicy::ForceCopy] {
            let bench = Bench::new(mode);
            let commit = bench.write(fill);
            let out = bench.path("out");
            fs::create_dir_all(out.join("usr/bin")).unwrap();
            fs::set_permissions(out.join("usr"), fs::Permissions::from_mode(0o700)).unwrap();
            fs::write(out.join("usr/bin/tool"), "other").unwrap();
            fs::write(out.join("usr/bin/mine"), "mine").unwrap();
            symlink("elsewhere", out.join("usr/bin/link")).unwrap();
            overlay(&bench, &commit, UnionMode::Add, link).expect("added");
            assert_eq!(text(out.join("usr/bin/tool")), "other");
            assert_eq!(fs::read_link(out.join("usr/bin/link")).unwrap(), Path::new("elsewhere"));
            assert_eq!(text(out.join("usr/bin/same")), "tool\n");
            overlay(&bench, &commit, UnionMode::Replace, link).expect("replaced");
            overlay(&bench, &commit, UnionMode::Replace, link).expect("replaced again");
            assert_eq!(text(out.join("usr/bin/tool")), "tool\n");
            assert_eq!(text(out.join("usr/bin/mine")), "mine");
            assert_eq!(fs::read_link(out.join("usr/bin/link")).unwrap(), Path::new("tool"));
            assert_eq!(permissions(out.join("usr")), 0o700, "an existing directory keeps its mode");
            assert_eq!(names(&out.join("usr/bin")), ["link", "mine", "same", "tool"]);
        }
    }
}

#[test]
fn union_identical_goes_by_inode_then_by_content() {
    let bench = Bench::new(RepoMode::BareUser);
    let commit = bench.write(fill);
    let run = || overlay(&bench, &commit, UnionMode::Identical, LinkPolicy::RequireHardlinks);
    assert!(overlay(&bench, &commit, UnionMode::Identical, LinkPolicy::Any).is_err());
    let out = run().expect("new");
    run().expect("the same inodes");
    let tool = out.join("usr/bin/tool");
    fs::remove_file(&tool).unwrap();
    fs::write(&tool, "tool\n").unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    run().expect("the same content");
    assert_eq!(fs::metadata(&tool).unwrap().nlink(), 1, "left as it was");
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o700)).unwrap();
    assert!(run().is_err(), "another mode");
    fs::remove_file(&tool).unwrap();
    fs::write(&tool, "tooL\n").unwrap();
    fs::set_permissions(&tool, fs::Permissions::from_mode(0o755)).unwrap();
    let error = run().expect_err("other content");
    assert!(error.to_string().ends_with("usr/bin/tool"), "{error}");
}

#[test]
fn symlinks_of_the_destination_are_not_followed() {
    for union in [UnionMode::Replace, UnionMode::Add] {
        let bench = Bench::new(RepoMode::BareUser);
        let commit = bench.write(fill);
        let outside = bench.path("outside");
        fs::create_dir_all(outside.join("bin")).unwrap();
        fs::create_dir(bench.path("out")).unwrap();
        symlink(&outside, bench.path("out/usr")).unwrap();
        let error = overlay(&bench, &commit, union, LinkPolicy::Any).expect_err("refused");
        assert!(error.to_string().ends_with("out/usr"), "{error}");
        assert_eq!(names(&outside), ["bin"]);
        assert!(names(&outside.join("bin")).is_empty());
        // A symlink in the place of a file is replaced or left, not written through.
        fs::remove_file(bench.path("out/usr")).unwrap();
        fs::create_dir_all(bench.path("out/usr/bin")).unwrap();
        fs::write(outside.join("victim"), "victim").unwrap();
        symlink(outside.join("victim"), bench.path("out/usr/bin/tool")).unwrap();
        overlay(&bench, &commit, union, LinkPolicy::ForceCopy).expect("checked out");
        assert_eq!(text(outside.join("victim")), "victim");
    }
}

#[test]
fn whiteouts_remove_and_opaque_directories_start_empty() {
    for mode in modes() {
        let bench = Bench::new(mode);
        let commit = bench.write(|tree| {
            tree.file(".wh.gone", 0o644, b"")?;
            tree.file(".wh.gonedir", 0o644, b"x")?;
            tree.file("opaque/.wh..wh..opq", 0o644, b"")?;
            tree.file("opaque/new", 0o644, b"new").map(|_| ())
        });
        let out = bench.path("out");
        fs::create_dir_all(out.join("gonedir/deep")).unwrap();
        fs::create_dir_all(out.join("opaque/old")).unwrap();
        fs::write(out.join("gone"), "").unwrap();
        fs::write(out.join("stays"), "").unwrap();
        let options = CheckoutOptions { whiteouts: true, union: UnionMode::Replace, ..user() };
        bench.run(&commit, &options).expect("checked out");
        assert_eq!(names(&out), ["opaque", "stays"], "{mode}");
        assert_eq!(names(&out.join("opaque")), ["new"]);
    }
    for name in [".wh.", ".wh..", ".wh..."] {
        let bench = Bench::new(RepoMode::BareUser);
        let commit = bench.write(|tree| tree.file(&format!("d/{name}"), 0o644, b"").map(|_| ()));
        fs::write(bench.path("beside"), "").unwrap();
        let options = CheckoutOptions { whiteouts: true, union: UnionMode::Replace, ..user() };
        assert!(bench.run(&commit, &options).is_err(), "{name}");
        assert!(bench.path("beside").exists());
    }
}

#[test]
fn parts_of_a_commit() {
    let bench = Bench::new(RepoMode::BareUser);
    let commit = bench.write(fill);
    let part = |subpath: &str| {
        let _ = fs::remove_dir_all(bench.path("out"));
        bench.run(&commit, &CheckoutOptions { subpath: subpath.into(), ..user() })
    };
    assert_eq!(names(&part("/usr/bin").expect("a directory")), ["link", "same", "tool"]);
    assert_eq!(names(&part("usr/bin/tool").expect("a file")), ["tool"]);
    assert_eq!(part("/nope").unwrap_err().to_string(), "No such file or directory: /nope");
    assert_eq!(part("/usr/bin/tool/x").unwrap_err().to_string(), "Not a directory");
    assert!(part("/usr/..").is_err());
    let lenient = CheckoutOptions { subpath: "/nope".into(), allow_noent: true, ..user() };
    assert!(!bench.run(&commit, &lenient).expect("nothing to do").exists());
}

#[test]
fn what_the_skip_list_names_is_left_out() {
    let bench = Bench::new(RepoMode::Archive);
    let commit = bench.write(fill);
    let skip_list = ["/many/", "/usr/bin/tool", "/private"].map(String::from).into();
    let out = bench.run(&commit, &CheckoutOptions { skip_list, ..user() }).expect("checked out");
    assert_eq!(names(&out), ["private", "usr"]);
    assert_eq!(names(&out.join("usr/bin")), ["link", "same"]);
}

fn paths(list: &[PathBuf]) -> Vec<&str> {
    list.iter().map(|path| path.to_str().expect("text")).collect()
}

#[test]
fn differences_between_commits_and_directories() {
    let bench = Bench::new(RepoMode::Archive);
    let old = bench.write(|tree| {
        tree.file("kept/f", 0o644, b"f")?;
        tree.file("gone/f", 0o644, b"f")?;
        tree.file("changed", 0o644, b"a")?;
        tree.file("to-dir", 0o644, b"a").map(|_| ())
    });
    let new = bench.write(|tree| {
        tree.file("kept/f", 0o644, b"f")?;
        tree.file("changed", 0o600, b"a")?;
        tree.file("to-dir/x", 0o644, b"x")?;
        tree.file("new/deep/x", 0o644, b"x")?;
        tree.file("new/y", 0o644, b"x").map(|_| ())
    });
    let compare = |a, b| diff(&bench.repo, &a, &b, &DiffOptions::default()).expect("compared");
    let between = compare(DiffSide::Commit(old), DiffSide::Commit(new));
    assert_eq!(paths(&between.modified), ["/changed", "/to-dir"]);
    assert_eq!(paths(&between.removed), ["/gone"]);
    assert_eq!(paths(&between.added), ["/new", "/new/y", "/new/deep", "/new/deep/x"]);
    assert_eq!(compare(DiffSide::Commit(old), DiffSide::Commit(old)), Diff::default());
    let counted = stats(&bench.repo, &old, &new).expect("counted");
    assert_eq!((counted.objects_a, counted.objects_b), (6, 9));
    assert_eq!(counted.common, 3, "the directory `kept`, its file, and every directory's metadata");

    let out = bench.run(&new, &user()).expect("checked out");
    let stat = fs::metadata(&out).unwrap();
    let local = DiffSide::Dir(&out);
    if (stat.uid(), stat.gid()) == (0, 0) {
        assert_eq!(compare(DiffSide::Commit(new), local), Diff::default());
    }
    let as_root = DiffOptions { owner_uid: Some(0), owner_gid: Some(0), ..Default::default() };
    assert_eq!(diff(&bench.repo, &DiffSide::Commit(new), &local, &as_root).expect("compared"), Diff::default());
    let from_old = diff(&bench.repo, &DiffSide::Commit(old), &local, &as_root).expect("compared");
    assert_eq!((&from_old.modified, &from_old.removed), (&between.modified, &between.removed));
    assert_eq!(paths(&from_old.added), ["new", "new/y", "new/deep", "new/deep/x"]);
    fs::write(out.join("changed"), "b").unwrap();
    symlink("nowhere", out.join("link")).unwrap();
    let edited = diff(&bench.repo, &DiffSide::Commit(new), &local, &as_root).expect("compared");
    assert_eq!((paths(&edited.modified), paths(&edited.added)), (vec!["/changed"], vec!["link"]));
}
