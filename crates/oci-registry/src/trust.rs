//! Whom a session trusts and who the client is: what options and directories of certificates say about it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::RootCertStore;
use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;

use crate::error::RegistryError;
use crate::options::RegistryOptions;
use crate::{file, limits};

const DIRECTORY: &str = "certificate directory";
const AUTHORITY: &str = "authority certificate";
const CLIENT: &str = "client certificate";

/// What the options and directories say about trust.
#[derive(Default)]
pub(crate) struct Trust {
    /// Authorities beside those of the host.
    pub(crate) authorities: Vec<CertificateDer<'static>>,
    /// The client's own certificates and keys, by the names of their files.
    pub(crate) identities: Vec<Arc<CertifiedKey>>,
}

/// Whoever is told what of a directory is passed over.
type Tell<'a> = &'a dyn Fn(&str);

impl Trust {
    /// What is said for `host` (`name[:port]`).
    pub(crate) fn of(host: &str, options: &RegistryOptions) -> Result<Self, RegistryError> {
        let tell = |words: &str| {
            if let Some(listener) = &options.debug_auth {
                listener(&format!("certificates for {host}: {words}"));
            }
        };
        let mut trust = Self::default();
        if let Some(dir) = cert_dir(host, options) {
            tell(&dir.display().to_string());
            let named = options.cert_dir.is_some();
            match trust.add_dir(&dir, &tell) {
                // One that nobody named is left to those whom it is for, as everywhere.
                Err(RegistryError::ReadFile { what: DIRECTORY, source, .. })
                    if source.kind() == ErrorKind::PermissionDenied && !named =>
                {
                    tell(&format!("{} is passed over: {source}", dir.display()));
                }
                added => added?,
            }
        }
        for path in &options.extra_ca {
            trust.authorities.extend(certificates(AUTHORITY, path)?);
        }
        Ok(trust)
    }

    /// Reads a directory: `*.crt` are authorities, `NAME.cert` with `NAME.key` a certificate of the client and its
    /// key.
    fn add_dir(&mut self, dir: &Path, tell: Tell<'_>) -> Result<(), RegistryError> {
        let failed = |source| RegistryError::ReadFile { what: DIRECTORY, path: dir.to_owned(), source };
        let mut paths = Vec::new();
        for entry in dir.read_dir().map_err(failed)? {
            paths.push(entry.map_err(failed)?.path());
        }
        paths.sort();
        for path in &paths {
            let twin = |extension| paths.contains(&path.with_extension(extension));
            match path.extension().and_then(|e| e.to_str()) {
                Some("crt") => self.authorities.extend(usable(path, tell)),
                Some("cert") if !twin("key") => {
                    return Err(bad(CLIENT, path, "there is no .key beside it; authorities end in .crt"));
                }
                Some("key") if !twin("cert") => return Err(bad("client key", path, "there is no .cert beside it")),
                Some("cert") => self.identities.push(identity(path)?),
                _ => {}
            }
        }
        Ok(())
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

/// The authorities in a file of a directory. What else is there is passed over, as everywhere: to trust fewer than are meant
/// harms nobody, and what an update left behind must not take the good ones away.
fn usable(path: &Path, tell: Tell<'_>) -> Vec<CertificateDer<'static>> {
    let passed = |reason: &str| tell(&format!("{} is passed over: {reason}", path.display()));
    let text = match file::read_raw(path, limits::CERTIFICATE_FILE_BYTES) {
        Ok(text) => text,
        Err(error) => {
            passed(&error.to_string());
            return Vec::new();
        }
    };
    let mut found = Vec::new();
    for (number, block) in blocks(&text).enumerate() {
        let certificate = CertificateDer::from_pem_slice(block).map_err(|error| match error {
            pem::Error::MissingSectionEnd { .. } => "its end is missing".to_owned(),
            other => other.to_string(),
        });
        let judged = certificate.and_then(|certificate| {
            let kept = RootCertStore::empty().add(certificate.clone()).map_err(|error| error.to_string());
            kept.map(|()| certificate)
        });
        match judged {
            Ok(certificate) => found.push(certificate),
            Err(reason) => tell(&format!("certificate {} in {} is passed over: {reason}", number + 1, path.display())),
        }
    }
    if found.is_empty() {
        passed("no PEM certificate of use in it");
    }
    found
}

/// The certificates of a PEM file, each with all up to the next block: a broken one must not take the next with it.
fn blocks(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    const BEGIN: &[u8] = b"-----BEGIN ";
    let starts = text.windows(BEGIN.len()).enumerate().filter(|(_, window)| *window == BEGIN).map(|(at, _)| at);
    let mut starts = starts.peekable();
    let all = std::iter::from_fn(move || {
        let start = starts.next()?;
        text.get(start..starts.peek().copied().unwrap_or(text.len()))
    });
    all.filter(|block| block.starts_with(b"-----BEGIN CERTIFICATE-----"))
}

fn identity(path: &Path) -> Result<Arc<CertifiedKey>, RegistryError> {
    let chain = certificates(CLIENT, path)?;
    let path = path.with_extension("key");
    let pem = file::read("client key", &path, limits::CERTIFICATE_FILE_BYTES)?;
    let unusable = |reason: &str| bad("client key", &path, reason);
    let key = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| unusable("no unencrypted PEM key in it"))?;
    let provider = ring::default_provider().key_provider;
    let key = provider.load_private_key(key).map_err(|_| unusable("a kind of key that is not known"))?;
    // Not compared with the certificate: that would refuse certificates of version 1, which registries accept.
    Ok(Arc::new(CertifiedKey::new(chain, key)))
}

/// The certificates in a file that has to have some, and no broken one.
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

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::fs;
    use std::sync::Mutex;

    use base64::Engine as _;

    use super::*;

    #[test]
    fn a_directory_with_half_a_pair_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |name: &str| {
            fs::write(dir.path().join(name), "nothing").unwrap();
            let error = Trust::default().add_dir(dir.path(), &|_| {}).err().map(|e| e.to_string());
            fs::remove_file(dir.path().join(name)).unwrap();
            error.unwrap_or_default()
        };
        assert!(refused("a.cert").contains("no .key"));
        assert!(refused("a.key").contains("no .cert"));
        assert_eq!(refused("README"), "");
    }

    #[test]
    fn what_is_no_authority_in_a_directory_is_passed_over_and_told() {
        let der = webpki_root_certs::TLS_SERVER_ROOT_CERTS[0].clone();
        let pem = &format!(
            "-----BEGIN CERTIFICATE-----\n{}\n-----END CERTIFICATE-----\n",
            base64::engine::general_purpose::STANDARD.encode(&der)
        );
        let trusted = pem.replace(" CERTIFICATE-", " TRUSTED CERTIFICATE-");
        let cut = &pem[..200];
        let not_base64 = "-----BEGIN CERTIFICATE-----\nMIIBAAA!\n-----END CERTIFICATE-----\n";
        let no_certificate = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n";
        for (about, content, found, words) in [
            ("good", pem.to_owned(), 1, ""),
            ("text around it", format!("CA of ours\r\n{}", pem.replace('\n', "\r\n")), 1, ""),
            ("empty", String::new(), 0, "no PEM certificate"),
            ("text", "placeholder".to_owned(), 0, "no PEM certificate"),
            ("trusted", trusted, 0, "no PEM certificate"),
            ("broken at the end", format!("{pem}{cut}"), 1, "its end is missing"),
            ("broken at first", format!("{cut}\n{not_base64}{no_certificate}{pem}"), 1, "certificate 3 in"),
        ] {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join("a.crt"), content).unwrap();
            let (told, mut trust) = (RefCell::new(String::new()), Trust::default());
            trust.add_dir(dir.path(), &|words| *told.borrow_mut() += words).unwrap();
            assert_eq!(trust.authorities, vec![der.clone(); found], "{about}");
            let told = told.into_inner();
            assert!(told.contains(words) && told.is_empty() == words.is_empty(), "{about}: {told}");
        }
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("der.crt"), &der).unwrap();
        std::os::unix::fs::symlink("/nonexistent", dir.path().join("dangling.crt")).unwrap();
        fs::write(dir.path().join("good.crt"), pem).unwrap();
        let (told, mut trust) = (RefCell::new(String::new()), Trust::default());
        trust.add_dir(dir.path(), &|words| *told.borrow_mut() += words).unwrap();
        assert_eq!(trust.authorities, [der]);
        let told = told.into_inner();
        assert!(told.contains("dangling.crt is passed over: No such file") && told.contains("der.crt"), "{told}");
    }

    #[test]
    fn what_an_option_names_has_to_be_good() {
        let dir = tempfile::tempdir().unwrap();
        let refused = |options: RegistryOptions| Trust::of("h.example", &options).err().map(|error| error.to_string());
        let named = RegistryOptions { cert_dir: Some(dir.path().join("absent")), ..Default::default() };
        assert!(refused(named).unwrap().contains("reading certificate directory"));
        let path = dir.path().join("ca.pem");
        fs::write(&path, "placeholder").unwrap();
        let extra = RegistryOptions { extra_ca: vec![path], ..Default::default() };
        assert!(refused(extra).unwrap().contains("no PEM certificate"));
    }

    #[test]
    fn the_directory_is_told_to_whoever_wants_to_know() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("old.crt"), "").unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let ear = Arc::clone(&told);
        let options = RegistryOptions {
            cert_dir: Some(dir.path().to_owned()),
            debug_auth: Some(Arc::new(move |words: &str| ear.lock().unwrap().push(words.to_owned()))),
            ..Default::default()
        };
        Trust::of("h.example:1", &options).unwrap();
        let told = told.lock().unwrap();
        assert_eq!(told[0], format!("certificates for h.example:1: {}", dir.path().display()));
        assert!(told[1].ends_with("old.crt is passed over: no PEM certificate of use in it"), "{told:?}");
    }
}
