//! Says beforehand what would be asked for an image, where and with what; nothing is asked for it.

use std::fmt;
use std::path::PathBuf;

use oci_image::InvalidName;

use crate::auth;
use crate::endpoint::{self, Endpoint};
use crate::error::RegistryError;
use crate::name::ImageName;
use crate::options::RegistryOptions;
use crate::proxy::Proxies;
use crate::settings::Settings;
use crate::trust;

/// One place that would be asked for an image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The image as it is called there, `host[:port]/repository[:tag][@digest]`.
    pub image: String,
    /// Scheme, host and port of the registry's address.
    pub address: String,
    /// Whether it is a mirror.
    pub mirror: bool,
    /// Whether any certificate is accepted, and plain HTTP.
    pub insecure: bool,
    /// Which file and entry, or which helper, the credentials are from; `None` without any.
    pub credentials: Option<String>,
    /// The directory with authorities and client certificates.
    pub certificates: Option<PathBuf>,
    /// Scheme, host and port of the proxy in between.
    pub proxy: Option<String>,
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at {}", self.image, self.address)?;
        for (holds, word) in [(self.mirror, "mirror"), (self.insecure, "insecure")] {
            if holds {
                write!(f, ", {word}")?;
            }
        }
        if let Some(credentials) = &self.credentials {
            write!(f, ", {credentials}")?;
        }
        if let Some(certificates) = &self.certificates {
            write!(f, ", certificates in {}", certificates.display())?;
        }
        if let Some(proxy) = &self.proxy {
            write!(f, ", through {proxy}")?;
        }
        Ok(())
    }
}

/// The places that would be asked for the image `name` (as for [`RegistrySource::open`](crate::RegistrySource::open)), in
/// order; for a push the only one. Credential helpers are run for it.
///
/// # Errors
/// [`RegistryError::Blocked`] for an image that may be asked for nowhere; the errors of names and settings files.
pub fn routes(name: &str, options: &RegistryOptions, push: bool) -> Result<Vec<Route>, RegistryError> {
    let name = ImageName::parse(name)?;
    let settings = Settings::read(options)?;
    let places = if push { vec![settings.place_to_push(&name)?] } else { settings.places(&name)? };
    let proxies = Proxies::of(&options.environment);
    let mut routes = Vec::new();
    for place in places {
        let address = Endpoint::new(place.host(), place.repository(), true)
            .map_err(|reason| InvalidName::new(&place.name.to_string(), reason))?
            .ping();
        routes.push(Route {
            image: place.name.whole(),
            address: endpoint::shown(&address),
            mirror: place.mirror,
            insecure: place.insecure,
            credentials: settings.credential(&place)?.map(|found| found.source),
            certificates: trust::cert_dir(place.host(), options),
            proxy: proxies.choose(&address).map(|url| endpoint::shown(&url)),
        });
    }
    Ok(routes)
}

/// Whether the bytes of a credential file hold an entry of their own for `host`/`repository`.
///
/// # Errors
/// What is wrong with the file, without any of its secrets.
pub fn has_entry(content: &[u8], host: &str, repository: &str) -> Result<bool, String> {
    auth::has_entry(content, host, repository)
}
