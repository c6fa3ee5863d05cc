//! An image to write that gets several tags.

use anyhow::{Result, ensure};
use oci_image::{Digest, ImageReference, Named, Transport};

use crate::exit::UsageError;
use crate::images::RegistryArgs;

/// An image to write.
#[derive(Debug)]
pub struct Tagged {
    /// Where it is written to.
    pub image: ImageReference,
    /// The same with other tags.
    pub twins: Vec<ImageReference>,
}

impl Tagged {
    /// An image with further tags.
    pub fn with_tags(image: ImageReference, tags: &[String]) -> Result<Self> {
        if tags.is_empty() {
            return Ok(Self { image, twins: Vec::new() });
        }
        if image.transport != Transport::Registry {
            return Err(UsageError(format!("--tag is for images on registries, not for {image}")).into());
        }
        let name = Named::parse(&image.name)?;
        let twin = |tag: &String| {
            let whole = format!("{}:{tag}", name.name());
            if Named::parse(&whole).is_ok_and(|named| named.tag() == Some(tag)) {
                return Ok(ImageReference { name: whole, ..image.clone() });
            }
            Err(UsageError(format!("--tag {tag:?}: not a tag")))
        };
        let twins = tags.iter().map(twin).collect::<Result<_, _>>()?;
        Ok(Self { image, twins })
    }

    /// One image under several names, which differ in their tags alone.
    pub fn named(image: ImageReference, twins: Vec<ImageReference>) -> Result<Self> {
        for twin in &twins {
            let of_registries = image.transport == Transport::Registry && twin.transport == Transport::Registry;
            if !(of_registries && Named::parse(&twin.name)?.name() == Named::parse(&image.name)?.name()) {
                let reason = "several names of one image must be tags of one repository on a registry";
                return Err(UsageError(format!("{image} and {twin}: {reason}")).into());
            }
        }
        Ok(Self { image, twins })
    }

    /// All names of the image.
    pub fn names(&self) -> impl Iterator<Item = &ImageReference> {
        std::iter::once(&self.image).chain(&self.twins)
    }

    /// Stores the manifest of the image that was written under its other tags; the repository has all the rest.
    pub fn tag(&self, digest: &Digest, registry: &RegistryArgs) -> Result<()> {
        if self.twins.is_empty() {
            return Ok(());
        }
        let manifest = registry.source(&self.image)?.manifest()?;
        ensure!(manifest.digest == *digest, "{}: somebody else has just replaced the image", self.image);
        for twin in &self.twins {
            registry.sink(twin)?.finish(&manifest)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_takes_the_place_of_tag_and_digest() {
        let twin = |text: &str| {
            let tagged = Tagged::with_tags(text.parse().unwrap(), &["new".to_owned()]);
            tagged.map(|tagged| tagged.twins[0].name.clone())
        };
        assert_eq!(twin("docker://h.example:5000/a/b:old").unwrap(), "h.example:5000/a/b:new");
        assert_eq!(twin("docker://h.example:5000/a/b").unwrap(), "h.example:5000/a/b:new");
        let digest = Digest::sha256(b"");
        assert_eq!(twin(&format!("docker://h.example/a:old@{digest}")).unwrap(), "h.example/a:new");
        assert!(twin("oci:dir:old").is_err());
        let image = || "docker://h.example/a".parse().unwrap();
        for bad in ["", "two words", "-x", "a:b", "a/b", &format!("new@{digest}"), &"x".repeat(129)] {
            assert!(Tagged::with_tags(image(), &[bad.to_owned()]).unwrap_err().is::<UsageError>(), "{bad}");
        }
    }

    #[test]
    fn several_names_are_of_one_repository() {
        let named = |one: &str, other: &str| {
            Tagged::named(one.parse().unwrap(), vec![other.parse().unwrap()]).map(|tagged| tagged.names().count())
        };
        assert_eq!(named("docker://h.example/a:1", "registry:h.example/a:2").unwrap(), 2);
        for other in ["docker://h.example/b:1", "docker://g.example/a:1", "oci:a:1"] {
            assert!(named("docker://h.example/a:1", other).unwrap_err().is::<UsageError>(), "{other}");
        }
        assert!(named("oci:a:1", "oci:a:2").is_err());
        assert_eq!(Tagged::named("oci:a".parse().unwrap(), Vec::new()).unwrap().names().count(), 1);
    }
}
