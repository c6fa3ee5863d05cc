//! The HTTP clients of a session: which authorities are trusted, who the client is, and who connects.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use reqwest::Response;
use reqwest::redirect::Policy;
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::{load_certs_from_paths, load_native_certs};

use crate::environment::Environment;
use crate::error::RegistryError;
use crate::no_identity::NoIdentity;
use crate::options::RegistryOptions;
use crate::proxy::Proxies;
use crate::{file, limits, verifier};

/// The clients of one session.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    /// For the registry itself: shows the client certificate.
    home: reqwest::Client,
    /// For every other host that is redirected to: shows none.
    foreign: reqwest::Client,
    /// What the registry thinks of a client that shows no certificate.
    nobody: Arc<NoIdentity>,
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
    /// The clients for `host` (`name[:port]`); `insecure` accepts any certificate.
    pub(crate) fn new(host: &str, insecure: bool, options: &RegistryOptions) -> Result<Self, RegistryError> {
        let mut trust = Trust::default();
        if let Some(dir) = cert_dir(host, options) {
            if let Some(listener) = &options.debug_auth {
                listener(&format!("certificates for {host}: {}", dir.display()));
            }
            trust.add_dir(&dir)?;
        }
        for path in &options.extra_ca {
            trust.add_authorities(path)?;
        }
        let Trust { authorities, identity } = trust;
        let verifier = verifier(host, &authorities, (!insecure).then_some(&options.environment))?;
        let stranger = tls(host, Arc::clone(&verifier), Arc::new(NoIdentity::default()))?;
        let nobody = Arc::new(NoIdentity::default());
        let identity: Arc<dyn ResolvesClientCert> = match identity {
            Some(identity) => identity,
            None => Arc::<NoIdentity>::clone(&nobody),
        };
        let foreign = client(stranger, options).build();
        let home = client(tls(host, verifier, identity)?, options).build();
        let failed = |e: reqwest::Error| RegistryError::Tls { host: host.to_owned(), reason: e.to_string() };
        Ok(Self { home: home.map_err(failed)?, foreign: foreign.map_err(failed)?, nobody })
    }

    /// Passes an answer of the registry on; says why, where there is none because it wants to see a certificate.
    pub(crate) fn judged(&self, answer: Result<Response, RegistryError>) -> Result<Response, RegistryError> {
        self.nobody.judged(answer)
    }

    /// The client to ask with. `is_home` says whether the address is on the registry itself.
    pub(crate) fn choose(&self, is_home: bool) -> &reqwest::Client {
        if is_home { &self.home } else { &self.foreign }
    }
}

/// The directory with the certificates for a host: the one that an option names, else the first that is there of those of
/// the user and of the system.
pub(crate) fn cert_dir(host: &str, options: &RegistryOptions) -> Option<PathBuf> {
    if let Some(dir) = &options.cert_dir {
        return Some(dir.clone());
    }
    let environment = &options.environment;
    let home = environment.home().map(|home| home.join(".config/containers/certs.d"));
    let system = ["/etc/containers/certs.d", "/etc/docker/certs.d"].map(|dir| environment.host_file(dir));
    home.into_iter().chain(system).map(|dir| dir.join(host)).find(|dir| dir.is_dir())
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
fn roots(authorities: &[CertificateDer<'static>], environment: &Environment) -> RootCertStore {
    let mut store = RootCertStore::empty();
    let file = environment.path("SSL_CERT_FILE");
    let dirs: Vec<PathBuf> = environment.path("SSL_CERT_DIR").iter().flat_map(std::env::split_paths).collect();
    // A name that leads nowhere is what a change of root leaves behind.
    let named = file.iter().chain(&dirs).any(|path| path.exists());
    if named {
        store.add_parsable_certificates(load_certs_from_paths(file.as_deref(), None).certs);
        for dir in &dirs {
            store.add_parsable_certificates(load_certs_from_paths(None, Some(dir)).certs);
        }
    } else {
        store.add_parsable_certificates(load_native_certs().certs);
        if store.is_empty() {
            store.add_parsable_certificates(webpki_root_certs::TLS_SERVER_ROOT_CERTS.iter().cloned());
        }
    }
    store.add_parsable_certificates(authorities.iter().cloned());
    store
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// Verifies with the authorities of the host and those given; without an environment, it accepts any certificate.
fn verifier(
    host: &str,
    authorities: &[CertificateDer<'static>],
    environment: Option<&Environment>,
) -> Result<Arc<dyn ServerCertVerifier>, RegistryError> {
    let Some(environment) = environment else { return Ok(Arc::new(verifier::AcceptAll::new(&provider()))) };
    let failed = |reason: String| RegistryError::Tls { host: host.to_owned(), reason };
    let roots = roots(authorities, environment);
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
    identity: Arc<dyn ResolvesClientCert>,
) -> Result<ClientConfig, RegistryError> {
    let failed = |e: rustls::Error| RegistryError::Tls { host: host.to_owned(), reason: e.to_string() };
    let builder = ClientConfig::builder_with_provider(provider())
        .with_safe_default_protocol_versions()
        .map_err(failed)?
        .dangerous()
        .with_custom_certificate_verifier(verifier);
    let mut config = builder.with_client_cert_resolver(identity);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// A client that follows no redirect by itself (see [`crate::redirect`]) and honours the proxy variables.
fn client(tls: ClientConfig, options: &RegistryOptions) -> reqwest::ClientBuilder {
    let proxies = Proxies::of(&options.environment);
    reqwest::Client::builder()
        .tls_backend_preconfigured(tls)
        .user_agent(&options.user_agent)
        .redirect(Policy::none())
        .referer(false)
        .connect_timeout(options.timeout)
        // A connection that is shared must not stand still because one of its streams is not read for a while.
        .http2_initial_stream_window_size(limits::STREAM_WINDOW)
        .http2_initial_connection_window_size(limits::CONNECTION_WINDOW)
        .http2_keep_alive_interval(options.timeout / 2)
        .http2_keep_alive_timeout(options.timeout / 2)
        .proxy(reqwest::Proxy::custom(move |url| proxies.choose(url)))
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
    fn the_directory_is_told_to_whoever_wants_to_know() {
        let dir = tempfile::tempdir().unwrap();
        let told = Arc::new(std::sync::Mutex::new(Vec::new()));
        let ear = Arc::clone(&told);
        let options = RegistryOptions {
            cert_dir: Some(dir.path().to_owned()),
            debug_auth: Some(Arc::new(move |words: &str| ear.lock().unwrap().push(words.to_owned()))),
            ..Default::default()
        };
        Clients::new("h.example:1", false, &options).unwrap();
        assert_eq!(*told.lock().unwrap(), [format!("certificates for h.example:1: {}", dir.path().display())]);
    }

    #[test]
    fn clients_can_be_built_on_any_host() {
        Clients::new("localhost:1", false, &RegistryOptions::default()).unwrap();
        Clients::new("localhost:1", true, &RegistryOptions::default()).unwrap();
    }
}
