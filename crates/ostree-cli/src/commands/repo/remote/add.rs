//! `remote add`: describe a remote.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use ostree_core::RemoteName;
use ostree_repo::create::check_collection_id;
use ostree_sign::openpgp::Keyring;

use crate::args::KeyValue;
use crate::commands::repo::key_value::escape;
use crate::commands::repo::remote::{gpg_import, known};
use crate::context::Context;

/// Add a remote repository
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Commits of a remote must have a good OpenPGP signature, unless it is added with --no-gpg-verify. The keys are \
    those of its own keyring (--gpg-import, remote gpg-import), else those in /usr/share/ostree/trusted.gpg.d.\n\nExamples:\n  \
    ostree-container repo remote add --repo repo --gpg-import release.asc os https://example.com/os\n  \
    ostree-container repo remote add --repo repo --no-gpg-verify \\\n    --sign-verify spki=file:/etc/pki/os.pem os https://example.com/os"
)]
pub struct Args {
    /// Set config option KEY=VALUE for remote
    #[arg(long = "set", value_name = "KEY=VALUE")]
    options: Vec<String>,
    /// Disable GPG verification
    #[arg(long)]
    no_gpg_verify: bool,
    /// Disable signature verification
    #[arg(long)]
    no_sign_verify: bool,
    /// Verify signatures using KEYTYPE=inline:PUBKEY or KEYTYPE=file:/path/to/key
    #[arg(long, value_name = "KEYTYPE=[inline|file]:PUBKEY")]
    sign_verify: Vec<String>,
    /// Do nothing if the provided remote exists
    #[arg(long)]
    if_not_exists: bool,
    /// Replace the provided remote if it exists
    #[arg(long)]
    force: bool,
    /// Import GPG key from FILE
    #[arg(long, value_name = "FILE", overrides_with = "gpg_import")]
    gpg_import: Option<PathBuf>,
    /// This remote has content not fetched via libostree
    #[arg(long, value_name = "NAME", overrides_with = "custom_backend")]
    custom_backend: Option<String>,
    /// Use URL when fetching content
    #[arg(long, value_name = "URL", overrides_with = "contenturl")]
    contenturl: Option<String>,
    /// Globally unique ID for this repository as a collection of refs for redistribution to other repositories
    #[arg(long, value_name = "COLLECTION-ID", overrides_with = "collection_id")]
    collection_id: Option<String>,
    /// Use sysroot at PATH (overrides --repo)
    #[arg(long, value_name = "PATH", overrides_with = "sysroot")]
    sysroot: Option<PathBuf>,
    /// What to call it
    #[arg(value_name = "NAME")]
    name: String,
    /// Where it is
    #[arg(value_name = "[metalink=|mirrorlist=]URL")]
    url: String,
    /// What to pull by default
    #[arg(value_name = "BRANCH")]
    branches: Vec<String>,
}

/// Writes the remote's group of `config`.
pub fn run(args: &Args, context: &Context) -> Result<()> {
    let repo = known::open(context, args.sysroot.as_ref())?;
    let name: RemoteName = args.name.parse()?;
    let options = options(args)?;
    let group = known::group(&name);
    let mut file = repo.config().file.clone();
    if file.groups().contains(&group.as_str()) {
        if args.if_not_exists {
            return Ok(());
        }
        if !args.force {
            bail!("Remote configuration for \"{name}\" already exists: (in config)");
        }
        file.remove_group(&group);
    }
    for (key, value) in options {
        file.set(&group, &key, &escape(&value));
    }
    let mut source = Keyring::new();
    if let Some(path) = &args.gpg_import {
        source.add_file(path)?;
    }
    repo.write_config(&file)?;
    match args.gpg_import {
        Some(_) => gpg_import::import(&repo, &name, &source, &[]),
        None => Ok(()),
    }
}

/// Keys and values in the order the reference program writes them.
fn options(args: &Args) -> Result<Vec<(String, String)>> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut add = |key: &str, value: &str| found.push((key.to_owned(), value.to_owned()));
    match args.url.strip_prefix("metalink=") {
        Some(url) => add("metalink", url),
        None => add("url", &args.url),
    }
    if !args.branches.is_empty() {
        add("branches", &args.branches.iter().map(|branch| format!("{branch};")).collect::<String>());
    }
    args.contenturl.iter().for_each(|url| add("contenturl", url));
    args.custom_backend.iter().for_each(|name| add("custom-backend", name));
    for option in &args.options {
        let pair: KeyValue = option.parse().ok().context("Missing '=' in KEY=VALUE for --set")?;
        add(&pair.key, &pair.value);
    }
    if args.no_gpg_verify || args.no_sign_verify {
        add("gpg-verify", "false");
    }
    if args.no_sign_verify {
        add("sign-verify", "false");
    }
    let mut types = Vec::new();
    let mut keys = Vec::new();
    for text in &args.sign_verify {
        let refuse = || format!("Failed to parse KEYTYPE=[inline|file]:DATA in {text}");
        let (kind, data) = text.split_once('=').with_context(refuse)?;
        let (how, data) = data.split_once(':').with_context(refuse)?;
        let suffix = match how {
            "inline" => "key",
            "file" => "file",
            _ => bail!("Invalid key reference {data}, expected file|inline"),
        };
        types.push(kind);
        keys.push((format!("verification-{kind}-{suffix}"), data.to_owned()));
    }
    if !types.is_empty() {
        add("sign-verify", &types.join(","));
    }
    found.extend(keys);
    if let Some(id) = &args.collection_id {
        check_collection_id(id)?;
        found.push(("collection-id".to_owned(), id.clone()));
    }
    Ok(found)
}
