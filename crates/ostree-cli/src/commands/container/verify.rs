//! `verify`: what the container policy says about an image, and why.

use anyhow::Result;
use oci_trust::{Outcome, Step, Verdict};
use serde_json::{Value, json};

use crate::admission::{needs_signature, require};
use crate::context::Context;
use crate::image_word::help;
use crate::images::RegistryArgs;
use crate::output::line;
use crate::short_names;

/// Tell whether the container policy lets an image in
#[derive(Debug, clap::Args)]
#[command(
    after_help = "The exit code is 1 if it does not. With ostree-image-signed: it is 1 as well if the policy lets the image in \
    without a signature. Nothing is fetched but the image's manifest and its signatures.\n\nExamples:\n  \
    ostree-container verify --explain registry.example.com/os:stable\n  \
    ostree-container verify --policy policy.json ostree-image-signed:docker://registry.example.com/os:stable"
)]
pub struct Args {
    /// How the registry is reached
    #[command(flatten)]
    registry: RegistryArgs,
    /// Print which file, scope, requirement, key and signature decided
    #[arg(long, overrides_with = "explain")]
    explain: bool,
    /// Print the same as a JSON object
    #[arg(long, overrides_with = "json")]
    json: bool,
    /// The image: a name on a registry, or [SCHEME:]TRANSPORT:NAME
    #[arg(long_help = help("The image: a name on a registry, or [SCHEME:]TRANSPORT:NAME"), value_name = "IMAGE")]
    image: String,
}

/// Prints the verdict; fails if the image must not come in.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let image = short_names::to_read(&args.image, &args.registry, context)?;
    image.refuse_signatures()?;
    let verdict = args.registry.verdict(&image)?;
    let result = require(&verdict, needs_signature(&image));
    match (args.json, args.explain, &result) {
        (true, _, _) => line(describe(&verdict, result.is_ok()))?,
        (false, true, _) => line(&verdict)?,
        (false, false, Ok(())) => {
            let words = if verdict.is_verified() { "signed" } else { "not signed" };
            line(format_args!("{}: accepted, {words}", verdict.image))?;
        }
        (false, false, Err(_)) => {}
    }
    Ok(result?)
}

fn describe(verdict: &Verdict, accepted: bool) -> Value {
    json!({
        "image": verdict.image,
        "digest": verdict.digest.as_ref().map(ToString::to_string),
        "policy": verdict.policy,
        "scope": verdict.scope.to_string(),
        "requirements": verdict.steps.iter().map(step).collect::<Vec<_>>(),
        "accepted": accepted,
        "signed": verdict.is_verified(),
    })
}

fn step(step: &Step) -> Value {
    let (met, reason) = match &step.outcome {
        Outcome::Refused(reason) => (false, Some(reason)),
        Outcome::Verified | Outcome::NothingAsked => (true, None),
    };
    let signatures = step.tried.iter().map(|tried| {
        let (key, reason) = (tried.result.as_ref().ok(), tried.result.as_ref().err());
        json!({
            "place": tried.place, "good": key.is_some(), "reason": reason,
            "key": key.map(|key| json!({"name": key.name, "origin": key.origin})),
        })
    });
    json!({
        "type": step.requirement, "identity": step.identity, "met": met, "reason": reason,
        "signatures": signatures.collect::<Vec<_>>(),
    })
}
