//! Opening images, wherever they are, and how their registries are to be reached.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use anyhow::{Result, bail};
use oci_image::{
    ImageReference, ImageSink, ImageSource, Named, OstreeImageReference, SignatureSource, Transport, disk,
};
use oci_registry::{Environment, Listener, RegistryOptions, RegistrySink, RegistrySource, Run};
use oci_storage::StorageSource;
use ostree_repo::Repo;

use crate::args::yes_or_no;
use crate::policy_args::PolicyArgs;
use crate::transfer::{AmountArgs, TransferArgs};

/// Options about registries.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct RegistryArgs {
    /// Use no credentials
    #[arg(long, overrides_with = "auth_anonymous")]
    pub auth_anonymous: bool,
    /// Take credentials from this file, before the files where they are looked for
    ///
    /// The first file with something for the image counts: this one, the one that REGISTRY_AUTH_FILE names; auth.json in
    /// /run/ostree, /etc/ostree and /usr/lib/ostree (for other users than root in $XDG_RUNTIME_DIR/ostree, then in
    /// $XDG_CONFIG_HOME/ostree or ~/.config/ostree), in $XDG_RUNTIME_DIR/containers (without that variable in
    /// /run/containers/UID), in $XDG_CONFIG_HOME/containers or ~/.config/containers; config.json in $DOCKER_CONFIG or
    /// ~/.docker; and ~/.dockercfg. In a file, credHelpers come before auths, of which the longest name counts, and
    /// credsStore last. Where registries.conf (see --tls-verify) has credential-helpers, these are asked instead, in their
    /// order, and containers-auth.json among them stands for all of the files. --debug-auth says what was used.
    #[arg(long, value_name = "PATH", overrides_with = "authfile")]
    pub authfile: Option<PathBuf>,
    /// Which of the host's files are read; credential files once for all that a command opens
    #[arg(skip)]
    pub environment: Arc<Environment>,
    /// What all images that a command opens have in common
    #[arg(skip)]
    pub run: Arc<Run>,
    /// Say on standard error which credential file, entry or helper is used, and which certificates
    #[arg(long, overrides_with = "debug_auth")]
    pub debug_auth: bool,
    /// Directory with certificates (*.crt, *.cert, *.key) for the registry
    ///
    /// Else the first that is there of ~/.config/containers/certs.d/HOST[:PORT], /etc/containers/certs.d/HOST[:PORT] and
    /// /etc/docker/certs.d/HOST[:PORT]. The system's authorities are trusted too: those of SSL_CERT_FILE and SSL_CERT_DIR,
    /// else the system's store, else those built in.
    #[arg(long, value_name = "DIR", overrides_with = "cert_dir")]
    pub cert_dir: Option<PathBuf>,
    /// Accept any certificate, and plain HTTP
    #[arg(long, overrides_with = "insecure_skip_tls_verification")]
    pub insecure_skip_tls_verification: bool,
    /// Whether certificates are verified; plain HTTP is accepted only without
    ///
    /// Without this option, as registries.conf says: the file that CONTAINERS_REGISTRIES_CONF names, else the first that is
    /// there of ~/.config/containers/registries.conf, /etc/containers/registries.conf and
    /// /usr/share/containers/registries.conf, then the drop-ins *.conf in /usr/share/containers/registries.conf.d,
    /// /etc/containers/registries.conf.d and ~/.config/containers/registries.conf.d, the last of which counts most. There
    /// are also the mirrors, what is blocked, and the names that images without a registry stand for; of those, the ones
    /// that other tools recorded are in short-name-aliases.conf in /var/cache/containers (for other users than root in
    /// $XDG_CACHE_HOME/containers or ~/.cache/containers). Proxies are taken from https_proxy, http_proxy, all_proxy and
    /// no_proxy, in capitals first.
    #[arg(long, value_name = "BOOL", value_parser = yes_or_no, num_args = 0..=1, require_equals = true,
        default_missing_value = "true", overrides_with = "tls_verify")]
    pub tls_verify: Option<bool>,
    /// How patiently and how fast
    #[command(flatten)]
    pub transfer: TransferArgs,
    /// Which images may come in
    #[command(flatten)]
    pub policy: PolicyArgs,
}

impl RegistryArgs {
    /// How registries are reached.
    pub fn options(&self) -> RegistryOptions {
        RegistryOptions {
            timeout: self.transfer.timeout(),
            transfer: self.transfer.options(),
            authfile: self.authfile.clone(),
            environment: (*self.environment).clone(),
            run: Arc::clone(&self.run),
            debug_auth: self.debug_auth.then(|| Arc::new(|words: &str| eprintln!("{words}")) as Listener),
            anonymous: self.auth_anonymous,
            cert_dir: self.cert_dir.clone(),
            tls_verify: self.tls_verify.unwrap_or(!self.insecure_skip_tls_verification),
            tls_always: self.tls_verify == Some(true),
            ..RegistryOptions::default()
        }
    }

    /// The same for an image that is read into a repository, which keeps what came of blobs whose transfer did not end.
    pub fn options_into(&self, repo: &Repo, amount: &AmountArgs) -> RegistryOptions {
        RegistryOptions { transfer: amount.options(self.transfer.options(), repo), ..self.options() }
    }

    /// Opens an image for reading, whatever the policy says: to look whether it is there.
    pub fn source(&self, reference: &ImageReference) -> Result<Box<dyn ImageSource>> {
        Ok(match reference.transport {
            Transport::Registry => Box::new(RegistrySource::open(&reference.name, &self.options())?),
            Transport::ContainersStorage => Box::new(self.storage(reference)?),
            _ => disk::open_source(reference)?,
        })
    }

    /// Opens an image in a container storage for reading, whatever the policy says.
    pub fn storage(&self, reference: &ImageReference) -> Result<StorageSource> {
        let environment = oci_storage::Environment::of_this_process()
            .with_helper(Path::new("/proc/self/exe"))
            .with_lock_wait(self.transfer.timeout());
        Ok(StorageSource::open(&reference.name, &environment)?)
    }

    /// Opens a place for writing an image that shares layers with another: where both are on one registry, they need not
    /// be sent.
    pub fn sink_beside(&self, reference: &ImageReference, other: &ImageReference) -> Result<Box<dyn ImageSink>> {
        let mount_from = match (named(reference), named(other)) {
            (Some(here), Some(there)) if here.host() == there.host() => vec![there.path().to_owned()],
            _ => return self.sink(reference),
        };
        let options = RegistryOptions { mount_from, ..self.options() };
        Ok(Box::new(RegistrySink::open(&reference.name, &options)?))
    }

    /// Opens a place for writing an image.
    pub fn sink(&self, reference: &ImageReference) -> Result<Box<dyn ImageSink>> {
        Ok(match reference.transport {
            Transport::Registry => Box::new(RegistrySink::open(&reference.name, &self.options())?),
            _ => disk::create_sink(reference)?,
        })
    }
}

/// The name of an image on a registry.
fn named(reference: &ImageReference) -> Option<Named> {
    (reference.transport == Transport::Registry).then(|| Named::parse(&reference.name).ok()).flatten()
}

/// An image to be read, with or without a word about who vouches for it.
#[derive(Debug, Clone)]
pub enum SourceReference {
    /// `SCHEME:TRANSPORT:NAME`
    Ostree(OstreeImageReference),
    /// `TRANSPORT:NAME`
    Plain(ImageReference),
}

impl FromStr for SourceReference {
    type Err = oci_image::reference::ReferenceError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        text.parse().map(Self::Ostree).or_else(|problem| match problem {
            // What is no scheme may be a transport.
            oci_image::reference::ReferenceError::UnknownScheme(word) => match word.parse::<Transport>() {
                Ok(_) => text.parse().map(Self::Plain),
                Err(_) => Err(oci_image::reference::ReferenceError::UnknownScheme(word)),
            },
            problem => Err(problem),
        })
    }
}

impl fmt::Display for SourceReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ostree(reference) => reference.fmt(f),
            Self::Plain(reference) => reference.fmt(f),
        }
    }
}

impl SourceReference {
    /// The image itself.
    pub fn image(&self) -> &ImageReference {
        match self {
            Self::Ostree(reference) => &reference.imgref,
            Self::Plain(reference) => reference,
        }
    }

    /// Refuses references that ask for the signature of a remote, for commands that have no remotes or no commit.
    pub fn refuse_signatures(&self) -> Result<()> {
        match self {
            Self::Ostree(OstreeImageReference { sigverify, .. })
                if matches!(sigverify, SignatureSource::OstreeRemote(_)) =>
            {
                bail!(
                    "{sigverify}: the commit is verified when the image is pulled into a repository that knows the remote"
                )
            }
            _ => Ok(()),
        }
    }
}
