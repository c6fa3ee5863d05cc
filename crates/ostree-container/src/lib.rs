//! The bridge between OSTree commits and OCI images: encapsulate and unencapsulate.
