//! Verification of a blob's stored bytes against its descriptor while they are read.

use std::io::{self, Read};

use crate::descriptor::Descriptor;
use crate::digest::{Digest, DigestHasher};
use crate::error::ImageError;

/// A reader that passes a blob's bytes on, counts and hashes them, and refuses every byte beyond the descriptor's size.
///
/// The bytes handed out are not verified until [`VerifyReader::finish`] returned `Ok`. Errors of `read` carry an
/// [`ImageError`] (see [`ImageError::from_stream`]) when the blob is too long or ends early.
#[derive(Debug)]
pub struct VerifyReader<R> {
    inner: R,
    what: String,
    expected: Digest,
    size: u64,
    count: u64,
    /// `None` where whoever gives the bytes looks at their digest.
    hasher: Option<DigestHasher>,
    at_end: bool,
}

impl<R: Read> VerifyReader<R> {
    /// Wraps `inner`, the stored bytes of the blob that `descriptor` points to. `what` names it in errors, as in
    /// `layer sha256:…`.
    pub fn new(inner: R, descriptor: &Descriptor, what: impl Into<String>) -> Self {
        Self {
            inner,
            what: what.into(),
            expected: descriptor.digest.clone(),
            size: descriptor.size,
            count: 0,
            hasher: Some(DigestHasher::new(descriptor.digest.algorithm())),
            at_end: false,
        }
    }

    /// The same where `inner` itself fails, rather than ends, if the bytes have not the digest: they are counted only. For
    /// sources that say so, see [`ImageSource::checks_digests`](crate::ImageSource::checks_digests).
    pub fn counting(inner: R, descriptor: &Descriptor, what: impl Into<String>) -> Self {
        Self { hasher: None, ..Self::new(inner, descriptor, what) }
    }

    /// How many of the blob's stored bytes were read.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Reads what the consumer left, looks for bytes beyond the end, and checks size and digest. A consumer may stop
    /// early (a tar reader stops at the end mark); the rest still counts.
    ///
    /// # Errors
    /// [`ImageError::SizeMismatch`] and [`ImageError::DigestMismatch`] for a wrong blob, [`ImageError::Stream`] when it
    /// cannot be read.
    pub fn finish(mut self) -> Result<(), ImageError> {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.read(&mut buffer) {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(ImageError::from_stream("reading", &self.what, error)),
            }
        }
        match self.hasher.map(DigestHasher::finish) {
            Some(actual) if actual != self.expected => {
                Err(ImageError::DigestMismatch { what: self.what, expected: self.expected, actual })
            }
            _ => Ok(()),
        }
    }

    fn size_mismatch(&self, actual: u64) -> io::Error {
        ImageError::SizeMismatch { what: self.what.clone(), expected: self.size, actual }.into_io()
    }

    /// Reads one byte behind the last one, which must not be there.
    fn check_end(&mut self) -> io::Result<()> {
        if self.inner.read(&mut [0])? != 0 {
            return Err(self.size_mismatch(self.count + 1));
        }
        self.at_end = true;
        Ok(())
    }
}

impl<R: Read> Read for VerifyReader<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.at_end {
            return Ok(0);
        }
        let left = self.size - self.count;
        if left == 0 {
            self.check_end()?;
            return Ok(0);
        }
        let want = usize::try_from(left).map_or(buffer.len(), |left| left.min(buffer.len()));
        let buffer = buffer.get_mut(..want).unwrap_or_default();
        let got = self.inner.read(buffer)?;
        if got == 0 {
            return Err(self.size_mismatch(self.count));
        }
        if let Some(hasher) = &mut self.hasher {
            hasher.update(buffer.get(..got).unwrap_or_default());
        }
        self.count += got as u64;
        Ok(got)
    }
}

/// Reads a whole blob that is known to be small (a manifest or config), refusing one whose descriptor exceeds `limit`
/// bytes before reading any of it.
///
/// # Errors
/// [`ImageError::Invalid`] beyond the limit, and those of [`VerifyReader::finish`].
pub fn read_small(inner: impl Read, descriptor: &Descriptor, what: &str, limit: u64) -> Result<Vec<u8>, ImageError> {
    if descriptor.size > limit {
        let reason = format!("{} bytes are more than the limit of {limit}", descriptor.size);
        return Err(ImageError::Invalid { what: what.to_owned(), reason });
    }
    let mut reader = VerifyReader::new(inner, descriptor, what);
    let mut bytes = Vec::new();
    reader.read_to_end(&mut bytes).map_err(|error| ImageError::from_stream("reading", what, error))?;
    reader.finish()?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn descriptor(bytes: &[u8]) -> Descriptor {
        Descriptor::new("x", Digest::sha256(bytes), bytes.len() as u64)
    }

    fn all(stored: &[u8], named: &[u8]) -> Result<Vec<u8>, ImageError> {
        read_small(stored, &descriptor(named), "blob", 100)
    }

    #[test]
    fn good_blobs_pass() {
        assert_eq!(all(b"hello", b"hello").unwrap(), b"hello");
        assert_eq!(all(b"", b"").unwrap(), b"");
    }

    #[test]
    fn counted_blobs_may_have_any_digest_and_no_other_length() {
        let read = |stored: &[u8]| VerifyReader::counting(stored, &descriptor(b"hello"), "blob").finish();
        assert!(read(b"hello").is_ok() && read(b"HELLO").is_ok());
        assert!(read(b"hell").is_err() && read(b"hello!").is_err());
    }

    #[test]
    fn long_short_and_changed_blobs_are_refused() {
        let long = all(b"hello!", b"hello").unwrap_err();
        assert!(matches!(long, ImageError::SizeMismatch { expected: 5, actual: 6, .. }), "{long:?}");
        let short = all(b"hell", b"hello").unwrap_err();
        assert!(matches!(short, ImageError::SizeMismatch { expected: 5, actual: 4, .. }), "{short:?}");
        let changed = all(b"hellO", b"hello").unwrap_err();
        assert!(matches!(changed, ImageError::DigestMismatch { .. }), "{changed:?}");
        let huge = read_small(&b""[..], &Descriptor::new("x", Digest::sha256(b""), 101), "blob", 100).unwrap_err();
        assert!(matches!(huge, ImageError::Invalid { .. }), "{huge:?}");
    }

    #[test]
    fn finish_drains_what_the_consumer_left() {
        let mut reader = VerifyReader::new(&b"hello!"[..], &descriptor(b"hello"), "blob");
        reader.read_exact(&mut [0; 2]).unwrap();
        assert!(matches!(reader.finish(), Err(ImageError::SizeMismatch { actual: 6, .. })));
        let mut reader = VerifyReader::new(&b"hello"[..], &descriptor(b"hello"), "blob");
        reader.read_exact(&mut [0; 2]).unwrap();
        reader.finish().unwrap();
    }
}
