//! Decompression of what is written, whatever it is compressed with, with the digest of the result.

use std::io::{self, Write};

use crate::digest::{Algorithm, Digest, DigestHasher};
use crate::layer::read::compression_by_magic;
use crate::limits::MAX_ZSTD_WINDOW_LOG;
use crate::media_type::LayerCompression;

/// Bytes that tell the compression.
const MAGIC: usize = 4;

/// Writes to `W` what the bytes written to it decompress to.
pub(super) struct Unpack<W: Write> {
    state: State<Hashing<W>>,
}

enum State<W: Write> {
    /// The first bytes, while they are too few to tell.
    Start(Vec<u8>, W),
    Plain(W),
    Gzip(Box<flate2::write::MultiGzDecoder<W>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, W>>),
    /// After an error.
    Broken,
}

impl<W: Write> Unpack<W> {
    pub(super) fn new(inner: W) -> Self {
        let hashing = Hashing { inner, hasher: DigestHasher::new(Algorithm::Sha256) };
        Self { state: State::Start(Vec::with_capacity(MAGIC), hashing) }
    }

    /// Ends the stream; gives the inner writer and the SHA-256 digest of what reached it.
    pub(super) fn finish(mut self) -> io::Result<(W, Digest)> {
        self.decide()?;
        let out = match self.state {
            State::Plain(out) => out,
            State::Gzip(decoder) => decoder.finish()?,
            State::Zstd(mut decoder) => {
                decoder.flush()?;
                decoder.into_inner()
            }
            State::Start(..) | State::Broken => return Err(broken()),
        };
        Ok((out.inner, out.hasher.finish()))
    }

    /// Chooses the decoder by the first bytes and gives it these.
    fn decide(&mut self) -> io::Result<()> {
        match std::mem::replace(&mut self.state, State::Broken) {
            State::Start(head, out) => {
                self.state = match compression_by_magic(&head) {
                    Some(LayerCompression::Gzip) => State::Gzip(Box::new(flate2::write::MultiGzDecoder::new(out))),
                    Some(LayerCompression::Zstd) => {
                        let mut decoder = zstd::stream::write::Decoder::new(out)?;
                        decoder.window_log_max(MAX_ZSTD_WINDOW_LOG)?;
                        State::Zstd(Box::new(decoder))
                    }
                    _ => State::Plain(out),
                };
                self.pass_on(&head)
            }
            other => {
                self.state = other;
                Ok(())
            }
        }
    }

    fn pass_on(&mut self, bytes: &[u8]) -> io::Result<()> {
        match &mut self.state {
            State::Plain(out) => out.write_all(bytes),
            State::Gzip(decoder) => decoder.write_all(bytes),
            State::Zstd(decoder) => decoder.write_all(bytes),
            State::Start(..) | State::Broken => Err(broken()),
        }
    }
}

fn broken() -> io::Error {
    io::Error::other("decompression was abandoned after an error")
}

impl<W: Write> Write for Unpack<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let State::Start(head, _) = &mut self.state {
            let taken = bytes.get(..bytes.len().min(MAGIC - head.len())).unwrap_or_default();
            head.extend_from_slice(taken);
            if head.len() == MAGIC {
                self.decide()?;
            }
            return Ok(taken.len());
        }
        self.pass_on(bytes)?;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

struct Hashing<W> {
    inner: W,
    hasher: DigestHasher,
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let taken = self.inner.write(bytes)?;
        self.hasher.update(bytes.get(..taken).unwrap_or_default());
        Ok(taken)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_is_unpacked() {
        let bytes = b"some tar".repeat(10_000);
        let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gzip.write_all(&bytes).unwrap();
        let (gzip, zstd) = (gzip.finish().unwrap(), zstd::encode_all(&bytes[..], 3).unwrap());
        for stored in [&bytes, &gzip, &zstd] {
            let mut unpack = Unpack::new(Vec::new());
            stored.chunks(3).try_for_each(|piece| unpack.write_all(piece)).unwrap();
            let (out, digest) = unpack.finish().unwrap();
            assert!(out == bytes);
            assert_eq!(digest, Digest::sha256(&bytes));
        }
        for cut in [&gzip[..gzip.len() - 9], &zstd[..zstd.len() / 2]] {
            let mut unpack = Unpack::new(Vec::new());
            let whole = unpack.write_all(cut).is_ok() && unpack.finish().is_ok_and(|(out, _)| out == bytes);
            assert!(!whole);
        }
        let (out, digest) = Unpack::new(Vec::new()).finish().unwrap();
        assert_eq!((out, digest), (Vec::new(), Digest::sha256(b"")));
    }
}
