//! `convert`: any image as one that holds an OSTree commit.

use std::num::NonZeroUsize;

use anyhow::Result;
use oci_image::{ImageReference, ImageSource};
use ostree_container::Event;
use ostree_container::convert::{ConvertOptions, convert};
use ostree_container::layered::PullOptions;
use ostree_core::RefName;
use ostree_repo::{Repo, TransactionOptions};
use serde_json::json;

use crate::commands::container::digestfile::DigestfileArgs;
use crate::commands::container::filtered::tell_filtered;
use crate::commands::container::image_options::ImageOptions;
use crate::context::Context;
use crate::exit::UsageError;
use crate::image_word::{ImageWord, help};
use crate::images::SourceReference;
use crate::output::line;
use crate::progress::Unfinished;
use crate::scratch::Scratch;
use crate::short_names;
use crate::transfer::AmountArgs;

/// Turn any container image into one that holds an OSTree commit
#[derive(Debug, clap::Args)]
#[command(
    long_about = "Turn any container image into one that holds an OSTree commit.\n\nThe layers are merged, /etc becomes \
    /usr/etc, files get the labels of the SELinux policy that the image has, and the tree becomes a commit, which depends on \
    the image alone. Command, entry point, environment and labels are taken over. An image that holds a commit, and nothing \
    on top of it, keeps its commit.\n\nWith --repo the image is unpacked into that repository, where it stays stored; else into a \
    temporary one that takes as much space as the image and is removed at the end: in $TMPDIR if that is set, else beside \
    DESTINATION if that is a file or directory, else in /var/tmp. What came before a run was broken off stays in --repo, and \
    is not fetched again.",
    after_help = "Examples:\n  ostree-container convert docker://docker.io/library/debian:stable oci:debian\n  \
    ostree-container convert --repo repo --write-ref debian oci:image registry:registry.example.com/debian:ostree"
)]
pub struct Args {
    /// A ref of --repo that is to name the new commit
    #[arg(long, value_name = "REF", overrides_with = "write_ref")]
    write_ref: Option<RefName>,
    /// Leave out devices, FIFOs and overlay whiteout nodes rather than refuse them
    #[arg(long, overrides_with = "skip_special")]
    skip_special: bool,
    /// Print a JSON object
    #[arg(long, overrides_with = "json")]
    json: bool,
    /// How many layers are fetched at a time (default: 8)
    #[arg(long, value_name = "N", overrides_with = "parallel_fetches")]
    parallel_fetches: Option<NonZeroUsize>,
    /// Where the digest of the new image goes
    #[command(flatten)]
    digestfile: DigestfileArgs,
    /// How much is fetched
    #[command(flatten)]
    amount: AmountArgs,
    /// What the new image is like
    #[command(flatten)]
    image: ImageOptions,
    /// The image to read, e.g. docker://registry.example.com/app:latest
    #[arg(long_help = help("The image to read, e.g. docker://registry.example.com/app:latest"), value_name = "SOURCE")]
    source: ImageWord,
    /// The image to write, e.g. registry:registry.example.com/app:ostree or oci:DIR:TAG
    #[arg(value_name = "DESTINATION")]
    destination: ImageWord,
}

/// Prints the digest of the new image.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    if let Some(option) = args.of_repo().filter(|_| context.repo.is_none()) {
        return Err(UsageError(format!("{option} needs --repo: without it, nothing stays of what is read")).into());
    }
    let registry = &args.image.registry;
    let images = Images {
        source: short_names::to_read(&args.source.0, registry, context)?,
        destination: short_names::to_write(&args.destination.0, context)?,
    };
    images.source.refuse_signatures()?;
    match &context.repo {
        Some(_) => {
            let repo = context.open_writable()?;
            let source = registry.admitted_into(&images.source, &repo, &args.amount)?;
            in_repo(args, &images, (&*source, &repo), TransactionOptions::default())
        }
        None => {
            let nothing_to_lose = TransactionOptions { fsync: Some(false), per_object_fsync: Some(false) };
            let scratch = Scratch::new(context, None, &images.destination)?;
            let source = registry.admitted(&images.source)?;
            in_repo(args, &images, (&*source, &scratch.repo), nothing_to_lose)
        }
    }
}

impl Args {
    /// An option about the repository, if there is one.
    fn of_repo(&self) -> Option<&'static str> {
        self.amount.given().or(self.write_ref.is_some().then_some("--write-ref"))
    }
}

/// The images that the words mean.
struct Images {
    source: SourceReference,
    destination: ImageReference,
}

fn in_repo(
    args: &Args,
    Images { source: image, destination }: &Images,
    (source, repo): (&dyn ImageSource, &Repo),
    transaction: TransactionOptions,
) -> Result<()> {
    let registry = &args.image.registry;
    let signer = args.image.sign.prepare(destination, registry)?;
    let sink = registry.sink(destination)?;
    let options = ConvertOptions {
        pull: PullOptions {
            platform: args.image.platform.clone(),
            jobs: args.image.jobs,
            parallel_fetches: args.parallel_fetches,
            transaction,
            skip_special: args.skip_special,
            ..PullOptions::default()
        },
        image: args.image.options(destination)?,
        write_ref: args.write_ref.clone(),
    };
    args.digestfile.check()?;
    let listener = args.image.progress.listener_for("converting", &destination.to_string())?;
    let done = convert((source, image.image()), repo, &*sink, options, &Unfinished(&*listener))?;
    if let Some(mut signer) = signer {
        signer.sign(&done.image.digest)?;
    }
    listener.event(Event::Done);
    args.digestfile.write(&done.image.digest)?;
    tell_filtered(&done.filtered);
    match args.json {
        true => line(json!({
            "image": destination.to_string(), "digest": done.image.digest.to_string(),
            "commit": done.commit.to_string(), "filtered": done.filtered,
        })),
        false => line(done.image.digest),
    }
}
