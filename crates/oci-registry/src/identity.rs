//! Which of several client certificates is shown to a server.

use std::sync::Arc;

use rustls::SignatureScheme;
use rustls::client::ResolvesClientCert;
use rustls::sign::CertifiedKey;

/// The client's certificates with their keys, in the order in which they are thought of.
#[derive(Debug)]
pub(crate) struct Identities(Vec<Arc<CertifiedKey>>);

impl Identities {
    /// Those of `pairs`; `None` without any.
    pub(crate) fn new(pairs: Vec<Arc<CertifiedKey>>) -> Option<Self> {
        (!pairs.is_empty()).then_some(Self(pairs))
    }
}

impl ResolvesClientCert for Identities {
    /// The first that one of the server's authorities issued, with a key of a kind that it knows. Where there is none the
    /// first of all: servers that list other authorities than they take have been seen.
    fn resolve(&self, authorities: &[&[u8]], schemes: &[SignatureScheme]) -> Option<Arc<CertifiedKey>> {
        let issued = |der: &[u8]| issuer(der).is_some_and(|issuer| authorities.contains(&issuer));
        let accepted = |pair: &&Arc<CertifiedKey>| {
            let known = pair.key.choose_scheme(schemes).is_some();
            known && (authorities.is_empty() || pair.cert.iter().any(|certificate| issued(certificate)))
        };
        self.0.iter().find(accepted).or_else(|| self.0.first()).cloned()
    }

    fn has_certs(&self) -> bool {
        true
    }
}

const SEQUENCE: u8 = 0x30;
/// The explicit tag of a certificate's version, which those of version 1 do not have.
const VERSION: u8 = 0xa0;

/// The name of a certificate's issuer as it is encoded (RFC 5280, section 4.1).
fn issuer(certificate: &[u8]) -> Option<&[u8]> {
    let (certificate, _) = item(certificate)?;
    let (signed, _) = item(certificate.sequence()?)?;
    let (first, mut rest) = item(signed.sequence()?)?;
    if first.tag == VERSION {
        // What follows is the serial number.
        (_, rest) = item(rest)?;
    }
    let (_algorithm, rest) = item(rest)?;
    let (issuer, _) = item(rest)?;
    issuer.sequence().map(|_| issuer.whole)
}

/// One element of DER.
struct Item<'a> {
    tag: u8,
    whole: &'a [u8],
    content: &'a [u8],
}

impl<'a> Item<'a> {
    fn sequence(&self) -> Option<&'a [u8]> {
        (self.tag == SEQUENCE).then_some(self.content)
    }
}

/// The first element, and what follows it. Tags have one byte in what is read here.
fn item(der: &[u8]) -> Option<(Item<'_>, &[u8])> {
    let (&[tag, first], mut content) = der.split_first_chunk()?;
    let mut length = usize::from(first);
    if first & 0x80 != 0 {
        // So many bytes hold the length; four are enough for everything there is.
        let bytes;
        (bytes, content) = content.split_at_checked(usize::from(first & 0x7f)).filter(|(bytes, _)| bytes.len() <= 4)?;
        length = bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    }
    let (content, rest) = content.split_at_checked(length)?;
    let whole = der.get(..der.len() - rest.len())?;
    Some((Item { tag, whole, content }, rest))
}

#[cfg(test)]
mod tests {
    use rustls::crypto::ring;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};

    use super::*;

    /// An element with this tag.
    fn der(tag: u8, content: &[u8]) -> Vec<u8> {
        let length = u16::try_from(content.len()).unwrap().to_be_bytes();
        [&[tag, 0x82][..], &length, content].concat()
    }

    fn name(text: &str) -> Vec<u8> {
        der(SEQUENCE, text.as_bytes())
    }

    /// As much of a certificate as is read, of version 1 or 3.
    fn certificate(issuer: &str, version: u8) -> Vec<u8> {
        let version = if version == 1 { Vec::new() } else { der(VERSION, &[2, 1, 2]) };
        let signed = [version, der(2, &[7]), name("algorithm"), name(issuer), name("validity")].concat();
        der(SEQUENCE, &[der(SEQUENCE, &signed), name("signature")].concat())
    }

    #[test]
    fn issuers_are_found_in_certificates_of_any_version_and_length() {
        for (text, version) in [("a", 1), ("a", 3), (&*"long".repeat(200), 3)] {
            assert_eq!(issuer(&certificate(text, version)), Some(&*name(text)));
        }
        for root in webpki_root_certs::TLS_SERVER_ROOT_CERTS {
            // What signs itself names itself, and what the anchor is made of says how.
            let anchor = webpki_subject(root);
            assert!(issuer(root).is_some_and(|issuer| issuer == anchor), "{root:?}");
        }
        let whole = certificate("a", 3);
        assert!((0..whole.len()).all(|cut| issuer(&whole[..cut]).is_none()));
        assert_eq!(issuer(&[0x30, 0xff]), None);
    }

    /// The subject of an authority, as `rustls` reads it.
    fn webpki_subject(root: &CertificateDer<'_>) -> Vec<u8> {
        let mut store = rustls::RootCertStore::empty();
        store.add(root.clone().into_owned()).unwrap();
        store.subjects()[0].as_ref().to_vec()
    }

    #[test]
    fn the_first_pair_that_the_server_takes_is_shown() {
        // An Ed25519 key of zeros (RFC 8410, section 7).
        let key = [&[0x30, 0x2e, 2, 1, 0, 0x30, 5, 6, 3, 0x2b, 0x65, 0x70, 4, 0x22, 4, 0x20][..], &[0; 32]].concat();
        let pair = |issuers: &[&str]| {
            let key = PrivateKeyDer::from(PrivatePkcs8KeyDer::from(key.clone()));
            let key = ring::default_provider().key_provider.load_private_key(key).unwrap();
            let chain = issuers.iter().map(|issuer| CertificateDer::from(certificate(issuer, 3))).collect();
            Arc::new(CertifiedKey::new(chain, key))
        };
        let pairs = vec![pair(&["a"]), pair(&["b"]), pair(&["between", "c"])];
        let identities = Identities::new(pairs.clone()).unwrap();
        let shown = |authorities: &[&str], scheme| {
            let names: Vec<_> = authorities.iter().map(|text| name(text)).collect();
            let names: Vec<_> = names.iter().map(Vec::as_slice).collect();
            let shown = identities.resolve(&names, &[scheme]).unwrap();
            pairs.iter().position(|pair| Arc::ptr_eq(pair, &shown))
        };
        let known = SignatureScheme::ED25519;
        assert_eq!(shown(&[], known), Some(0));
        assert_eq!(shown(&["x", "b"], known), Some(1));
        assert_eq!(shown(&["c", "x"], known), Some(2));
        assert_eq!(shown(&["x"], known), Some(0), "none fits");
        assert_eq!(shown(&["b"], SignatureScheme::RSA_PKCS1_SHA256), Some(0), "none fits");
        assert!(Identities::new(Vec::new()).is_none());
    }
}
