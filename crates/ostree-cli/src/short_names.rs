//! Full names for images that are named without their registry, as `registries.conf` has them.

use anyhow::{Result, bail};
use oci_image::reference::ReferenceError;
use oci_image::{ImageReference, Transport};
use oci_registry::{Environment, Registries};
use ostree_container::stored;
use ostree_repo::Repo;

use crate::context::Context;
use crate::exit::{UsageError, message};
use crate::images::{RegistryArgs, SourceReference};

/// `[SCHEME:]TRANSPORT:NAME`, or where short names are looked up, the name of an image on a registry alone.
fn image(word: &str, context: &Context) -> Result<SourceReference, UsageError> {
    let refuse = |problem: ReferenceError| UsageError(format!("{word}: {problem}"));
    match word.parse() {
        Ok(image) => Ok(image),
        // What begins with neither is a name.
        Err(ReferenceError::UnknownScheme(_)) if context.short_names => in_registry(word).map_err(refuse),
        Err(ReferenceError::MissingColon(text)) if context.short_names && text == word => {
            in_registry(word).map_err(refuse)
        }
        Err(problem) => Err(refuse(problem)),
    }
}

fn in_registry(name: &str) -> Result<SourceReference, ReferenceError> {
    if name.is_empty() {
        return Err(ReferenceError::EmptyName("registry:".to_owned()));
    }
    Ok(SourceReference::Plain(ImageReference { transport: Transport::Registry, name: name.to_owned() }))
}

/// The image to read that a word names: of several that it may mean, the first that is there. The other programs take
/// names as they are.
pub fn to_read(word: &str, registry: &RegistryArgs, context: &Context) -> Result<SourceReference> {
    let image = image(word, context)?;
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

/// The image of a repository that a word names: as it is, else the first of those that it may mean and that are stored.
/// The other programs take names as they are.
pub fn stored(word: &str, repo: &Repo, context: &Context) -> Result<ImageReference> {
    let image = image(word, context)?;
    let image = image.image();
    let absent = |image: &ImageReference| matches!(stored::find(repo, image), Ok(None));
    if !context.short_names || image.transport != Transport::Registry || !absent(image) {
        return Ok(image.clone());
    }
    // A name that means nothing is one that is not stored.
    let found = candidates(image).unwrap_or_default().into_iter().find(|one| !absent(one));
    Ok(found.unwrap_or_else(|| image.clone()))
}

/// The image to write that a word names, which must mean one only; the other programs take names as they are.
pub fn to_write(word: &str, context: &Context) -> Result<ImageReference> {
    let image = match image(word, context)? {
        SourceReference::Plain(image) => image,
        SourceReference::Ostree(_) => {
            return Err(UsageError(format!("{word}: a signature scheme is for images to read, not to write")).into());
        }
    };
    if !context.short_names {
        return Ok(image);
    }
    match candidates(&image)?.as_slice() {
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
