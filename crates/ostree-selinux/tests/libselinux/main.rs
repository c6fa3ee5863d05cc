//! Labels as `matchpathcon` (libselinux) gives them, for paths made of every pattern of a policy.
//!
//! `OSTREE_SELINUX_POLICY` names the `contexts/files` of a policy; otherwise it is that which `cargo xtask conformance
//! --slow` has made, or the system's own.

#![allow(clippy::unwrap_used)] // A test that cannot go on is to fail.

mod sample;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;

use ostree_selinux::{FileContexts, Policy};

use sample::{Dice, matching};

/// What `matchpathcon` calls the types of files.
const TYPES: [(&str, u32); 7] = [
    ("file", 0o100644),
    ("dir", 0o040755),
    ("lnk_file", 0o120777),
    ("chr_file", 0o020600),
    ("blk_file", 0o060600),
    ("pipe", 0o010600),
    ("sock_file", 0o140600),
];

/// A policy that has one of everything.
const ODD: &str = r"# comment
/.*                     system_u:object_r:root_t:s0
/a/.*           --      file
/a/.*           -d      dir
/a/.*           -l      link
/a/.*           -c      char
/a/.*           -b      block
/a/.*           -p      pipe
/a/.*           -s      sock
/lit/x                  literal
/lit/.*                 behind_literal
/lit/y\.z               escaped
/lit/t          -d      literal_dir
/lit/t          --      literal_file
/twice/.*               first
/twice/.*               second
/none/.*                <<none>>
/none/not/.*            not
/none/not/but           <<none>>
/class/[[]x             bracket
/class/[]a]x            closing
/class/[^]a]y           not_closing
/class/[a&&b]           ampersands
/class/[a-c-]z          range
/class/[[:digit:]x]+    named
/class/[\d.]q           digits
/class/[\-\]]w          escaped_class
/brace/{x}              brace
/brace/%{USERID}        template
/brace/a{2}             two
/brace/b{2,}            two_or_more
/brace/c{1,3}           few
/brace/d{,3}            no_count
/esc/\<a\>              angles
/esc/a\$                dollar
/esc/\w+\.\d\d          sets
/esc/\@\,\!             punctuation
/alt/(a|b|cd)?e         group
/alt/(?:x|y)+           group2
/alt/(.*/)?deep(/.*)?   deep
/lazy/.*?x              lazy
^/anchor/.*$            anchors
/dollar$                dollar_end
/[^/]+/common\.x        no_stem
/HOME(/.*)?     -d      home
";

const ODD_SUBS: &str = "/new /lit\n/slash /\n/one /a\n/one/two /twice\n  # c\n/lonely\n/lit/x /new/x extra\n";
const ODD_SUBS_DIST: &str = "/lit/sub /none/not\n/dist /alt\n/a/b /lit\n/a /class\n";

/// What the real program is asked about the policy in `dir`; `None` if it is not here.
fn judge(file: &Path, kind: &str, paths: &[String]) -> Option<Vec<String>> {
    let mut labels = Vec::new();
    for some in paths.chunks(500) {
        let run = Command::new("matchpathcon").args(["-n", "-m", kind, "-f"]).arg(file).arg("--").args(some).output();
        let run = run.ok()?;
        let text = String::from_utf8(run.stdout).unwrap();
        let lines: Vec<_> = text.lines().map(str::to_owned).collect();
        assert_eq!(lines.len(), some.len(), "matchpathcon: {}", String::from_utf8_lossy(&run.stderr));
        labels.extend(lines);
    }
    Some(labels)
}

/// `matchpathcon` resolves symlinks of the system it runs on, which we have nothing to do with.
fn is_resolved(path: &str) -> bool {
    let path = Path::new(path);
    let moved = |path: &Path| path.canonicalize().is_ok_and(|resolved| resolved != path);
    moved(path) || path.parent().is_some_and(moved)
}

fn contexts(main: &Path) -> FileContexts {
    let beside = |suffix: &str| std::fs::read(format!("{}.{suffix}", main.display())).ok();
    FileContexts {
        main: std::fs::read(main).unwrap(),
        homedirs: beside("homedirs"),
        local: beside("local"),
        subs: beside("subs"),
        subs_dist: beside("subs_dist"),
    }
}

/// Paths for every first field of the files, and paths that are nearly such.
fn samples(files: &FileContexts) -> BTreeSet<String> {
    let mut dice = Dice(1);
    let mut paths = BTreeSet::new();
    let texts = [Some(&files.main), files.homedirs.as_ref(), files.local.as_ref()];
    let subs = [files.subs.as_ref(), files.subs_dist.as_ref()];
    let first = |line: &str| line.split_whitespace().next().filter(|field| !field.starts_with('#')).map(str::to_owned);
    let patterns = texts.into_iter().flatten().map(|text| String::from_utf8(text.clone()).unwrap());
    for pattern in patterns.flat_map(|text| text.lines().filter_map(first).collect::<Vec<_>>()) {
        for _ in 0..5 {
            paths.insert(String::from_utf8(matching(pattern.as_bytes(), &mut dice)).unwrap());
        }
    }
    for text in subs.into_iter().flatten().map(|text| String::from_utf8(text.clone()).unwrap()) {
        paths.extend(text.lines().filter_map(first).flat_map(|from| [format!("{from}/x.y"), format!("{from}z"), from]));
    }
    let near: Vec<String> = paths.iter().enumerate().filter_map(|(index, path)| near(index, path)).collect();
    paths.extend(near);
    paths.retain(|path| path.starts_with('/') && !path.contains('\n') && !is_resolved(path));
    paths
}

/// Every third path changed a little.
fn near(index: usize, path: &str) -> Option<String> {
    match index % 12 {
        0 => Some(format!("{path}/below")),
        3 => Some(format!("{path}x")),
        6 => Some(format!("/{}/", path.replace('/', "//"))),
        9 => path.char_indices().last().map(|(last, _)| path[..last].to_owned()),
        _ => None,
    }
}

fn differences(main: &Path, paths: &BTreeSet<String>) -> Option<usize> {
    let policy = Policy::new("p", &contexts(main)).unwrap();
    let paths: Vec<String> = paths.iter().cloned().collect();
    let mut found = BTreeMap::new();
    for (kind, mode) in TYPES {
        let theirs = judge(main, kind, &paths)?;
        for (path, theirs) in paths.iter().zip(theirs) {
            let ours = policy.lookup(path, mode).unwrap_or("<<none>>");
            if ours != theirs {
                found.insert((path, kind), (ours.to_owned(), theirs));
            }
        }
    }
    for ((path, kind), (ours, theirs)) in found.iter().take(40) {
        eprintln!("{path} ({kind}): {ours}, but libselinux says {theirs}");
    }
    assert!(found.is_empty(), "{} differences", found.len());
    Some(paths.len() * TYPES.len())
}

fn compare(what: &str, main: &Path, paths: &BTreeSet<String>) {
    match differences(main, paths) {
        Some(count) => println!("{what}: {count} labels are those of libselinux"),
        None => eprintln!("NOT COMPARED: there is no matchpathcon (selinux-utils)"),
    }
}

#[test]
fn a_policy_with_one_of_everything() {
    let dir = tempfile::tempdir().unwrap();
    let main = dir.path().join("file_contexts");
    std::fs::write(&main, ODD).unwrap();
    std::fs::write(dir.path().join("file_contexts.subs"), ODD_SUBS).unwrap();
    std::fs::write(dir.path().join("file_contexts.subs_dist"), ODD_SUBS_DIST).unwrap();
    std::fs::write(dir.path().join("file_contexts.homedirs"), "/twice/h.* h\n/home/lit l\n").unwrap();
    std::fs::write(dir.path().join("file_contexts.local"), "/twice/h.*e <<none>>\n/home/.* m\n").unwrap();
    let mut paths = samples(&contexts(&main));
    paths.extend(
        ["/", "/lit/x", "/new/x", "/one/two/x", "/one/x", "/a/b/x", "/esc/<a>", "///", "/a//"].map(str::to_owned),
    );
    compare("a policy with one of everything", &main, &paths);
}

#[test]
fn a_distributions_policy() {
    let Some(main) = distribution() else {
        eprintln!("NOT COMPARED: there is no distribution's policy (cargo xtask conformance --slow makes one)");
        return;
    };
    let mut paths = samples(&contexts(&main));
    for top in ["/usr", "/etc", "/var/lib"] {
        walk(Path::new(top), &mut paths);
    }
    compare(&main.display().to_string(), &main, &paths);
}

/// The main file of the policy to compare.
fn distribution() -> Option<PathBuf> {
    let named = std::env::var_os("OSTREE_SELINUX_POLICY").map(PathBuf::from);
    let target = Path::new(env!("CARGO_TARGET_TMPDIR")).join("..");
    let made = target.join("xtask/conformance-cache/selinux-policy/etc/selinux/default/contexts/files");
    let own = ["targeted", "default"].map(|name| Path::new("/etc/selinux").join(name).join("contexts/files"));
    let all = named.into_iter().chain([made]).chain(own);
    all.map(|dir| dir.join("file_contexts")).find(|main| main.is_file())
}

/// The paths of the system itself, as many as are worth the time.
fn walk(dir: &Path, paths: &mut BTreeSet<String>) {
    let Ok(entries) = std::fs::read_dir(dir) else { return };
    for entry in entries.flatten() {
        if paths.len() >= 60_000 {
            return;
        }
        let path = entry.path();
        let Some(text) = path.to_str().filter(|text| !text.contains('\n')) else { continue };
        if !is_resolved(text) {
            paths.insert(text.to_owned());
        }
        if entry.file_type().is_ok_and(|kind| kind.is_dir()) && path.components().count() < 7 {
            walk(&path, paths);
        }
    }
}
