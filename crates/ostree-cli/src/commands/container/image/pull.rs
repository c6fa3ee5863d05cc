//! `image pull`: an image with all its layers, as a commit.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use oci_image::{ImageSource, Transport, json};
use ostree_container::layered::{self, Plan, Prepared, PullOptions, Pulled};
use ostree_container::shape::Shape;
use ostree_container::stored::{self, GcOptions};
use ostree_container::{Eager, Event, Listener};
use ostree_core::{ReadObject, VerifyCommit};
use ostree_repo::{Repo, format_size};
use ostree_sign::CommitVerifier;
use ostree_tar::VarPlace;

use crate::commands::container::fetching::FetchArgs;
use crate::commands::container::filtered::tell_filtered;
use crate::commands::container::image::target::{self, Target};
use crate::commands::repo::signing::commit_bytes;
use crate::context::Context;
use crate::exit::{message, warn};
use crate::images::SourceReference;
use crate::output::{line, write_whole};
use crate::transfer;
use crate::trust::{self, LayersArgs};

/// How long the collection of unused layers waits for others that work on the repository. The next one does its work.
const PATIENCE: Duration = Duration::from_secs(1);

/// Pull an image with all its layers, or update it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  ostree-container image pull repo ostree-unverified-registry:registry.example.com/os:stable\n  \
    ostree-container --repo repo image pull oci:image\n  \
    ostree-container --repo repo image pull ostree-remote-registry:os:registry.example.com/os:stable\n\n\
    The last one takes the image only if its commit is signed as the configuration of the remote os asks for."
)]
pub struct Args {
    /// What is pulled, and where to
    #[command(flatten)]
    target: Target,
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
    /// What no signature covers
    #[command(flatten)]
    layers: LayersArgs,
    /// How it is fetched
    #[command(flatten)]
    fetch: FetchArgs,
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
    let listener = args.fetch.progress.listener(args.target.image_word())?;
    let repo = args.target.context(context).open_writable()?;
    let image = args.target.image(context)?;
    let verifier = trust::of_image(&repo, &image)?;
    let source = args.source(&image, &repo)?;
    let platform = args.target.platform.or_host();
    match layered::prepare(&*source, image.image(), &repo, &platform, &mut target::absent)? {
        Prepared::Unchanged(stored) => {
            transfer::clean(&repo);
            if let Some(verifier) = &verifier {
                args.verify_stored((&repo, &image), &stored, verifier)?;
            }
            // Those who look at progress are told of an end in any case.
            listener.event(Event::Start { task: "importing", bytes: 0, layers: 0 });
            listener.event(Event::Done);
            args.unchanged(&repo, &image, &stored)
        }
        Prepared::Pull(plan) => {
            if verifier.is_some() {
                let count = plan.layers.len().saturating_sub(plan.base_layers);
                trust::check_layers(&image, &args.layers, plan.base_layers, count)?;
            }
            args.pull((&repo, &image), (&plan, verifier.as_ref()), &*listener)
        }
    }
}

impl Args {
    /// The image; on a registry, its first layers come beside its configuration where it will be pulled.
    fn source<'a>(&self, image: &SourceReference, repo: &'a Repo) -> Result<Box<dyn ImageSource + 'a>> {
        let source = self.target.registry.admitted_into(image, repo, &self.fetch.amount)?;
        let eager = self.check.is_none() && image.image().transport == Transport::Registry;
        let parallel = self.fetch.parallel_fetches;
        Ok(if eager { Box::new(Eager::new(Arc::from(source), repo, parallel)) } else { source })
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

    /// Asks of a stored image what is asked of one that comes in: it may be there by another name.
    fn verify_stored(
        &self,
        (repo, image): (&Repo, &SourceReference),
        stored: &stored::StoredImage,
        verifier: &CommitVerifier,
    ) -> Result<()> {
        let config =
            stored.config.as_ref().with_context(|| format!("{image}: the stored image has lost its configuration"))?;
        let shape = Shape::of(&stored.manifest, config)?;
        let base_layers = shape.base.as_ref().map_or(0, |base| base.iter().count());
        trust::check_layers(image, &self.layers, base_layers, shape.derived.len())?;
        let base = stored.base.with_context(|| format!("{image}: the stored image has lost its commit"))?;
        let bytes = commit_bytes(repo, &base)?;
        let detached = repo.read_detached(&base)?.map(|detached| detached.encode());
        Ok(verifier.verify_commit(&base, &bytes, detached.as_deref())?)
    }

    fn pull(
        &self,
        (repo, image): (&Repo, &SourceReference),
        (plan, verifier): (&Plan<'_>, Option<&CommitVerifier>),
        listener: &dyn Listener,
    ) -> Result<()> {
        plan.remember()?;
        if !self.json {
            if let Some(previous) = &plan.previous {
                line(ostree_container::compare::compare(&previous.manifest, &plan.info.manifest))?;
            }
            let (present, needed, size) = (plan.present(), plan.needed(), format_size(plan.bytes_to_come()));
            line(format_args!("layers already present: {present}; layers needed: {needed} ({size})"))?;
        }
        if let Some(file) = &self.check {
            write_whole(file, &json::to_canonical("image manifest", &plan.info.manifest)?)?;
            return if self.json { line(self.outcome(image, plan, None)) } else { Ok(()) };
        }
        let options = PullOptions {
            verify: trust::as_dyn(verifier),
            jobs: self.fetch.jobs,
            parallel_fetches: self.fetch.parallel_fetches,
            var: self.var,
            skip_special: self.skip_special,
            deny_filtered: self.deny_filtered,
            skip_space_check: self.fetch.skip_space_check,
            ..PullOptions::default()
        };
        let pulled = layered::import(plan, &options, listener)?;
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
            "bytes-needed": plan.bytes_to_come(),
            "filtered": pulled.map(|pulled| layered::by_name(pulled.filtered.values())),
            "filtered-paths": pulled.filter(|_| self.list_filtered).map(|pulled| &pulled.filtered_paths),
        })
    }

    fn tell_filtered(&self, pulled: &Pulled) {
        tell_filtered(&layered::by_name(pulled.filtered.values()));
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

/// Removes the layers that nothing needs any more. The image is there; a failure here takes nothing away from it.
fn collect(repo: &Repo) {
    let options = GcOptions { patience: Some(PATIENCE), ..GcOptions::default() };
    match stored::collect(repo, &options) {
        Ok(stats) => stats.problems.iter().for_each(|problem| warn(problem)),
        Err(problem) => warn(&format!("unused layers are left for the next time: {}", message(&problem.into()))),
    }
}
