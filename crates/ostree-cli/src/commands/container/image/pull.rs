//! `image pull`: an image with all its layers, as a commit.

use std::collections::BTreeMap;
use std::io::Write;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result};
use oci_image::{Digest, Platform, json};
use ostree_container::layered::{self, Plan, Prepared, PullOptions, Pulled};
use ostree_container::stored::{self, GcOptions};
use ostree_repo::{Repo, format_size};
use ostree_tar::VarPlace;

use crate::commands::container::build::image_name;
use crate::context::Context;
use crate::exit::{UsageError, message, warn};
use crate::images::{RegistryArgs, SourceReference};
use crate::output::line;
use crate::progress::ProgressArgs;
use crate::short_names;

/// How long the collection of unused layers waits for others that work on the repository. The next one does its work.
const PATIENCE: Duration = Duration::from_secs(1);

/// Pull an image with all its layers, or update it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ostree-container image pull repo ostree-unverified-registry:registry.example.com/os:stable\n  \
    ostree-container --repo repo image pull oci:image"
)]
pub struct Args {
    /// The repository, unless --repo names it, and the image
    #[arg(value_name = "[REPO] IMGREF", num_args = 1..=2, required = true)]
    words: Vec<String>,
    /// Write the manifest to FILE if there is an update, and fetch nothing else
    #[arg(long, value_name = "FILE", overrides_with = "check")]
    check: Option<PathBuf>,
    /// Write the checksum of the image's commit to FILE
    #[arg(long, value_name = "FILE", overrides_with = "ostree_digestfile")]
    ostree_digestfile: Option<PathBuf>,
    /// Where layers' /var goes: it stays (keep), or becomes /usr/share/factory/var (factory)
    #[arg(long, value_name = "PLACE", value_parser = var_place, default_value = "keep", overrides_with = "var")]
    var: VarPlace,
    /// Leave out devices, FIFOs and overlay whiteout nodes rather than refuse them
    #[arg(long, overrides_with = "skip_special")]
    skip_special: bool,
    /// Refuse an image with files outside of what the system keeps
    #[arg(long, overrides_with = "deny_filtered")]
    deny_filtered: bool,
    /// List the files that are left out
    #[arg(long, overrides_with = "list_filtered")]
    list_filtered: bool,
    /// Print the result as JSON
    #[arg(long, overrides_with = "json")]
    json: bool,
    /// How the registry is reached
    #[command(flatten)]
    registry: RegistryArgs,
    /// Which image of an index to take (default: this machine's)
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", overrides_with = "platform", conflicts_with = "arch")]
    platform: Option<Platform>,
    /// Which image of an index to take, by processor
    #[arg(long, value_name = "ARCH", overrides_with = "arch")]
    arch: Option<String>,
    /// How many threads work at once (default: one a processor)
    #[arg(long, value_name = "N", overrides_with = "jobs")]
    jobs: Option<NonZeroUsize>,
    /// How many layers are fetched at a time (default: 8)
    #[arg(long, value_name = "N", overrides_with = "parallel_fetches")]
    parallel_fetches: Option<NonZeroUsize>,
    /// How progress is shown
    #[command(flatten)]
    progress: ProgressArgs,
}

fn var_place(word: &str) -> Result<VarPlace, String> {
    match word {
        "keep" => Ok(VarPlace::Keep),
        "factory" => Ok(VarPlace::Factory),
        _ => Err("must be keep or factory".to_owned()),
    }
}

/// Prints what changes, then the commit.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let (repo, image) = match args.words.as_slice() {
        [image] => (context.open_writable()?, image),
        [repo, image] => (Context { repo: Some(repo.into()), ..context.clone() }.open_writable()?, image),
        _ => return Err(UsageError("image pull takes a repository and an image".to_owned()).into()),
    };
    let image = args.named(image, context)?;
    let source = args.registry.source_into(image.image(), &repo)?;
    let platform = args.platform.clone().or_else(|| args.arch.as_deref().map(Platform::linux));
    let mut problem = |error: ostree_container::ContainerError| {
        warn(&format!("failed to query the stored image, which counts as absent: {}", message(&error.into())));
    };
    let platform = platform.unwrap_or_else(Platform::host);
    match layered::prepare(&*source, image.image(), &repo, &platform, &mut problem)? {
        Prepared::Unchanged(stored) => args.unchanged(&repo, &image, &stored),
        Prepared::Pull(plan) => args.pull(&repo, &image, &plan),
    }
}

impl Args {
    /// The image that a word names: in full, or where short names are looked up, by a name alone.
    fn named(&self, word: &str, context: &Context) -> Result<SourceReference> {
        let image = match word.parse::<SourceReference>() {
            Ok(image) => image,
            Err(_) if context.short_names => SourceReference::Plain(image_name(word)?),
            Err(problem) => return Err(UsageError(format!("{word}: {problem}")).into()),
        };
        image.refuse_signatures()?;
        short_names::to_read(image, &self.registry, context)
    }

    /// The image, if it can be read as one.
    pub fn image(&self) -> Option<SourceReference> {
        self.words.last()?.parse().ok()
    }

    fn unchanged(&self, repo: &Repo, image: &SourceReference, stored: &stored::StoredImage) -> Result<()> {
        if self.deny_filtered {
            layered::refuse_filtered(layered::filtered(repo, stored)?.values())?;
        }
        self.write_digestfile(&stored.commit.to_string())?;
        match self.json {
            true => line(serde_json::json!({
                "image": image.to_string(), "changed": false, "commit": stored.commit.to_string(),
                "manifest-digest": stored.manifest_digest.to_string(),
            })),
            false => line(format_args!("No changes in {image} => {}", stored.commit)),
        }
    }

    fn pull(&self, repo: &Repo, image: &SourceReference, plan: &Plan<'_>) -> Result<()> {
        plan.remember()?;
        if !self.json {
            if let Some(previous) = &plan.previous {
                line(ostree_container::compare::compare(&previous.manifest, &plan.info.manifest))?;
            }
            let (present, needed, size) = (plan.present(), plan.needed(), format_size(plan.needed_bytes()));
            line(format_args!("layers already present: {present}; layers needed: {needed} ({size})"))?;
        }
        if let Some(file) = &self.check {
            write_whole(file, &json::to_canonical("image manifest", &plan.info.manifest)?)?;
            return if self.json { line(self.outcome(image, plan, None)) } else { Ok(()) };
        }
        let options = PullOptions {
            jobs: self.jobs,
            parallel_fetches: self.parallel_fetches,
            var: self.var,
            skip_special: self.skip_special,
            deny_filtered: self.deny_filtered,
            ..PullOptions::default()
        };
        let pulled = layered::import(plan, &options, &*self.progress.listener())?;
        self.write_digestfile(&pulled.commit.to_string())?;
        match self.json {
            true => line(self.outcome(image, plan, Some(&pulled)))?,
            false => line(format_args!("Wrote: {image} => {}", pulled.commit))?,
        }
        self.tell_filtered(&pulled);
        collect(repo);
        Ok(())
    }

    fn outcome(&self, image: &SourceReference, plan: &Plan<'_>, pulled: Option<&Pulled>) -> serde_json::Value {
        let layers = plan.layers.iter().map(|layer| {
            serde_json::json!({
                "digest": layer.layer.descriptor.digest.to_string(),
                "size": layer.layer.descriptor.size,
                "present": layer.is_present(),
            })
        });
        serde_json::json!({
            "image": image.to_string(),
            "changed": true,
            "manifest-digest": plan.info.raw_manifest.digest.to_string(),
            "previous": plan.previous.as_ref().map(|stored| stored.manifest_digest.to_string()),
            "commit": pulled.map(|pulled| pulled.commit.to_string()),
            "layers": layers.collect::<Vec<_>>(),
            "layers-present": plan.present(),
            "layers-needed": plan.needed(),
            "bytes-needed": plan.needed_bytes(),
            "filtered": pulled.map(|pulled| names(&pulled.filtered)),
            "filtered-paths": pulled.filter(|_| self.list_filtered).map(|pulled| &pulled.filtered_paths),
        })
    }

    fn tell_filtered(&self, pulled: &Pulled) {
        let counts = names(&pulled.filtered);
        if !counts.is_empty() {
            let list: Vec<String> = counts.iter().map(|(name, count)| format!("{name}: {count}")).collect();
            warn(&format!("Image contains non-ostree compatible file paths: {}", list.join(" ")));
        }
        if self.list_filtered && !self.json {
            for path in &pulled.filtered_paths {
                warn(&format!("left out: {path}"));
            }
        }
    }

    fn write_digestfile(&self, commit: &str) -> Result<()> {
        match &self.ostree_digestfile {
            Some(file) => write_whole(file, commit.as_bytes()),
            None => Ok(()),
        }
    }
}

/// The counts of all layers by name.
fn names(filtered: &BTreeMap<Digest, BTreeMap<String, u64>>) -> BTreeMap<&str, u64> {
    let mut counts = BTreeMap::new();
    for (name, count) in filtered.values().flatten() {
        *counts.entry(name.as_str()).or_default() += count;
    }
    counts
}

/// Removes the layers that nothing needs any more. The image is there; a failure here takes nothing away from it.
fn collect(repo: &Repo) {
    let options = GcOptions { patience: Some(PATIENCE), ..GcOptions::default() };
    match stored::collect(repo, &options) {
        Ok(stats) => stats.problems.iter().for_each(|problem| warn(problem)),
        Err(problem) => warn(&format!("unused layers are left for the next time: {}", message(&problem.into()))),
    }
}

/// Replaces a file at once.
fn write_whole(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut name = path.file_name().with_context(|| format!("{}: not a file name", path.display()))?.to_owned();
    name.push(format!(".{}", std::process::id()));
    let temporary = path.with_file_name(name);
    let write = || {
        let mut file = std::fs::File::create_new(&temporary)?;
        file.write_all(bytes)?;
        std::fs::rename(&temporary, path)
    };
    write()
        .inspect_err(|_| {
            let _ = std::fs::remove_file(&temporary);
        })
        .with_context(|| format!("writing {}", path.display()))
}
