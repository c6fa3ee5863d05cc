//! The options about what an image made of a commit is like.

use std::fs::File;
use std::io::BufReader;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use oci_image::config::ContainerConfig;
use oci_image::{Compression, Digest, ImageReference, Platform, Transport};
use ostree_container::derive::{Parent, derive};
use ostree_container::{ContentMeta, EncapsulateOptions, Event, Listener, encapsulate};
use ostree_repo::{format_size, refs};
use ostree_tar::Flavour;

use crate::commands::container::tagged::Tagged;
use crate::commands::repo::signing::SignOptions;
use crate::context::Context;
use crate::exit::warn;
use crate::image_signing::SignArgs;
use crate::image_word::ImageWord;
use crate::images::RegistryArgs;
use crate::progress::{ProgressArgs, Unfinished};
use crate::scratch::Scratch;
use crate::short_names;
use crate::signed_store::SignedStore;

/// How xattrs stand in the layers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, clap::ValueEnum)]
pub enum FormatArg {
    /// As newer writers do
    #[default]
    Links,
    /// As ostree-ext 0.15.3 does
    Shared,
}

/// What the image stands on, and who signs the commit in it.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct ParentOptions {
    /// An image to stand on: its layers come first, unchanged, and one layer follows with what the commit has otherwise.
    /// The result is a derived image, as a build from that image would make it: `image pull` gives the commit's tree under
    /// a commit of its own, and programs that run it see the commit's files. What is in a layer has no SELinux labels. The image is unpacked for the
    /// time being in $TMPDIR if that is set, else in the repository if it can be written, else beside what is written
    #[arg(long, value_name = "IMAGE", overrides_with = "from", conflicts_with = "contentmeta")]
    pub from: Option<ImageWord>,
    /// How many layers of --from are fetched at a time to be unpacked (default: 8)
    #[arg(long, value_name = "N", overrides_with = "parallel_fetches", requires = "from")]
    pub parallel_fetches: Option<NonZeroUsize>,
    /// Who signs the commit; the repository's own stays as it is
    #[command(flatten)]
    pub signing: SignOptions,
}

/// What the image is like.
#[derive(Debug, Clone, clap::Args)]
pub struct ImageOptions {
    /// Additional labels for the container
    #[arg(short, long = "label", value_name = "KEY=VALUE")]
    pub labels: Vec<String>,
    /// Path to a JSON-formatted container configuration; this is the `config` field of an OCI image configuration
    #[arg(long, value_name = "FILE", overrides_with = "config")]
    pub config: Option<PathBuf>,
    /// Propagate an OSTree commit metadata key to a label; it must be there
    #[arg(long = "copymeta", value_name = "KEY")]
    pub copy_metadata: Vec<String>,
    /// Propagate an OSTree commit metadata key to a label, if it is there
    #[arg(long = "copymeta-opt", value_name = "KEY")]
    pub copy_metadata_optional: Vec<String>,
    /// Corresponds to the Dockerfile `CMD` instruction
    #[arg(long, value_name = "ARG", allow_hyphen_values = true)]
    pub cmd: Vec<String>,
    /// Compress at the fastest level
    #[arg(long, overrides_with = "compression_fast")]
    pub compression_fast: bool,
    /// Path to a JSON-formatted plan of which file objects go into which layer
    #[arg(long, value_name = "FILE", overrides_with = "contentmeta")]
    pub contentmeta: Option<PathBuf>,
    /// How layers are compressed: none, gzip[:0..9] (default gzip:5) or zstd[:1..19]
    #[arg(long, value_name = "NAME[:LEVEL]", overrides_with = "compression", conflicts_with = "compression_fast")]
    pub compression: Option<Compression>,
    /// The processor the image is for, as in `amd64` or `x86_64` (default: what the commit says)
    #[arg(long, value_name = "ARCH", overrides_with = "arch", conflicts_with = "platform")]
    pub arch: Option<String>,
    /// The platform the image is for, as in `linux/arm64`
    #[arg(long, value_name = "OS/ARCH[/VARIANT]", overrides_with = "platform")]
    pub platform: Option<Platform>,
    /// When the image is said to be made (default: the commit's time)
    #[arg(long, value_name = "DATE", overrides_with = "created")]
    pub created: Option<String>,
    /// How xattrs stand in the layers
    #[arg(long, value_enum, default_value = "links", value_name = "NAME", overrides_with = "format")]
    pub format: FormatArg,
    /// How many threads compress (default: one a processor); the image does not depend on it
    #[arg(long, value_name = "N", overrides_with = "jobs")]
    pub jobs: Option<NonZeroUsize>,
    /// How the registry is reached
    #[command(flatten)]
    pub registry: RegistryArgs,
    /// Who signs it
    #[command(flatten)]
    pub sign: SignArgs,
    /// How progress is shown
    #[command(flatten)]
    pub progress: ProgressArgs,
}

impl ImageOptions {
    /// Writes the commit that `rev` names as an image to `destination`, and signs it under each of its names; gives the
    /// image's digest. Only then it is done for those who look at progress.
    pub fn write(&self, context: &Context, rev: &str, destination: &Tagged, parent: &ParentOptions) -> Result<Digest> {
        // With an identity of its own, the signature is the same for all.
        let names = destination.names().take(if self.sign.sign_identity.is_some() { 1 } else { usize::MAX });
        let signers = names.map(|name| self.sign.prepare(name, &self.registry)).collect::<Result<Vec<_>>>()?;
        let task = if parent.from.is_some() { "deriving" } else { "encapsulating" };
        let listener = self.progress.listener_for(task, &destination.image.to_string())?;
        let digest = self.write_unsigned(context, (rev, &destination.image), parent, &Unfinished(&*listener))?;
        destination.tag(&digest, &self.registry)?;
        for mut signer in signers.into_iter().flatten() {
            signer.sign(&digest)?;
        }
        listener.event(Event::Done);
        Ok(digest)
    }

    fn write_unsigned(
        &self,
        context: &Context,
        (rev, destination): (&str, &ImageReference),
        parent: &ParentOptions,
        listener: &dyn Listener,
    ) -> Result<Digest> {
        let repo = context.open_repo()?;
        let commit = refs::resolve(&repo, rev)?;
        let options = self.options(destination)?;
        let Some(word) = &parent.from else {
            let store = SignedStore::new(&repo, commit, &parent.signing)?;
            let sink = self.registry.sink(destination)?;
            return Ok(encapsulate(&store, &commit, &*sink, &options, listener)?.digest);
        };
        if parent.signing.is_asked() {
            bail!("the commit is not in an image that stands on another, and its signature could not be");
        }
        let image = short_names::to_read(&word.0, &self.registry, context)?;
        image.refuse_signatures()?;
        let source = self.registry.admitted(&image)?;
        let image = image.image();
        let sink = self.registry.sink_beside(destination, image)?;
        let own = repo.check_writable().is_ok().then(|| context.repo_path()).transpose()?;
        let scratch = Scratch::new(context, own.as_deref(), destination)?;
        let parent_image =
            Parent { image, source: &*source, scratch: &scratch.repo, parallel_fetches: parent.parallel_fetches };
        let derived = derive((&repo, &commit), &parent_image, &*sink, &options, listener)?;
        if context.verbose {
            eprintln!("{} added to the layers of {image}", format_size(derived.added));
        }
        for path in &derived.outside {
            warn(&format!(
                "what the image says of {path} is left out where it is deployed, unless the root is transient or composefs"
            ));
        }
        Ok(derived.digest)
    }

    /// The options as the library has them.
    pub fn options(&self, destination: &ImageReference) -> Result<EncapsulateOptions> {
        let required = self.copy_metadata.iter().map(|key| (key.clone(), true));
        let optional = self.copy_metadata_optional.iter().map(|key| (key.clone(), false));
        let fast = self.compression_fast || destination.transport == Transport::ContainersStorage;
        Ok(EncapsulateOptions {
            labels: self.labels.iter().map(|label| split_label(label)).collect::<Result<_>>()?,
            copy_metadata: required.chain(optional).collect(),
            config: self.config.as_deref().map(read_config).transpose()?,
            cmd: (!self.cmd.is_empty()).then(|| self.cmd.clone()),
            content: self.contentmeta.as_deref().map(read_content).transpose()?,
            compression: match self.compression {
                Some(compression) => compression,
                None if fast => Compression::Gzip(1),
                None => Compression::default(),
            },
            flavour: match self.format {
                FormatArg::Links => Flavour::Links,
                FormatArg::Shared => Flavour::Shared,
            },
            platform: self.platform.clone().or_else(|| self.arch.as_deref().map(Platform::linux)),
            created: self.created.as_deref().map(rfc3339).transpose()?,
            jobs: self.jobs,
        })
    }
}

fn split_label(text: &str) -> Result<(String, String)> {
    let pair = text.split_once('=');
    let (key, value) = pair.with_context(|| format!("Missing '=' in label {text}"))?;
    Ok((key.to_owned(), value.to_owned()))
}

fn read_config(path: &Path) -> Result<ContainerConfig> {
    let file = File::open(path).with_context(|| format!("opening {}", path.display()))?;
    serde_json::from_reader(BufReader::new(file)).with_context(|| format!("parsing {}", path.display()))
}

fn read_content(path: &Path) -> Result<ContentMeta> {
    let json = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    ContentMeta::parse(&json).with_context(|| format!("parsing {}", path.display()))
}

/// Any date that `--timestamp` takes, as RFC 3339 in UTC.
fn rfc3339(text: &str) -> Result<String> {
    let Ok(at) = jiff::Timestamp::from_second(crate::date::parse(text)?) else { bail!("Could not parse '{text}'") };
    Ok(at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string())
}
