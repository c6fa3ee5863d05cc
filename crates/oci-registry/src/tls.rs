//! The HTTP clients of a session: how they verify, what they show, and who connects.

use std::path::PathBuf;
use std::sync::Arc;

use reqwest::redirect::Policy;
use reqwest::{Response, Url};
use rustls::client::danger::ServerCertVerifier;
use rustls::client::{ResolvesClientCert, WebPkiServerVerifier};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};
use rustls_native_certs::{load_certs_from_paths, load_native_certs};

use crate::environment::Environment;
use crate::error::RegistryError;
use crate::identity::Identities;
use crate::no_identity::NoIdentity;
use crate::options::RegistryOptions;
use crate::proxy::Proxies;
use crate::trust::Trust;
use crate::{limits, verifier};

/// The clients of one session.
#[derive(Debug, Clone)]
pub(crate) struct Clients {
    /// For the registry itself: shows the client certificate.
    home: reqwest::Client,
    /// For every other host that is redirected to: shows none.
    foreign: reqwest::Client,
    /// What the registry thinks of a client that shows no certificate.
    nobody: Arc<NoIdentity>,
    /// Through what they ask.
    proxies: Arc<Proxies>,
}

impl Clients {
    /// The clients for `host` (`name[:port]`); `insecure` accepts any certificate.
    pub(crate) fn new(host: &str, insecure: bool, options: &RegistryOptions) -> Result<Self, RegistryError> {
        let Trust { authorities, identities } = Trust::of(host, options)?;
        let verifier = verifier(host, &authorities, (!insecure).then_some(&options.environment))?;
        let stranger = tls(host, Arc::clone(&verifier), Arc::new(NoIdentity::default()))?;
        let nobody = Arc::new(NoIdentity::default());
        let identity: Arc<dyn ResolvesClientCert> = match Identities::new(identities) {
            Some(identities) => Arc::new(identities),
            None => Arc::<NoIdentity>::clone(&nobody),
        };
        let proxies = Arc::new(Proxies::of(&options.environment));
        let foreign = client(stranger, options, &proxies).build();
        let home = client(tls(host, verifier, identity)?, options, &proxies).build();
        let failed = |e: reqwest::Error| RegistryError::Tls { host: host.to_owned(), reason: e.to_string() };
        Ok(Self { home: home.map_err(failed)?, foreign: foreign.map_err(failed)?, nobody, proxies })
    }

    /// Passes the answer from an address on. Where there is none, says through what it was asked for, and for the registry
    /// itself whether it wants to see a certificate.
    pub(crate) fn judged(
        &self,
        url: &Url,
        is_home: bool,
        answer: Result<Response, RegistryError>,
    ) -> Result<Response, RegistryError> {
        let answer = if is_home { self.nobody.judged(answer) } else { answer };
        answer.map_err(|error| match self.proxies.named(url) {
            Some(proxy) => error.through(&proxy),
            None => error,
        })
    }

    /// The client to ask with. `is_home` says whether the address is on the registry itself.
    pub(crate) fn choose(&self, is_home: bool) -> &reqwest::Client {
        if is_home { &self.home } else { &self.foreign }
    }
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
fn client(tls: ClientConfig, options: &RegistryOptions, proxies: &Arc<Proxies>) -> reqwest::ClientBuilder {
    let proxies = Arc::clone(proxies);
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
    fn clients_can_be_built_on_any_host() {
        Clients::new("localhost:1", false, &RegistryOptions::default()).unwrap();
        Clients::new("localhost:1", true, &RegistryOptions::default()).unwrap();
    }
}
