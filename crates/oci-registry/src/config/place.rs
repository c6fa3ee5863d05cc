//! One place that an image, or a part of it, may be fetched from or pushed to.

use crate::name::ImageName;

/// A place to ask: the image's own location or a mirror of it. Its host names the `certs.d` directory, its host and
/// repository are the key its credentials are looked up by.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    /// The name of the image there, whose tag and digest are those to ask for.
    pub(crate) name: ImageName,
    /// Whether any certificate is accepted there, and plain HTTP where the port speaks no TLS.
    pub(crate) insecure: bool,
    /// Whether it is a mirror: there 403 and 404 mean no more than that the next place is to be asked.
    pub(crate) mirror: bool,
    /// Whether it is on the host that the image's name gives, so that credentials given for that host are meant for it.
    pub(crate) at_home: bool,
}

impl Place {
    /// The host and port, as the name gives them.
    pub(crate) fn host(&self) -> &str {
        self.name.host()
    }

    /// The repository there.
    pub(crate) fn repository(&self) -> &str {
        self.name.repository()
    }
}
