//! The works on images that a registry serves.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};

use super::contest::{Contender, Contest, OSTREE_EXT, OURS, Row, pair};
use super::delay;
use super::images::{self, Registry};
use super::place::{Place, REF, text};
use crate::sh::{Cmd, cmd};

/// How far away the distant registry is, one way.
const ONE_WAY: Duration = Duration::from_millis(40);

/// Every contest, as the goals name them.
///
/// # Errors
/// What they need cannot be made.
pub fn all(place: &Place, registry: &Registry, pushed: &Registry) -> Result<Vec<Contest>> {
    let image = |row, mode, tag| image_pull(place, (row, mode, 4.0), &registry.image(tag));
    let distant = images::image_at(&delay::before(registry.address(), ONE_WAY)?, "hundred");
    Ok(vec![
        image("image pull, fresh bare", "bare", "one"),
        image("image pull, fresh bare-user", "bare-user", "one"),
        image("image pull, 64 layers, fresh bare", "bare", "chunks"),
        image("image pull, 64 layers, fresh bare-user", "bare-user", "chunks"),
        image_update(place, registry)?,
        image_pull(place, ("image pull, 100 small layers at 80 ms", "bare", 8.0), &distant),
        push(place, pushed)?,
        over_loopback(place, registry),
    ])
}

fn image_pull(place: &Place, (name, mode, wanted): (&'static str, &str, f64), image: &str) -> Contest {
    let repo = place.out("repo");
    let init = vec![place.ostree(&["init", &format!("--repo={repo}"), &format!("--mode={mode}")])];
    let args = ["image", "pull", "--insecure-skip-tls-verification", &repo, image];
    pair(Row { name, ours: OURS, peer: OSTREE_EXT, wanted }, init, place.ours(&args), place.ostree_ext(&args))
}

/// A layer of one file more than what the repository has; each in a repository of its own, brought back to that before
/// every run.
fn image_update(place: &Place, registry: &Registry) -> Result<Contest> {
    const NAME: &str = "image pull, update by one file";
    let layer = images::update_layer_ref(place)?;
    let base = registry.image("one");
    let update = registry.image("update");
    let contender = |name, ours, pull: &dyn Fn(&[&str]) -> Cmd| -> Result<Contender> {
        let folder = place.home.join(if ours { "input/pulled-by-ours" } else { "input/pulled-by-peer" });
        let repo = text(&folder);
        let at = format!("--repo={repo}");
        let pull = |image: &str| pull(&["image", "pull", "--insecure-skip-tls-verification", &repo, image]);
        if !folder.exists() {
            place.ostree(&["init", &at, "--mode=bare"]).read()?;
            pull(&base).read()?;
        }
        let before = vec![
            place.ostree(&["refs", &at, "--delete", "ostree/container/image"]),
            place.ostree(&["refs", &at, "--delete", &layer]),
            place.ostree(&["prune", &at, "--refs-only"]),
        ];
        Ok(Contender { name, ours, before, command: pull(&update) })
    };
    Ok(Contest {
        name: NAME,
        contenders: vec![
            contender(OURS, true, &|args| place.ours(args))?,
            contender(OSTREE_EXT, false, &|args| place.ostree_ext(args))?,
        ],
        rows: vec![Row { name: NAME, ours: OURS, peer: OSTREE_EXT, wanted: 3.0 }],
        sized: None,
        times: 1,
    })
}

/// Wrapping a commit straight into a registry.
fn push(place: &Place, registry: &Registry) -> Result<Contest> {
    // The skopeo that the peer runs looks for it nowhere else.
    let home = place.home.join("input/home");
    let conf = home.join(".config/containers/registries.conf");
    fs::create_dir_all(conf.parent().unwrap_or(&home)).with_context(|| format!("make {}", home.display()))?;
    let text_of_it = format!("[[registry]]\nlocation = \"{}\"\ninsecure = true\n", registry.address());
    fs::write(&conf, text_of_it).with_context(|| format!("write {}", conf.display()))?;
    let repo = format!("--repo={}", text(&place.repo()));
    // What is there already would not be sent again.
    let name = |who: &str| format!("registry:{}/{who}:latest", registry.address());
    let forget = cmd("rm").args(["-rf", &text(&registry.repositories())]);
    let ours = place.ours(&["encapsulate", &repo, "--tls-verify=false", REF, &name("ours")]);
    let peer = place.ostree_ext(&["encapsulate", &repo, REF, &name("peer")]);
    let peer = cmd("env").arg(format!("HOME={}", text(&home))).args(peer.words());
    let row = Row { name: "encapsulate to a registry, gzip", ours: OURS, peer: OSTREE_EXT, wanted: 4.0 };
    Ok(pair(row, vec![forget], ours, peer))
}

/// Whether the registry makes ours slower than a directory does.
fn over_loopback(place: &Place, registry: &Registry) -> Contest {
    const DIRECTORY: &str = "ours, oci:";
    let repo = place.out("repo");
    let init = vec![place.ostree(&["init", &format!("--repo={repo}"), "--mode=bare"])];
    let pull = |image: &str| place.ours(&["image", "pull", "--insecure-skip-tls-verification", &repo, image]);
    let directory = pull(&format!("ostree-unverified-image:oci:{}", text(&place.image())));
    let row = Row { name: "image pull, registry against oci:", ours: OURS, peer: DIRECTORY, wanted: 1.0 / 1.1 };
    let mut contest = pair(row, init, pull(&registry.image("one")), directory);
    contest.times = 3;
    contest.contenders.iter_mut().for_each(|contender| contender.ours = true);
    contest
}
