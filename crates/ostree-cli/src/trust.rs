//! What a repository's configuration of a remote says about signatures, as the checks take it.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use oci_image::{OstreeImageReference, SignatureSource};
use ostree_core::{RemoteName, VerifyCommit};
use ostree_repo::Repo;
use ostree_repo::keyfile::KeyFile;
use ostree_sign::openpgp::Keyring;
use ostree_sign::trust::EngineKeys;
use ostree_sign::{CommitVerifier, Engine, KeyDirectory, RemoteTrust, SignVerify};

use crate::commands::repo::key_value::unescape;
use crate::images::SourceReference;
use crate::output::local_date;

/// The system's own repository, by way of a symlink where a system is deployed.
const SYSTEM_REPO: &str = "/ostree/repo";
/// Configurations of remotes beside that of the system's repository.
const REMOTES_DIR: &str = "/etc/ostree/remotes.d";
/// Where keys of engines are, those of the administrator first.
const KEY_DIRECTORIES: [&str; 2] = ["/etc/ostree", "/usr/share/ostree"];
/// Where global OpenPGP keyrings are, unless [`KEYRINGS_VARIABLE`] names another directory.
const GLOBAL_KEYRINGS: &str = "/usr/share/ostree/trusted.gpg.d";
const KEYRINGS_VARIABLE: &str = "OSTREE_GPG_HOME";
/// What the file of a remote's own keyring is called after the remote's name.
const KEYRING_SUFFIX: &str = ".trustedkeys.gpg";

/// The group of a configuration that describes a remote.
pub fn group(name: &RemoteName) -> String {
    format!("remote \"{name}\"")
}

/// The checks that a remote asks for, with all its keys.
pub fn verifier(repo: &Repo, name: &RemoteName) -> Result<CommitVerifier> {
    Ok(CommitVerifier::new(&remote(repo, name)?, SystemTime::now(), local_date)?)
}

/// What the configuration of a remote says.
pub fn remote(repo: &Repo, name: &RemoteName) -> Result<RemoteTrust> {
    let file = configuration(repo, name)?.with_context(|| format!("Remote \"{name}\" not found"))?;
    let group = group(name);
    let text = |key: &str| file.get(&group, key).map(unescape);
    let flag = |key: &str, default: bool| match text(key).as_deref() {
        None => Ok(default),
        Some("true" | "1") => Ok(true),
        Some("false" | "0") => Ok(false),
        Some(other) => bail!("remote \"{name}\": {key}: '{other}' is no boolean"),
    };
    let checks = |key: &str| SignVerify::parse(&text(key).unwrap_or_default());
    let engine_keys = Engine::ALL.into_iter().map(|engine| {
        let key = text(&format!("verification-{engine}-key"));
        let file = text(&format!("verification-{engine}-file")).map(PathBuf::from);
        (engine, EngineKeys { key, file })
    });
    let key_paths = text("gpgkeypath").unwrap_or_default();
    Ok(RemoteTrust {
        gpg_verify: flag("gpg-verify", true)?,
        gpg_verify_summary: flag("gpg-verify-summary", false)?,
        sign_verify: checks("sign-verify")?,
        sign_verify_summary: checks("sign-verify-summary")?,
        engine_keys: engine_keys.collect(),
        gpg_key_paths: key_paths.split([';', ',']).filter(|path| !path.is_empty()).map(PathBuf::from).collect(),
        keyrings: keyring_paths(repo, name),
        ..system(name.as_str())
    })
}

/// What counts for every remote.
fn system(name: &str) -> RemoteTrust {
    RemoteTrust {
        name: name.to_owned(),
        global_keyrings: std::env::var_os(KEYRINGS_VARIABLE).map_or_else(|| GLOBAL_KEYRINGS.into(), PathBuf::from),
        key_directories: key_directories(),
        ..RemoteTrust::default()
    }
}

/// The OpenPGP keys that count for remotes without a keyring of their own.
pub fn global_keyring() -> Result<Keyring> {
    Ok(system("").keyring()?)
}

/// The system's directories with keys of engines.
pub fn key_directories() -> Vec<KeyDirectory> {
    KEY_DIRECTORIES.iter().map(|path| KeyDirectory(path.into())).collect()
}

/// The keyring that a remote's keys are imported into.
pub fn own_keyring(repo: &Repo, name: &RemoteName) -> PathBuf {
    repo.path().join(format!("{name}{KEYRING_SUFFIX}"))
}

/// Where a remote's keyring may be, in the order in which they count.
fn keyring_paths(repo: &Repo, name: &RemoteName) -> Vec<PathBuf> {
    let mut paths = vec![own_keyring(repo, name)];
    if is_system(repo) {
        paths.push(Path::new(REMOTES_DIR).join(format!("{name}{KEYRING_SUFFIX}")));
    }
    let parents = std::iter::successors(repo.parent(), |parent| parent.parent());
    paths.extend(parents.map(|parent| own_keyring(parent, name)));
    paths
}

/// Every OpenPGP key that a repository and the system know, whatever remote it is for.
pub fn any_keyring(repo: &Repo) -> Result<Keyring> {
    let mut keyring = global_keyring()?;
    let entries = std::fs::read_dir(repo.path()).with_context(|| format!("reading {}", repo.path().display()))?;
    for entry in entries {
        let path = entry.with_context(|| format!("reading {}", repo.path().display()))?.path();
        if path.extension().is_some_and(|extension| extension == "gpg") && path.is_file() {
            keyring.add_file(&path)?;
        }
    }
    Ok(keyring)
}

/// The file that configures a remote: the repository's own, or one beside it.
fn configuration(repo: &Repo, name: &RemoteName) -> Result<Option<KeyFile>> {
    let group = group(name);
    let has = |file: &KeyFile| file.groups().contains(&group.as_str());
    if has(&repo.config().file) {
        return Ok(Some(repo.config().file.clone()));
    }
    if is_system(repo) && Path::new(REMOTES_DIR).is_dir() {
        for path in conf_files(Path::new(REMOTES_DIR))? {
            let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
            let file = KeyFile::parse(&text).map_err(anyhow::Error::msg);
            let file = file.with_context(|| format!("parsing {}", path.display()))?;
            if has(&file) {
                return Ok(Some(file));
            }
        }
    }
    match repo.parent() {
        Some(parent) => configuration(parent, name),
        None => Ok(None),
    }
}

fn conf_files(directory: &Path) -> Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(directory).with_context(|| format!("reading {}", directory.display()))?;
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<Result<Vec<_>, _>>();
    let mut paths = paths.with_context(|| format!("reading {}", directory.display()))?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "conf"));
    paths.sort();
    Ok(paths)
}

/// Whether the repository is that of the running system.
fn is_system(repo: &Repo) -> bool {
    std::fs::canonicalize(SYSTEM_REPO).is_ok_and(|path| path == repo.path())
}

/// Options about images whose commit a remote's keys must have signed.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct LayersArgs {
    /// Of an image that a remote vouches for (ostree-remote-image:, ostree-remote-registry:), take the layers on top of its
    /// commit too, which no signature covers
    #[arg(long, overrides_with = "allow_unverified_layers")]
    pub allow_unverified_layers: bool,
}

/// What checks the commit of an image: the remote's configuration where the reference names a remote. Such a remote must have
/// some check configured.
pub fn of_image(repo: &Repo, image: &SourceReference) -> Result<Option<CommitVerifier>> {
    let SourceReference::Ostree(OstreeImageReference { sigverify: SignatureSource::OstreeRemote(name), .. }) = image
    else {
        return Ok(None);
    };
    Ok(Some(verifier(repo, &name.parse()?)?.require_checks()?))
}

/// The checks as the libraries take them.
pub fn as_dyn(verifier: Option<&CommitVerifier>) -> Option<&dyn VerifyCommit> {
    verifier.map(|verifier| verifier as &dyn VerifyCommit)
}

/// Refuses layers that no signature covers: `count` of them stand on the `base` that a remote vouches for.
pub fn check_layers(image: &SourceReference, args: &LayersArgs, base: usize, count: usize) -> Result<()> {
    if base == 0 {
        bail!("{image}: the image holds no commit that a remote could vouch for");
    }
    if count > 0 && !args.allow_unverified_layers {
        bail!(
            "{image}: Cannot currently verify layered containers via ostree remote: {count} layers on top of the commit are \
            covered by no signature (--allow-unverified-layers takes them)"
        );
    }
    Ok(())
}
