//! Notices that a registry wants to see a client certificate where there is none to show.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use reqwest::Response;
use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

use crate::error::RegistryError;

/// What became of the connections to one registry that shows no certificate to it.
#[derive(Debug, Default)]
pub(crate) struct NoIdentity {
    asked: AtomicBool,
    answered: AtomicBool,
}

impl NoIdentity {
    /// Passes an answer on. When a connection breaks after the registry asked for a certificate, and it never answered
    /// without one, then that is why: its own words about it are lost in a connection that carries several requests.
    pub(crate) fn judged(&self, answer: Result<Response, RegistryError>) -> Result<Response, RegistryError> {
        match answer {
            Ok(response) => {
                self.answered.store(true, Ordering::Relaxed);
                Ok(response)
            }
            Err(RegistryError::Network { place, .. })
                if self.asked.load(Ordering::Relaxed) && !self.answered.load(Ordering::Relaxed) =>
            {
                let reason = "it asks for a client certificate, and there is none".to_owned();
                Err(RegistryError::Tls { host: place.host.clone(), reason })
            }
            Err(error) => Err(error),
        }
    }
}

impl ResolvesClientCert for NoIdentity {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::Place;

    fn broken() -> RegistryError {
        let place = Arc::new(Place { operation: "a", host: "h".into(), ..Place::default() });
        let source = reqwest::Proxy::all("http://").expect_err("not an address");
        RegistryError::Network { place, source }
    }

    #[test]
    fn only_a_registry_that_asked_and_never_answered() {
        let nobody = NoIdentity::default();
        assert!(matches!(nobody.judged(Err(broken())), Err(RegistryError::Network { .. })));
        assert!(nobody.resolve(&[], &[]).is_none());
        assert!(matches!(nobody.judged(Err(broken())), Err(RegistryError::Tls { .. })));
        nobody.answered.store(true, Ordering::Relaxed);
        assert!(matches!(nobody.judged(Err(broken())), Err(RegistryError::Network { .. })));
    }
}
