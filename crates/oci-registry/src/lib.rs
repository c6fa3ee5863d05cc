//! An OCI registry over HTTP as image source and sink.
