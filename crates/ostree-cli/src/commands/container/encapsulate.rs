//! `encapsulate`: wrap a commit into an image.

use std::path::PathBuf;

use anyhow::{Result, bail, ensure};
use oci_image::{Digest, ImageReference, Transport};
use oci_trust::Named;

use crate::commands::container::image_options::{ImageOptions, ParentOptions};
use crate::context::Context;
use crate::image_word::ImageWord;
use crate::output::{line, write_whole};
use crate::short_names;

/// Wrap an OSTree commit into a container image
#[derive(Debug, clap::Args)]
pub struct Args {
    /// What the image is like
    #[command(flatten)]
    image: ImageOptions,
    /// What the image stands on
    #[command(flatten)]
    parent: ParentOptions,
    /// Give the image on the registry this tag too; nothing is sent twice
    #[arg(long = "tag", value_name = "TAG")]
    tags: Vec<String>,
    /// Write the digest of the image to FILE
    #[arg(long, value_name = "FILE", overrides_with = "digestfile")]
    digestfile: Option<PathBuf>,
    /// The ref or checksum of the commit
    #[arg(value_name = "REV")]
    rev: String,
    /// The image to write, e.g. docker://registry.example.com/os:latest or oci:DIR:TAG
    #[arg(value_name = "IMGREF")]
    imgref: ImageWord,
}

/// Prints the digest of the image.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let image = short_names::to_write(&args.imgref.0, context)?;
    let twins = args.tags.iter().map(|tag| retagged(&image, tag)).collect::<Result<Vec<_>>>()?;
    let digest = args.image.write(context, &args.rev, &image, &args.parent)?;
    args.tag((&image, &digest), &twins)?;
    if let Some(file) = &args.digestfile {
        write_whole(file, digest.to_string().as_bytes())?;
    }
    line(digest)
}

impl Args {
    /// Stores the image's manifest under other tags of its repository, which has all the rest.
    fn tag(&self, (image, digest): (&ImageReference, &Digest), twins: &[ImageReference]) -> Result<()> {
        if twins.is_empty() {
            return Ok(());
        }
        let registry = &self.image.registry;
        let manifest = registry.source(image)?.manifest()?;
        ensure!(manifest.digest == *digest, "{image}: somebody else has just replaced the image");
        for twin in twins {
            registry.sink(twin)?.finish(&manifest)?;
        }
        Ok(())
    }
}

/// The image of the same repository with another tag.
fn retagged(image: &ImageReference, tag: &str) -> Result<ImageReference> {
    if image.transport != Transport::Registry {
        bail!("--tag is for images on registries, not for {image}");
    }
    Ok(ImageReference { name: format!("{}:{tag}", Named::parse(&image.name)?.name()), ..image.clone() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_takes_the_place_of_tag_and_digest() {
        let twin = |text: &str| retagged(&text.parse().unwrap(), "new").map(|image| image.name);
        assert_eq!(twin("docker://h.example:5000/a/b:old").unwrap(), "h.example:5000/a/b:new");
        assert_eq!(twin("docker://h.example:5000/a/b").unwrap(), "h.example:5000/a/b:new");
        let digest = Digest::sha256(b"");
        assert_eq!(twin(&format!("docker://h.example/a:old@{digest}")).unwrap(), "h.example/a:new");
        assert!(twin("oci:dir:old").is_err());
    }
}
