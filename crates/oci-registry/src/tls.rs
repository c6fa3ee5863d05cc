//! The HTTP clients of a session: which authorities are trusted, who the client is, and who connects.

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Url;
use reqwest::redirect::Policy;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};

use crate::error::RegistryError;
use crate::options::RegistryOptions;
use crate::{file, limits, verifier};

/// The clients of one session.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    /// For the registry itself: shows the client certificate.
    home: reqwest::Client,
    /// For every other host that is redirected to: shows none.
    foreign: reqwest::Client,
    /// For other ports of this machine: passes by the proxies too, which are for what is elsewhere.
    near: reqwest::Client,
}

/// What the options and directories say about trust.
#[derive(Default)]
struct Trust {
    authorities: Vec<CertificateDer<'static>>,
    identity: Option<Arc<Identity>>,
}

/// The client's own certificate and key.
type Identity = SingleCertAndKey;

impl Clients {
    /// The clients for `host` (`name[:port]`).
    pub(crate) fn new(host: &str, options: &RegistryOptions) -> Result<Self, RegistryError> {
        Self::at(host, !options.tls_verify, options)
    }

    /// The same; `insecure` accepts any certificate.
    pub(crate) fn at(host: &str, insecure: bool, options: &RegistryOptions) -> Result<Self, RegistryError> {
        let mut trust = Trust::default();
        match &options.cert_dir {
            Some(dir) => trust.add_dir(dir)?,
            None => {
                if let Some(dir) = cert_dirs(host).into_iter().find(|dir| dir.is_dir()) {
                    trust.add_dir(&dir)?;
                }
            }
        }
        for path in &options.extra_ca {
            trust.add_authorities(path)?;
        }
        let Trust { authorities, identity } = trust;
        let verifier = verifier(host, &authorities, !insecure)?;
        let stranger = tls(host, Arc::clone(&verifier), None)?;
        let foreign = client(stranger.clone(), options).build();
        let near = client(stranger, options).no_proxy().build();
        let home = client(tls(host, verifier, identity)?, options);
        let home = if is_loopback(host) { home.no_proxy() } else { home }.build();
        let failed = |e: reqwest::Error| RegistryError::Tls { host: host.to_owned(), reason: e.to_string() };
        Ok(Self { home: home.map_err(failed)?, foreign: foreign.map_err(failed)?, near: near.map_err(failed)? })
    }

    /// The client to ask `url` with. `is_home` says whether that is the registry itself.
    pub(crate) fn choose(&self, url: &Url, is_home: bool) -> &reqwest::Client {
        if is_home {
            &self.home
        } else if url.host_str().is_some_and(is_loopback) {
            &self.near
        } else {
            &self.foreign
        }
    }
}

/// Where the settings for a host are looked for; the first directory that exists counts.
fn cert_dirs(host: &str) -> Vec<PathBuf> {
    let home = std::env::var_os("HOME").map(|home| PathBuf::from(home).join(".config/containers/certs.d"));
    let system = ["/etc/containers/certs.d", "/etc/docker/certs.d"].map(PathBuf::from);
    home.into_iter().chain(system).map(|dir| dir.join(host)).collect()
}

impl Trust {
    /// Reads a directory: `*.crt` are authorities, `NAME.cert` with `NAME.key` the client's certificate and key. With
    /// several pairs, the first by name counts.
    fn add_dir(&mut self, dir: &Path) -> Result<(), RegistryError> {
        let failed = |source| RegistryError::ReadFile { what: "certificate directory", path: dir.to_owned(), source };
        let mut paths = Vec::new();
        for entry in dir.read_dir().map_err(failed)? {
            paths.push(entry.map_err(failed)?.path());
        }
        paths.sort();
        for path in &paths {
            let twin = |extension| paths.contains(&path.with_extension(extension));
            match path.extension().and_then(|e| e.to_str()) {
                Some("crt") => self.add_authorities(path)?,
                Some("cert") if !twin("key") => {
                    return Err(bad("client certificate", path, "there is no .key beside it; authorities end in .crt"));
                }
                Some("key") if !twin("cert") => return Err(bad("client key", path, "there is no .cert beside it")),
                Some("cert") if self.identity.is_none() => self.identity = Some(identity(path)?),
                _ => {}
            }
        }
        Ok(())
    }

    fn add_authorities(&mut self, path: &Path) -> Result<(), RegistryError> {
        self.authorities.extend(certificates("authority certificate", path)?);
        Ok(())
    }
}

fn identity(path: &Path) -> Result<Arc<Identity>, RegistryError> {
    let chain = certificates("client certificate", path)?;
    let path = path.with_extension("key");
    let pem = file::read("client key", &path, limits::CERTIFICATE_FILE_BYTES)?;
    let unusable = |reason: &str| bad("client key", &path, reason);
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| unusable("no unencrypted PEM key in it"))?;
    let key = provider().key_provider.load_private_key(key).map_err(|_| unusable("a kind of key that is not known"))?;
    // Not compared with the certificate: that would refuse certificates of version 1, which registries accept.
    Ok(Arc::new(SingleCertAndKey::from(CertifiedKey::new(chain, key))))
}

fn certificates(what: &'static str, path: &Path) -> Result<Vec<CertificateDer<'static>>, RegistryError> {
    let pem = file::read(what, path, limits::CERTIFICATE_FILE_BYTES)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    match all {
        Ok(all) if !all.is_empty() => Ok(all),
        Ok(_) => Err(bad(what, path, "no PEM certificate in it")),
        Err(error) => Err(bad(what, path, &format!("not PEM: {error}"))),
    }
}

fn bad(what: &'static str, path: &Path, reason: &str) -> RegistryError {
    RegistryError::BadFile { what, path: path.to_owned(), reason: reason.to_owned() }
}

/// The public authorities: the host's own (`SSL_CERT_FILE` and `SSL_CERT_DIR` honoured), else the built-in ones, so that
/// a host without a bundle works too; but where the variables name a bundle that exists, the user wants no other. Then
/// those the user added.
fn roots(authorities: &[CertificateDer<'static>]) -> RootCertStore {
    let mut store = RootCertStore::empty();
    store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if store.is_empty() && !bundle_named() {
        store.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
    }
    store.add_parsable_certificates(authorities.iter().cloned());
    store
}

/// Whether the variables name a bundle that exists. One that does not is what a change of root leaves behind.
fn bundle_named() -> bool {
    let values = ["SSL_CERT_FILE", "SSL_CERT_DIR"].into_iter().filter_map(std::env::var_os);
    values.into_iter().any(|value| std::env::split_paths(&value).any(|path| path.exists()))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

fn verifier(
    host: &str,
    authorities: &[CertificateDer<'static>],
    verify: bool,
) -> Result<Arc<dyn ServerCertVerifier>, RegistryError> {
    if !verify {
        return Ok(Arc::new(verifier::AcceptAll::new(&provider())));
    }
    let failed = |reason: String| RegistryError::Tls { host: host.to_owned(), reason };
    let roots = roots(authorities);
    if roots.is_empty() {
        return Err(failed("SSL_CERT_FILE or SSL_CERT_DIR names a bundle without any certificate".to_owned()));
    }
    let public = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider()).build();
    let public = public.map_err(|e| failed(e.to_string()))?;
    Ok(Arc::new(verifier::OrPinned::new(public, authorities.to_vec())))
}

fn tls(
    host: &str,
    verifier: Arc<dyn ServerCertVerifier>,
    identity: Option<Arc<Identity>>,
) -> Result<ClientConfig, RegistryError> {
    let failed = |e: rustls::Error| RegistryError::Tls { host: host.to_owned(), reason: e.to_string() };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => builder.with_client_cert_resolver(identity),
    };
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// A client that follows no redirect by itself (see [`crate::redirect`]) and honours the proxy variables.
fn client(tls: ClientConfig, options: &RegistryOptions) -> reqwest::ClientBuilder {
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(&options.user_agent)
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(options.timeout)
}

/// Whether `host` (`name[:port]`) is this machine.
fn is_loopback(host: &str) -> bool {
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    name == "localhost" || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_with_half_a_pair_or_no_certificate_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |name: &str| {
            std::fs::write(dir.path().join(name), "nothing").unwrap();
            let error = Trust::default().add_dir(dir.path()).err().map(|e| e.to_string());
            std::fs::remove_file(dir.path().join(name)).unwrap();
            error.unwrap_or_default()
        };
        assert!(refused("a.cert").contains("no .key"));
        assert!(refused("a.key").contains("no .cert"));
        assert!(refused("a.crt").contains("no PEM certificate"));
        assert_eq!(refused("README"), "");
    }

    #[test]
    fn clients_can_be_built_on_any_host() {
        Clients::at("localhost:1", false, &RegistryOptions::default()).unwrap();
        Clients::at("localhost:1", true, &RegistryOptions::default()).unwrap();
    }
}
