//! `image plan`: what pulling an image would take.

use anyhow::Result;
use ostree_container::layered::{self, Plan, PlannedLayer, Prepared};
use ostree_container::need::Need;
use ostree_container::space;
use ostree_repo::{FreeSpace, Repo, format_size};
use serde_json::{Value, json};

use crate::commands::container::image::target::{self, Target};
use crate::context::Context;
use crate::images::SourceReference;
use crate::output::line;
use crate::transfer::AmountArgs;

/// Tell what pulling an image would take, and whether it fits
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Nothing is fetched but the image's manifest and configuration, and nothing is written. The exit code is 1 if \
    the image does not fit.\n\nExample:\n  ostree-container image plan repo docker://registry.example.com/os:stable"
)]
pub struct Args {
    /// What would be pulled, and where to
    #[command(flatten)]
    target: Target,
    /// Print a JSON object
    #[arg(long, overrides_with = "json")]
    json: bool,
}

/// Prints the layers and what they take; fails if that does not fit.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = args.target.context(context).open_repo()?;
    let image = args.target.image(context)?;
    let source = args.target.registry.admitted_into(&image, &repo, &AmountArgs::default())?;
    let platform = args.target.platform.or_host();
    let space = FreeSpace::of(&repo)?;
    let found = match layered::prepare(&*source, image.image(), &repo, &platform, &mut target::absent)? {
        Prepared::Unchanged(stored) => {
            let digest = stored.manifest_digest.to_string();
            return match args.json {
                true => line(
                    Found { freed: 0, need: Need::NOTHING, space, reclaimable: 0 }.json(&image, &digest, None, &repo),
                ),
                false => line(format_args!("No changes in {image} => {}", stored.commit)),
            };
        }
        Prepared::Pull(plan) => plan,
    };
    let reclaimable = found.coming().reclaimable()?;
    let answer = Found { freed: found.freed_by_prune()?, need: found.need(), space, reclaimable };
    let digest = found.info.raw_manifest.digest.to_string();
    match args.json {
        true => line(answer.json(&image, &digest, Some(&found), &repo))?,
        false => answer.tell(&found, &repo)?,
    }
    Ok(space::check_against(&repo, answer.need, answer.usable())?)
}

/// What was found out.
struct Found {
    /// What the layers to fetch take.
    need: Need,
    /// What a prune gives back afterwards, at most.
    freed: u64,
    /// What there is.
    space: FreeSpace,
    /// What interrupted pulls left behind, and this one goes on with or removes.
    reclaimable: u64,
}

impl Found {
    /// By how many bytes the repository is larger when all is done, the old image is gone and the repository is pruned.
    fn growth(&self) -> i128 {
        i128::from(self.need.bytes) - i128::from(self.freed)
    }

    /// What there is when nothing of interrupted pulls is in the way.
    fn usable(&self) -> FreeSpace {
        let mut space = self.space.clone();
        space.free = space.free.saturating_add(self.reclaimable);
        space
    }

    fn json(&self, image: &SourceReference, digest: &str, plan: Option<&Plan<'_>>, repo: &Repo) -> Value {
        let layers = plan.map(|plan| plan.layers.as_slice()).unwrap_or_default();
        let shortfall = self.usable().shortfall(self.need.bytes);
        json!({
            "image": image.to_string(),
            "manifest-digest": digest,
            "changed": plan.is_some(),
            "layers": layers.iter().map(|layer| describe(layer, repo, plan)).collect::<Vec<_>>(),
            "layers-present": plan.map_or(0, Plan::present),
            "layers-needed": plan.map_or(0, Plan::needed),
            "bytes-needed": plan.map_or(0, Plan::bytes_to_come),
            "disk": {
                "peak": amount(self.need),
                "final": {"bytes": i64::try_from(self.growth()).unwrap_or(i64::MAX), "exact": self.need.exact && self.freed == 0},
                "freed-by-prune": self.freed,
                "free": self.space.free,
                "reclaimable": self.reclaimable,
                "reserved": self.space.reserved,
                "reserved-by": self.space.setting,
            },
            "fits": shortfall == 0,
            "shortfall": shortfall,
        })
    }

    fn tell(&self, plan: &Plan<'_>, repo: &Repo) -> Result<()> {
        for layer in &plan.layers {
            let (descriptor, stored) = (&layer.layer.descriptor, plan.stored(layer));
            let need = || words(Need::of_layer(repo.mode(), descriptor, &stored));
            let state = if layer.is_present() { "present".to_owned() } else { need() };
            line(format_args!("{} {} {state}", descriptor.digest, format_size(stored.size)))?;
        }
        let (present, needed, size) = (plan.present(), plan.needed(), format_size(plan.bytes_to_come()));
        line(format_args!("layers already present: {present}; layers needed: {needed} ({size})"))?;
        let sign = if self.growth() < 0 { "-" } else { "" };
        let last = format_size(u64::try_from(self.growth().unsigned_abs()).unwrap_or(u64::MAX));
        line(format_args!("disk at its peak: {}", words(self.need)))?;
        line(format_args!("disk in the end, after a prune: {}{sign}{last}", bound(self.need)))?;
        let FreeSpace { free, reserved, .. } = self.space;
        line(format_args!("free: {}, of which {} are reserved", format_size(free), format_size(reserved)))?;
        if self.reclaimable > 0 {
            line(format_args!("left by interrupted pulls: {}", format_size(self.reclaimable)))?;
        }
        match self.usable().shortfall(self.need.bytes) {
            0 if self.need.exact => line("fits: yes"),
            0 => line("fits: yes, as far as it is known; what layers take that are packed or will be is not"),
            shortfall => line(format_args!("fits: no, {shortfall} bytes short")),
        }
    }
}

fn describe(layer: &PlannedLayer, repo: &Repo, plan: Option<&Plan<'_>>) -> Value {
    let descriptor = &layer.layer.descriptor;
    let stored = plan.map_or_else(|| descriptor.clone(), |plan| plan.stored(layer));
    let need = if layer.is_present() { Need::NOTHING } else { Need::of_layer(repo.mode(), descriptor, &stored) };
    json!({
        "digest": descriptor.digest.to_string(), "size": stored.size, "present": layer.is_present(),
        "bytes-kept": plan.map_or(0, |plan| plan.kept_bytes(layer)), "disk": amount(need),
    })
}

fn amount(need: Need) -> Value {
    json!({"bytes": need.bytes, "exact": need.exact})
}

fn bound(need: Need) -> &'static str {
    if need.exact { "" } else { "at least " }
}

fn words(need: Need) -> String {
    format!("{}{}", bound(need), format_size(need.bytes))
}
