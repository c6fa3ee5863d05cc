//! The works on repositories and on images on disk.

use super::contest::{Contender, Contest, OSTREE, OSTREE_EXT, OURS, Row, pair};
use super::place::{Place, REF, text};
use super::tree::Tree;

/// Every contest, as the goals name them.
pub fn all(place: &Place, tree: &Tree) -> Vec<Contest> {
    vec![
        encapsulate(place),
        unencapsulate(place, "unencapsulate into bare", "bare"),
        unencapsulate(place, "unencapsulate into bare-user", "bare-user"),
        commit(place, tree),
        pull_local(place),
        fsck(place),
        checkout(place),
    ]
}

fn encapsulate(place: &Place) -> Contest {
    let repo = format!("--repo={}", text(&place.repo()));
    let image = format!("oci:{}", place.out("image"));
    let ours = |name, compression| {
        let command = place.ours(&["encapsulate", &repo, "--compression", compression, REF, &image]);
        Contender { name, ours: true, before: Vec::new(), command }
    };
    let peer = place.ostree_ext(&["encapsulate", &repo, REF, &image]);
    let peer = Contender { name: OSTREE_EXT, ours: false, before: Vec::new(), command: peer };
    Contest {
        name: "encapsulate",
        contenders: vec![ours("ours, gzip", "gzip"), ours("ours, zstd", "zstd"), peer],
        rows: vec![
            Row { name: "encapsulate, gzip", ours: "ours, gzip", peer: OSTREE_EXT, wanted: 4.0 },
            Row { name: "encapsulate, zstd", ours: "ours, zstd", peer: OSTREE_EXT, wanted: 10.0 },
        ],
        sized: Some("image"),
        times: 1,
    }
}

fn unencapsulate(place: &Place, name: &'static str, mode: &str) -> Contest {
    let repo = format!("--repo={}", place.out("repo"));
    let init = vec![place.ostree(&["init", &repo, &format!("--mode={mode}")])];
    let image = format!("ostree-unverified-image:oci:{}", text(&place.image()));
    let args = ["unencapsulate", &repo, "--write-ref", REF, &image];
    pair(Row { name, ours: OURS, peer: OSTREE_EXT, wanted: 3.0 }, init, place.ours(&args), place.ostree_ext(&args))
}

fn commit(place: &Place, tree: &Tree) -> Contest {
    let repo = format!("--repo={}", place.out("repo"));
    let init = vec![place.ostree(&["init", &repo, "--mode=bare"])];
    let tree = format!("--tree=dir={}", text(&tree.dir));
    let args = ["commit", &repo, "-b", REF, &tree];
    pair(
        Row { name: "commit, fresh bare", ours: OURS, peer: OSTREE, wanted: 1.5 },
        init,
        place.ours(&with_repo(&args)),
        place.ostree(&args),
    )
}

fn pull_local(place: &Place) -> Contest {
    let repo = format!("--repo={}", place.out("repo"));
    let init = vec![place.ostree(&["init", &repo, "--mode=archive"])];
    let from = text(&place.repo());
    let args = ["pull-local", &repo, &from, REF];
    pair(
        Row { name: "pull-local, bare to archive", ours: OURS, peer: OSTREE, wanted: 4.0 },
        init,
        place.ours(&with_repo(&args)),
        place.ostree(&args),
    )
}

fn fsck(place: &Place) -> Contest {
    let repo = format!("--repo={}", text(&place.repo()));
    let args = ["fsck", &repo];
    pair(
        Row { name: "fsck", ours: OURS, peer: OSTREE, wanted: 2.0 },
        Vec::new(),
        place.ours(&with_repo(&args)),
        place.ostree(&args),
    )
}

fn checkout(place: &Place) -> Contest {
    let repo = format!("--repo={}", text(&place.repo()));
    let out = place.out("checkout");
    let args = ["checkout", &repo, "-H", REF, &out];
    pair(
        Row { name: "checkout -H", ours: OURS, peer: OSTREE, wanted: 1.5 },
        Vec::new(),
        place.ours(&with_repo(&args)),
        place.ostree(&args),
    )
}

/// Ours keeps ostree's verbs below `repo`.
fn with_repo<'a>(args: &[&'a str]) -> Vec<&'a str> {
    std::iter::once("repo").chain(args.iter().copied()).collect()
}
