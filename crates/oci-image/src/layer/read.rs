//! Decompression of a layer, whatever it is compressed with, with its diff-id computed on the way.

use std::io::{self, BufRead, BufReader, Read};

use crate::blob::VerifyReader;
use crate::descriptor::Descriptor;
use crate::digest::{Algorithm, Digest, DigestHasher};
use crate::error::ImageError;
use crate::limits;
use crate::media_type::LayerCompression;
use crate::source::ImageSource;

use super::gzip_members::GzipMembers;

/// Bytes read from the source at once. Decoders lose a tenth of their speed with 16 KiB.
const INPUT: usize = 64 * 1024;
/// Bytes decompressed at once.
const OUTPUT: usize = 128 * 1024;
/// Bytes looked at to tell the format: a tar header's length.
const PEEK: usize = 512;

/// The source, with the first bytes that were looked at put back in front.
type Input<R> = BufReader<io::Chain<io::Cursor<Vec<u8>>, R>>;

/// What is known of a layer's uncompressed tar once all of it went by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LayerContent {
    /// The SHA-256 digest of the uncompressed stream, as in an image configuration's `rootfs.diff_ids`.
    pub diff_id: Digest,
    /// The length of the uncompressed stream in bytes.
    pub uncompressed: u64,
}

enum Decoder<R: Read> {
    None(Input<R>),
    Gzip(GzipMembers<Input<R>>),
    Zstd(Box<zstd::stream::read::Decoder<'static, Input<R>>>),
}

/// Reads a layer's uncompressed tar bytes and computes their digest and count.
///
/// Errors of `read` carry an [`ImageError`] (see [`ImageError::from_stream`]).
pub struct LayerReader<R: Read> {
    decoder: Decoder<R>,
    compression: LayerCompression,
    what: String,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    hasher: DigestHasher,
    count: u64,
    limit: u64,
}

impl<R: Read> LayerReader<R> {
    /// Reads the layer whose stored bytes are `inner`. `media_type` is what its descriptor says; the first bytes decide,
    /// as some tools label layers wrongly. `what` names the layer in errors.
    ///
    /// # Errors
    /// [`ImageError::Unsupported`] for a media type that is no layer's, [`ImageError::Invalid`] for bytes that are
    /// neither compressed as promised nor a tar, and whatever reading the first bytes gives.
    pub fn new(inner: R, media_type: &str, what: impl Into<String>) -> Result<Self, ImageError> {
        Self::begin(inner, media_type, what.into()).map_err(|(error, _)| error)
    }

    /// Starts to read. Where the first bytes are those of no layer, the source comes back too.
    fn begin(mut inner: R, media_type: &str, what: String) -> Result<Self, (ImageError, Option<R>)> {
        let Some(promised) = LayerCompression::from_media_type(media_type) else {
            let feature = format!("layer media type {media_type:?}");
            return Err((ImageError::Unsupported { what, feature }, None));
        };
        let head = peek(&mut inner).map_err(|error| (ImageError::from_stream("reading", &what, error), None))?;
        let Some(compression) = detect(&head, promised) else {
            let reason = format!("neither compressed as its media type {media_type} says nor a tar archive");
            return Err((ImageError::Invalid { what, reason }, Some(inner)));
        };
        let input = BufReader::with_capacity(INPUT, io::Cursor::new(head).chain(inner));
        let decoder = match compression {
            LayerCompression::None => Decoder::None(input),
            LayerCompression::Gzip => Decoder::Gzip(GzipMembers::new(input)),
            LayerCompression::Zstd => Decoder::Zstd(Box::new(
                zstd_decoder(input).map_err(|error| (ImageError::from_stream("decompressing", &what, error), None))?,
            )),
        };
        Ok(Self {
            decoder,
            compression,
            what,
            buffer: Vec::new(),
            start: 0,
            end: 0,
            hasher: DigestHasher::new(Algorithm::Sha256),
            count: 0,
            limit: limits::MAX_LAYER,
        })
    }

    /// Bounds the uncompressed size, in bytes. Reading beyond it is an error.
    #[must_use]
    pub fn with_limit(mut self, bytes: u64) -> Self {
        self.limit = bytes;
        self
    }

    /// How the layer really is stored.
    pub fn compression(&self) -> LayerCompression {
        self.compression
    }

    /// The uncompressed bytes decoded so far.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Reads the layer to its end, wherever the consumer stopped, and gives its digest together with the source, which
    /// stands at its own end.
    ///
    /// # Errors
    /// Those of reading: corrupt or truncated compressed data, foreign bytes behind it, too many bytes.
    pub fn finish(mut self) -> Result<(LayerContent, R), ImageError> {
        self.drain().map_err(|error| ImageError::from_stream("decompressing", &self.what, error))?;
        let content = LayerContent { diff_id: self.hasher.finish(), uncompressed: self.count };
        let inner = self.decoder.into_inner().ok_or_else(|| ImageError::Invalid {
            what: self.what,
            reason: "decompression was abandoned after an error".to_owned(),
        })?;
        Ok((content, inner))
    }

    fn drain(&mut self) -> io::Result<()> {
        self.start = self.end;
        loop {
            let got = match self.fill_buf() {
                Ok(available) => available.len(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if got == 0 {
                return Ok(());
            }
            self.consume(got);
        }
    }

    /// Decodes once into `target`, counting and hashing what came.
    fn decode(&mut self, target: &mut [u8]) -> io::Result<usize> {
        let got = match &mut self.decoder {
            Decoder::None(input) => input.read(target),
            Decoder::Gzip(members) => members.read(target),
            Decoder::Zstd(decoder) => decoder.read(target),
        };
        let got = got.map_err(|error| self.explain(error))?;
        self.hasher.update(target.get(..got).unwrap_or_default());
        self.count += got as u64;
        if self.count > self.limit {
            let reason = format!("more than {} uncompressed bytes", self.limit);
            return Err(ImageError::Invalid { what: self.what.clone(), reason }.into_io());
        }
        Ok(got)
    }

    /// Puts the layer's name and place to a decoder's error, unless it is already one of ours or a retry.
    fn explain(&self, error: io::Error) -> io::Error {
        if error.kind() == io::ErrorKind::Interrupted {
            return error;
        }
        let what = format!("{} after {} uncompressed bytes", self.what, self.count);
        ImageError::from_stream("decompressing", &what, error).into_io()
    }
}

impl<R: Read> Decoder<R> {
    /// The source, wherever the decoder stands in it.
    fn into_inner(self) -> Option<R> {
        let input = match self {
            Self::None(input) => Some(input),
            Self::Gzip(members) => members.into_inner(),
            Self::Zstd(decoder) => Some(decoder.finish()),
        };
        input.map(|input| input.into_inner().into_inner().1)
    }
}

impl<R: Read> LayerReader<VerifyReader<R>> {
    /// [`LayerReader::new`] for a blob that is verified: of one that does not begin as a layer does, it is told first whether
    /// its bytes are those of the digest.
    ///
    /// # Errors
    /// Those of [`VerifyReader::finish`] and of [`LayerReader::new`].
    pub fn verified(blob: VerifyReader<R>, media_type: &str, what: impl Into<String>) -> Result<Self, ImageError> {
        Self::begin(blob, media_type, what.into()).map_err(|(error, blob)| match blob.map(VerifyReader::finish) {
            Some(Err(damage)) => damage,
            Some(Ok(())) | None => error,
        })
    }

    /// What is wrong with the blob's stored bytes, if something is. They are read to their end, whatever came of them so far:
    /// what cannot be decompressed, or is no tar, may be what the network made of a good layer.
    pub fn damage(self) -> Option<ImageError> {
        self.decoder.into_inner()?.finish().err()
    }

    /// Ends the layer and its blob: everything is read, size and digest of the stored bytes are checked, and the
    /// uncompressed digest too where one is expected.
    ///
    /// # Errors
    /// Those of [`LayerReader::finish`] and [`VerifyReader::finish`], and [`ImageError::DigestMismatch`].
    pub fn finish_verified(self, diff_id: Option<&Digest>) -> Result<LayerContent, ImageError> {
        let what = self.what.clone();
        let (content, blob) = self.finish()?;
        blob.finish()?;
        match diff_id {
            Some(expected) if *expected != content.diff_id => Err(ImageError::DigestMismatch {
                what: format!("{what}, uncompressed"),
                expected: expected.clone(),
                actual: content.diff_id,
            }),
            _ => Ok(content),
        }
    }
}

/// A layer being read from a source, verified on the way.
pub type VerifiedLayer = LayerReader<VerifyReader<Box<dyn Read + Send>>>;

/// Starts to read the layer `descriptor` of `source`. End it with [`LayerReader::finish_verified`].
///
/// # Errors
/// Those of [`ImageSource::blob`] and [`LayerReader::new`].
pub fn open_layer(source: &dyn ImageSource, descriptor: &Descriptor) -> Result<VerifiedLayer, ImageError> {
    let what = format!("layer {}", descriptor.digest);
    let stored = source.stored_as(descriptor)?;
    let blob = VerifyReader::new(source.blob(descriptor)?, &stored, what.clone());
    LayerReader::verified(blob, &stored.media_type, what)
}

impl<R: Read> BufRead for LayerReader<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        if self.start >= self.end {
            let mut buffer = std::mem::take(&mut self.buffer);
            buffer.resize(OUTPUT, 0);
            let got = self.decode(&mut buffer);
            self.buffer = buffer;
            self.start = 0;
            self.end = 0;
            self.end = got?;
        }
        Ok(self.buffer.get(self.start..self.end).unwrap_or_default())
    }

    fn consume(&mut self, amount: usize) {
        self.start = self.end.min(self.start + amount);
    }
}

impl<R: Read> Read for LayerReader<R> {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.start >= self.end && target.len() >= OUTPUT {
            return self.decode(target);
        }
        let got = self.fill_buf()?.read(target)?;
        self.consume(got);
        Ok(got)
    }
}

/// The first bytes of the source, up to [`PEEK`].
fn peek(inner: &mut impl Read) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(PEEK);
    inner.take(PEEK as u64).read_to_end(&mut head)?;
    Ok(head)
}

/// What the layer is stored as, by its first bytes. `None` when they fit nothing.
fn detect(head: &[u8], promised: LayerCompression) -> Option<LayerCompression> {
    let by_magic = compression_by_magic(head);
    match by_magic {
        Some(found) => Some(found),
        None if promised == LayerCompression::None || looks_like_tar(head) => Some(LayerCompression::None),
        None => None,
    }
}

/// The compression whose magic number `head` starts with: gzip, or a zstd frame or skippable frame.
pub(crate) fn compression_by_magic(head: &[u8]) -> Option<LayerCompression> {
    match head {
        [0x1f, 0x8b, 8, ..] => Some(LayerCompression::Gzip),
        [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Some(LayerCompression::Zstd),
        _ => None,
    }
}

/// A tar header with a magic (ustar or GNU), or the end mark of an empty archive.
fn looks_like_tar(head: &[u8]) -> bool {
    head.get(257..262) == Some(b"ustar".as_slice()) || (head.len() == PEEK && head.iter().all(|byte| *byte == 0))
}

fn zstd_decoder<R: BufRead>(input: R) -> io::Result<zstd::stream::read::Decoder<'static, R>> {
    let mut decoder = zstd::stream::read::Decoder::with_buffer(input)?;
    decoder.window_log_max(limits::MAX_ZSTD_WINDOW_LOG)?;
    Ok(decoder)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::media_type::{OCI_CONFIG, OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD};

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn tar() -> Vec<u8> {
        let mut bytes = vec![0; 300_000];
        bytes[257..262].copy_from_slice(b"ustar");
        for (index, byte) in bytes.iter_mut().enumerate().skip(1000) {
            *byte = (index * index % 251) as u8;
        }
        bytes
    }

    fn content(stored: &[u8], media_type: &str) -> Result<LayerContent, ImageError> {
        Ok(LayerReader::new(stored, media_type, "layer")?.finish()?.0)
    }

    fn good(stored: &[u8], media_type: &str, expected: &[u8]) {
        let content = content(stored, media_type).unwrap();
        assert_eq!(content.diff_id, Digest::sha256(expected));
        assert_eq!(content.uncompressed, expected.len() as u64);
        let mut all = Vec::new();
        LayerReader::new(stored, media_type, "layer").unwrap().read_to_end(&mut all).unwrap();
        assert_eq!(all, expected);
    }

    #[test]
    fn every_form_gives_the_same_bytes() {
        let tar = tar();
        let two = [gzip(&tar[..70_000]), gzip(b""), gzip(&tar[70_000..]), vec![0; 70_000]].concat();
        let frames = [
            vec![0x50, 0x2a, 0x4d, 0x18, 3, 0, 0, 0, 1, 2, 3],
            zstd::encode_all(&tar[..99], 1).unwrap(),
            zstd::encode_all(&tar[99..], 3).unwrap(),
            vec![0x5f, 0x2a, 0x4d, 0x18, 1, 0, 0, 0, 9],
        ]
        .concat();
        for stored in [&tar, &gzip(&tar), &two, &frames] {
            for media_type in [OCI_LAYER, OCI_LAYER_GZIP, OCI_LAYER_ZSTD] {
                good(stored, media_type, &tar);
            }
        }
        good(&[0; 1024], OCI_LAYER_GZIP, &[0; 1024]);
    }

    #[test]
    fn damage_is_noticed() {
        let (tar, media_type) = (tar(), OCI_LAYER_GZIP);
        let stored = gzip(&tar);
        let mut flipped = stored.clone();
        let middle = flipped.len() / 2;
        flipped[middle] ^= 0x10;
        let garbage = [stored.clone(), b"junk".to_vec()].concat();
        let zstd = zstd::encode_all(&tar[..], 1).unwrap();
        let cut_zstd = &zstd[..zstd.len() - 5];
        for bad in [&stored[..stored.len() - 1], &flipped, &garbage, cut_zstd, b"", b"{}"] {
            assert!(content(bad, media_type).is_err(), "{} bytes", bad.len());
        }
        assert!(matches!(content(&stored, OCI_CONFIG), Err(ImageError::Unsupported { .. })));
    }

    #[test]
    fn a_bomb_stops_at_the_limit() {
        let stored = gzip(&vec![0; 1 << 20]);
        let reader = LayerReader::new(&stored[..], OCI_LAYER_GZIP, "layer").unwrap().with_limit(1000);
        let error = reader.finish().map(|(content, _)| content).unwrap_err();
        assert!(error.to_string().contains("more than 1000"), "{error}");
    }

    #[test]
    fn blob_and_diff_id_are_checked_at_the_end() {
        let (tar, stored) = (tar(), gzip(&tar()));
        let descriptor = Descriptor::new(OCI_LAYER_GZIP, Digest::sha256(&stored), stored.len() as u64);
        let open = |bytes: Vec<u8>| {
            let blob = VerifyReader::new(io::Cursor::new(bytes), &descriptor, "blob");
            LayerReader::new(blob, OCI_LAYER_GZIP, "layer").unwrap()
        };
        open(stored.clone()).finish_verified(Some(&Digest::sha256(&tar))).unwrap();
        let wrong = open(stored.clone()).finish_verified(Some(&Digest::sha256(b""))).unwrap_err();
        assert!(matches!(wrong, ImageError::DigestMismatch { .. }), "{wrong:?}");
        let padded = open([stored, vec![0]].concat()).finish_verified(None).unwrap_err();
        assert!(matches!(padded, ImageError::SizeMismatch { .. }), "{padded:?}");
    }
}
