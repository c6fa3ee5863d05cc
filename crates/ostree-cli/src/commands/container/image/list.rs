//! `image list`: which images are stored.

use anyhow::Result;
use oci_image::ImageConfig;
use ostree_container::compare;
use ostree_container::keys::VERSION_LABEL;
use ostree_container::stored::{self, ImageEntry, StoredImage};
use ostree_repo::Repo;
use serde_json::{Value, json};

use crate::commands::container::image::report;
use crate::context::Context;
use crate::exit::{message, warn};
use crate::output::line;

/// List stored images
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  ostree-container image list --repo repo --json")]
pub struct Args {
    /// Print a JSON array with an object for each image
    #[arg(long, overrides_with = "json")]
    json: bool,
}

/// Prints an image a line. What is damaged is told on standard error, or in the image's `problems`.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = context.open_repo()?;
    let entries = stored::entries(&repo)?;
    if args.json {
        let images: Vec<Value> = entries.into_iter().map(|entry| describe(&repo, entry)).collect();
        return line(Value::from(images));
    }
    for entry in entries {
        line(&entry.text)?;
        let text = entry.text.clone();
        let (_, problems) = look_into(&repo, entry);
        problems.iter().for_each(|problem| warn(&format!("{text}: {problem}")));
    }
    Ok(())
}

/// The image, as far as it can be read, and everything that is wrong with it.
fn look_into(repo: &Repo, entry: ImageEntry) -> (Option<StoredImage>, Vec<String>) {
    let mut problems: Vec<String> = entry.image.err().map(|problem| message(&problem.into())).into_iter().collect();
    let image = match entry.commit {
        Ok(commit) => stored::query(repo, &commit).map_err(|problem| message(&problem.into())),
        Err(problem) => Err(message(&problem.into())),
    };
    match image {
        Ok(image) => {
            problems.extend(image.problems.iter().cloned());
            (Some(image), problems)
        }
        Err(problem) => {
            problems.push(problem);
            (None, problems)
        }
    }
}

fn describe(repo: &Repo, entry: ImageEntry) -> Value {
    let (text, name) = (entry.text.clone(), entry.name.to_string());
    let commit = entry.commit.as_ref().ok().map(ToString::to_string);
    let (image, problems) = look_into(repo, entry);
    let mut value = json!({"image": text, "ref": name, "commit": commit, "problems": problems});
    if let (Some(image), Some(members)) = (image, value.as_object_mut()) {
        let label = |name| image.config.as_ref().and_then(|config: &ImageConfig| config.label(name));
        let update = stored::cached_update(repo, &image.commit).ok().flatten();
        members.insert("version".into(), json!(label(VERSION_LABEL)));
        members.insert("created".into(), json!(image.config.as_ref().and_then(|config| config.created.as_deref())));
        members.insert("manifest-digest".into(), json!(image.manifest_digest.to_string()));
        members.insert("base".into(), json!(image.base.map(|base| base.to_string())));
        members.insert("layers".into(), json!(image.layers.len()));
        members.insert("size".into(), json!(compare::size(&image.manifest.layers)));
        members.insert("update".into(), json!(update.map(|update| update.manifest_digest.to_string())));
    }
    value
}

/// Finds a stored image and tells what is wrong with it.
pub fn open(repo: &Repo, image: &oci_image::ImageReference) -> Result<StoredImage> {
    let stored = stored::require(repo, image)?;
    report::problems(&stored.problems);
    Ok(stored)
}
