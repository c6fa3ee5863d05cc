//! Full names for images that are named without their registry, as `registries.conf` has them.

use anyhow::{Result, bail};
use oci_image::{ImageReference, Transport};
use oci_registry::{Environment, Registries};
use ostree_container::stored;
use ostree_repo::Repo;

use crate::context::Context;
use crate::exit::{UsageError, message};
use crate::images::{RegistryArgs, SourceReference};

/// `TRANSPORT:NAME`, or the name of an image on a registry alone.
pub fn image_name(text: &str) -> Result<ImageReference> {
    match text.split_once(':') {
        Some((word, _)) if word.parse::<Transport>().is_ok() => Ok(text.parse()?),
        _ => Ok(format!("registry:{text}").parse()?),
    }
}

/// The image to read that `word` names: in full, or where short names are looked up, by a name alone.
pub fn source(word: &str, registry: &RegistryArgs, context: &Context) -> Result<SourceReference> {
    let image = match word.parse::<SourceReference>() {
        Ok(image) => image,
        Err(_) if context.short_names => SourceReference::Plain(image_name(word)?),
        Err(problem) => return Err(UsageError(format!("{word}: {problem}")).into()),
    };
    to_read(image, registry, context)
}

/// An image to read: of several that a name may mean, the first that is there. The other programs take names as they are.
pub fn to_read(image: SourceReference, registry: &RegistryArgs, context: &Context) -> Result<SourceReference> {
    if !context.short_names {
        return Ok(image);
    }
    let full = match candidates(image.image())?.as_slice() {
        [one] => one.clone(),
        all => first_present(image.image(), all, registry)?,
    };
    Ok(match image {
        SourceReference::Plain(_) => SourceReference::Plain(full),
        SourceReference::Ostree(mut image) => {
            image.imgref = full;
            SourceReference::Ostree(image)
        }
    })
}

/// An image that a repository holds: by the name as it is, else by the first that it may mean. The other programs take
/// names as they are.
pub fn stored(image: &ImageReference, repo: &Repo, context: &Context) -> Result<ImageReference> {
    let absent = |image: &ImageReference| matches!(stored::find(repo, image), Ok(None));
    if !context.short_names || image.transport != Transport::Registry || !absent(image) {
        return Ok(image.clone());
    }
    // A name that means nothing is one that is not stored.
    let found = candidates(image).unwrap_or_default().into_iter().find(|one| !absent(one));
    Ok(found.unwrap_or_else(|| image.clone()))
}

/// An image to write, whose name must mean one only; the other programs take names as they are.
pub fn to_write(image: &ImageReference, context: &Context) -> Result<ImageReference> {
    if !context.short_names {
        return Ok(image.clone());
    }
    match candidates(image)?.as_slice() {
        [one] => Ok(one.clone()),
        all => {
            let names: Vec<&str> = all.iter().map(|image| image.name.as_str()).collect();
            bail!("{}: names no registry, and could mean any of {}", image.name, names.join(", "))
        }
    }
}

fn candidates(image: &ImageReference) -> Result<Vec<ImageReference>> {
    if image.transport != Transport::Registry {
        return Ok(vec![image.clone()]);
    }
    let names = Registries::read(&Environment::default())?.full_names(&image.name)?;
    Ok(names.into_iter().map(|name| ImageReference { name, ..image.clone() }).collect())
}

fn first_present(image: &ImageReference, all: &[ImageReference], registry: &RegistryArgs) -> Result<ImageReference> {
    let mut problems = Vec::new();
    for one in all {
        match registry.source(one).and_then(|source| Ok(source.manifest()?)) {
            Ok(_) => return Ok(one.clone()),
            Err(problem) => problems.push(format!("{}: {}", one.name, message(&problem))),
        }
    }
    bail!(
        "{}: names no registry, and none of the unqualified-search-registries has it: {}",
        image.name,
        problems.join("; ")
    )
}
