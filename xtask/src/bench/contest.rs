//! The works, who does each, and the rows that are read off; and the running of them in turns.

use anyhow::{Context, Result};

use super::images::{self, Registry};
use super::measure::{Sample, measure};
use super::place::{Place, REF, text};
use super::tree::Tree;
use crate::sh::Cmd;
use crate::units;

const OURS: &str = "ours";
const OSTREE: &str = "ostree";
const OSTREE_EXT: &str = "ostree-ext 0.15.3";

/// One way to do a work.
pub struct Contender {
    /// How it is called in the table.
    pub name: &'static str,
    /// Whether it is ours: only ours are looked at on the double tree.
    pub ours: bool,
    /// What has to be there before the clock starts; run from an empty scratch folder.
    before: Vec<Cmd>,
    /// What is measured.
    command: Cmd,
}

/// A row of the table: ours against a peer.
pub struct Row {
    /// What the row is about.
    pub name: &'static str,
    /// Which contender is ours.
    pub ours: &'static str,
    /// Which one it is measured against.
    pub peer: &'static str,
    /// How many times faster ours is to be.
    pub wanted: f64,
}

/// A work that several can do.
pub struct Contest {
    /// What it is.
    pub name: &'static str,
    /// Who does it; in turns, in this order.
    pub contenders: Vec<Contender>,
    /// What is read off.
    pub rows: Vec<Row>,
    /// The folder in scratch whose size is of interest.
    sized: Option<&'static str>,
}

impl Contest {
    /// Whether its name or a row of it contains one of `only`, or `only` is empty.
    pub fn is_named_by(&self, only: &[String]) -> bool {
        let names: Vec<&str> = self.rows.iter().map(|row| row.name).chain([self.name]).collect();
        only.is_empty() || only.iter().any(|only| names.iter().any(|name| name.contains(only.as_str())))
    }

    /// The same without peers and without rows.
    pub fn of_ours_alone(mut self) -> Self {
        self.contenders.retain(|contender| contender.ours);
        self.rows.clear();
        self
    }
}

/// What a contender's runs took.
pub struct Runs {
    /// Who.
    pub name: &'static str,
    /// Whether it is ours.
    pub ours: bool,
    /// The measured runs in order.
    pub samples: Vec<Sample>,
    /// The size of what it wrote, where that is of interest.
    pub bytes: Option<u64>,
}

/// A contest that was held.
pub struct Outcome {
    /// The work.
    pub contest: &'static str,
    /// Its rows.
    pub rows: Vec<Row>,
    /// Everybody's runs.
    pub runs: Vec<Runs>,
}

/// Every contest, as the goals name them.
pub fn all(place: &Place, tree: &Tree, registry: &Registry) -> Result<Vec<Contest>> {
    let image = |row, mode, tag| image_pull(place, (row, mode), &registry.image(tag));
    Ok(vec![
        encapsulate(place),
        unencapsulate(place, "unencapsulate into bare", "bare"),
        unencapsulate(place, "unencapsulate into bare-user", "bare-user"),
        commit(place, tree),
        pull_local(place),
        fsck(place),
        checkout(place),
        image("image pull, fresh bare", "bare", "one"),
        image("image pull, fresh bare-user", "bare-user", "one"),
        image("image pull, 64 layers, fresh bare", "bare", "chunks"),
        image("image pull, 64 layers, fresh bare-user", "bare-user", "chunks"),
        image_update(place, registry)?,
    ])
}

/// Holds `contest`: everybody once to warm up, then in turns.
///
/// # Errors
/// A contender fails.
pub fn hold(contest: Contest, place: &Place, runs: usize) -> Result<Outcome> {
    println!("\n{}", contest.name);
    let mut results: Vec<Runs> = Vec::new();
    for contender in &contest.contenders {
        results.push(Runs { name: contender.name, ours: contender.ours, samples: Vec::new(), bytes: None });
    }
    for round in 0..=runs {
        for (contender, result) in contest.contenders.iter().zip(&mut results) {
            let sample = one_run(contender, place).with_context(|| format!("{}: {}", contest.name, contender.name))?;
            let peak = units::bytes(sample.peak_kib << 10);
            let warming = if round == 0 { " (warming up)" } else { "" };
            println!("  {:<28} {:>8.2} s  {:>8.2} s CPU  {peak}{warming}", contender.name, sample.wall, sample.cpu);
            if round > 0 {
                result.samples.push(sample);
            }
            if let Some(folder) = contest.sized {
                result.bytes = Some(units::tree_size(&place.scratch.join(folder))?.1);
            }
        }
    }
    place.clear()?;
    Ok(Outcome { contest: contest.name, rows: contest.rows, runs: results })
}

fn one_run(contender: &Contender, place: &Place) -> Result<Sample> {
    place.clear()?;
    for command in &contender.before {
        command.read()?;
    }
    measure(&contender.command, &place.scratch)
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

fn image_pull(place: &Place, (name, mode): (&'static str, &str), image: &str) -> Contest {
    let repo = place.out("repo");
    let init = vec![place.ostree(&["init", &format!("--repo={repo}"), &format!("--mode={mode}")])];
    let args = ["image", "pull", "--insecure-skip-tls-verification", &repo, image];
    pair(Row { name, ours: OURS, peer: OSTREE_EXT, wanted: 4.0 }, init, place.ours(&args), place.ostree_ext(&args))
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
    })
}

/// Ours keeps ostree's verbs below `repo`.
fn with_repo<'a>(args: &[&'a str]) -> Vec<&'a str> {
    std::iter::once("repo").chain(args.iter().copied()).collect()
}

/// A work that ours and one peer do with the same preparation.
fn pair(row: Row, before: Vec<Cmd>, ours: Cmd, theirs: Cmd) -> Contest {
    let mine = Contender { name: row.ours, ours: true, before: before.clone(), command: ours };
    let theirs = Contender { name: row.peer, ours: false, before, command: theirs };
    Contest { name: row.name, contenders: vec![mine, theirs], rows: vec![row], sized: None }
}
