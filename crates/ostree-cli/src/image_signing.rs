//! Signing images on their way out.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use oci_image::{Digest, ImageReference, Named, Transport};
use oci_registry::{RegistrySink, RegistrySource};
use oci_trust::{SigstoreKey, SigstoreSignature, Statement, publish};
use ostree_sign::openpgp::{SecretKeys, SigningKey};

use crate::commands::repo::signing::secret_keys;
use crate::images::RegistryArgs;

/// Options about who signs an image.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct SignArgs {
    /// Sign the image with the OpenPGP key of this name, as simple signing has it; may be given several times
    ///
    /// The key is looked for in $GNUPGHOME, else ~/.gnupg. The signature is written where registries.d says: to lookaside-staging,
    /// else lookaside, else /var/lib/containers/sigstore (for users: ~/.local/share/containers/sigstore); for dir: into the
    /// directory.
    #[arg(long, value_name = "KEY")]
    pub sign_by: Vec<String>,
    /// Sign the image with this private key of sigstore, as cosign and skopeo make them
    ///
    /// The signature is pushed beside the image, where registries.d must allow it by use-sigstore-attachments; for dir: it is
    /// written into the directory. The passphrase is taken from --sign-passphrase-file, else from $COSIGN_PASSWORD.
    #[arg(long, value_name = "FILE", overrides_with = "sign_by_sigstore_private_key")]
    pub sign_by_sigstore_private_key: Option<PathBuf>,
    /// The file with the passphrase of the private key
    #[arg(
        long,
        value_name = "FILE",
        overrides_with = "sign_passphrase_file",
        requires = "sign_by_sigstore_private_key"
    )]
    pub sign_passphrase_file: Option<PathBuf>,
    /// The name to sign, HOST/NAME:TAG (default: that of the image as it is written)
    #[arg(long, value_name = "NAME", overrides_with = "sign_identity")]
    pub sign_identity: Option<String>,
}

/// Keys and places, all of them there: what is left is to sign.
pub struct ImageSigner {
    name: Named,
    openpgp: Vec<SigningKey>,
    sigstore: Option<SigstoreKey>,
    place: Place,
}

enum Place {
    /// A directory with one image.
    Directory(PathBuf),
    /// A registry, with the lookaside store for simple signatures.
    Registry { image: Named, store: Option<PathBuf>, registry: Box<RegistryArgs> },
}

impl SignArgs {
    /// Makes sure that the image can be signed, before it is written; `None` where nobody is to sign it.
    pub fn prepare(&self, destination: &ImageReference, registry: &RegistryArgs) -> Result<Option<ImageSigner>> {
        if self.sign_by.is_empty() && self.sign_by_sigstore_private_key.is_none() {
            return Ok(None);
        }
        let place = self.place(destination, registry)?;
        let name = match (&self.sign_identity, &place) {
            (Some(name), _) => Named::parse(name)?,
            (None, Place::Registry { image, .. }) => image.clone(),
            (None, Place::Directory(_)) => bail!("{destination}: it has no name to sign; --sign-identity gives one"),
        };
        if name.is_bare() {
            bail!("{name}: a name to sign must have a tag or a digest");
        }
        let mut openpgp = Vec::new();
        if !self.sign_by.is_empty() {
            let home = SecretKeys::default_place().context("there is no home directory with keys")?;
            openpgp = secret_keys(&home, &self.sign_by)?;
        }
        let sigstore = self.sign_by_sigstore_private_key.as_deref().map(|file| self.sigstore_key(file)).transpose()?;
        Ok(Some(ImageSigner { name, openpgp, sigstore, place }))
    }

    fn place(&self, destination: &ImageReference, registry: &RegistryArgs) -> Result<Place> {
        match destination.transport {
            Transport::Dir => Ok(Place::Directory(PathBuf::from(&destination.name))),
            Transport::Registry => {
                let image = Named::parse(&destination.name)?.or_latest();
                let stores = registry.policy.stores().read()?;
                let base = stores.lookaside_to_write(&image).filter(|_| !self.sign_by.is_empty());
                let store = base.map(publish::writable_store).transpose()?;
                if self.sign_by_sigstore_private_key.is_some() && !stores.uses_attachments(&image) {
                    bail!("{destination}: use-sigstore-attachments is not set for it in registries.d");
                }
                Ok(Place::Registry { image, store, registry: Box::new(registry.clone()) })
            }
            _ => bail!("{destination}: there is no place for signatures of such images"),
        }
    }

    fn sigstore_key(&self, file: &Path) -> Result<SigstoreKey> {
        let passphrase = match &self.sign_passphrase_file {
            Some(path) => {
                let mut text = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
                let end = text.iter().rposition(|byte| !matches!(byte, b'\n' | b'\r')).map_or(0, |last| last + 1);
                text.truncate(end);
                text
            }
            None => std::env::var("COSIGN_PASSWORD").unwrap_or_default().into_bytes(),
        };
        let text = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
        SigstoreKey::parse(&text, &passphrase).map_err(|reason| anyhow::anyhow!("{}: {reason}", file.display()))
    }
}

impl ImageSigner {
    /// Signs the image that was written, and brings the signatures to their places.
    pub fn sign(&mut self, digest: &Digest) -> Result<()> {
        let statement = Statement { name: self.name.clone(), digest: digest.clone(), time: SystemTime::now() };
        for key in &mut self.openpgp {
            let signature = statement.sign_simple(key)?;
            match &self.place {
                Place::Directory(directory) => publish::add_to_directory(directory, &signature)?,
                Place::Registry { image, store, .. } => {
                    let store = store.as_deref().context("there is no store for signatures")?;
                    publish::add_to_store(store, image, digest, &signature)?
                }
            };
        }
        if let Some(key) = &self.sigstore {
            let signature = statement.sign_sigstore(key).map_err(anyhow::Error::msg)?;
            match &self.place {
                Place::Directory(directory) => {
                    publish::add_to_directory(directory, &publish::file_form(&signature)?)?;
                }
                Place::Registry { image, registry, .. } => attach(image, registry, digest, &signature)?,
            }
        }
        Ok(())
    }
}

/// Pushes a signature beside its image, to those that are there already.
fn attach(image: &Named, registry: &RegistryArgs, digest: &Digest, signature: &SigstoreSignature) -> Result<()> {
    let tag = format!("{}-{}.sig", digest.algorithm().name(), digest.hex());
    let name = format!("{}:{tag}", image.name());
    let options = registry.options();
    let before = RegistrySource::open(&name, &options)?.tagged(&tag)?;
    publish::attach(before.as_ref(), &RegistrySink::open(&name, &options)?, signature)?;
    Ok(())
}
