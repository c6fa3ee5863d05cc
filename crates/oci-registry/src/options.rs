//! What a caller may say about how a registry is reached.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::environment::Environment;
use crate::limits;
use crate::run::Run;
use crate::transfer::TransferOptions;

/// Somebody who is told something, line by line.
pub type Listener = Arc<dyn Fn(&str) + Send + Sync>;

/// How a registry is reached: credentials, trust and patience. The default is what a user without any option gets.
#[derive(Clone)]
pub struct RegistryOptions {
    /// The credential file to look into before all others; it must exist. After it comes the one in `REGISTRY_AUTH_FILE`,
    /// then `auth.json` in `/run/ostree`, `/etc/ostree`, `/usr/lib/ostree` (for root) or in
    /// `$XDG_RUNTIME_DIR/ostree`, `~/.config/ostree` (for others), then in `$XDG_RUNTIME_DIR/containers` and
    /// `~/.config/containers`, then `~/.docker/config.json`. The first with an entry for the image counts; within a file
    /// `credHelpers` are asked first, then the longest key that fits wins, then `credsStore` is asked.
    pub authfile: Option<PathBuf>,
    /// Is told, line by line, which credential files and helpers are looked into and which one is used, and
    /// from which directory certificates are taken; never a secret.
    pub debug_auth: Option<Listener>,
    /// Use no credentials at all, whatever the files say.
    pub anonymous: bool,
    /// A user name and password that take the place of every file, for the host in the image's name alone: its mirrors
    /// elsewhere do not get to see them.
    pub credentials: Option<(String, String)>,
    /// A directory with `*.crt` (authorities), `*.cert` and `*.key` (the client's certificate and its key) instead of the
    /// `certs.d` directories of the host.
    pub cert_dir: Option<PathBuf>,
    /// PEM files with further authorities to trust.
    pub extra_ca: Vec<PathBuf>,
    /// Whether certificates are verified. `false` accepts any, and falls back to plain HTTP where the port does not
    /// speak TLS; plain HTTP is used in no other case but for a registry that `registries.conf` calls `insecure`.
    pub tls_verify: bool,
    /// Whether certificates are verified also where `registries.conf` calls a registry `insecure`. Without effect when
    /// `tls_verify` is `false`.
    pub tls_always: bool,
    /// Which of the host's settings files are read.
    pub environment: Environment,
    /// Other repositories of the same registry that may hold the blobs which are about to be pushed, asked in this order.
    pub mount_from: Vec<String>,
    /// The `User-Agent` header.
    pub user_agent: String,
    /// How long connecting may take, and how long a connection may stand still.
    pub timeout: Duration,
    /// Tries, rates, budgets and unfinished blobs.
    pub transfer: TransferOptions,
    /// What all images opened with these options, or with a clone of them, have in common: `limit_rate` and `max_bytes` are
    /// for all of them together, and what was learned of a host is not asked again.
    pub run: Arc<Run>,
}

impl Default for RegistryOptions {
    fn default() -> Self {
        Self {
            authfile: None,
            debug_auth: None,
            anonymous: false,
            credentials: None,
            cert_dir: None,
            extra_ca: Vec::new(),
            tls_verify: true,
            tls_always: false,
            environment: Environment::default(),
            mount_from: Vec::new(),
            user_agent: concat!("ostree-container/", env!("CARGO_PKG_VERSION")).to_owned(),
            timeout: limits::PATIENCE,
            transfer: TransferOptions::default(),
            run: Arc::default(),
        }
    }
}

impl fmt::Debug for RegistryOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RegistryOptions")
            .field("authfile", &self.authfile)
            .field("debug_auth", &self.debug_auth.is_some())
            .field("anonymous", &self.anonymous)
            .field("credentials", &self.credentials.as_ref().map(|_| "[hidden]"))
            .field("cert_dir", &self.cert_dir)
            .field("extra_ca", &self.extra_ca)
            .field("tls_verify", &self.tls_verify)
            .field("tls_always", &self.tls_always)
            .field("environment", &self.environment)
            .field("mount_from", &self.mount_from)
            .field("user_agent", &self.user_agent)
            .field("timeout", &self.timeout)
            .field("transfer", &self.transfer)
            .finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_printed() {
        let options = RegistryOptions { credentials: Some(("ann".into(), "hunter2".into())), ..Default::default() };
        let text = format!("{options:?}");
        assert!(!text.contains("hunter2") && !text.contains("ann"), "{text}");
    }
}
