//! Fetching and decompressing a layer on a thread of its own, so that reading its tar goes on at the same time.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use oci_image::blob::VerifyReader;
use oci_image::layer::{LayerContent, LayerReader};
use oci_image::{Digest, ImageError};

/// How many pieces may wait for the reader.
const PIECES: usize = 4;
/// The size of a piece in bytes. Together with [`PIECES`] this bounds the memory of a layer in flight.
const PIECE: usize = 128 * 1024;

/// The reading end: the layer's uncompressed bytes.
struct PipeReader {
    pieces: Receiver<Vec<u8>>,
    /// Takes back what was read, so that the same few buffers go round.
    empty: SyncSender<Vec<u8>>,
    current: Vec<u8>,
    at: usize,
}

impl Read for PipeReader {
    fn read(&mut self, target: &mut [u8]) -> io::Result<usize> {
        if self.at == self.current.len() {
            match self.pieces.recv() {
                Ok(piece) => {
                    // One that does not fit is dropped, and another made when it is needed.
                    let _ = self.empty.try_send(std::mem::replace(&mut self.current, piece));
                    self.at = 0;
                }
                // The other end is done, or has failed; which, the caller learns from it.
                Err(_) => return Ok(0),
            }
        }
        let available = self.current.get(self.at..).unwrap_or_default();
        let take = available.len().min(target.len());
        let (piece, _) = available.split_at(take);
        target.get_mut(..take).unwrap_or_default().copy_from_slice(piece);
        self.at += take;
        Ok(take)
    }
}

/// What became of a layer whose bytes went to a reader.
enum Fetched<R: Read> {
    /// It was read to its end, and is right.
    Whole(LayerContent),
    /// The reader wanted no more.
    Left(Box<LayerReader<VerifyReader<R>>>),
}

/// Gives the uncompressed bytes of `layer` to `consume`, while another thread fetches and decompresses; then checks the
/// blob and, where one is expected, the diff-id, to the last byte. A failure of the layer itself goes before what
/// `consume` made of the truncated stream. Where that is an error that wrong bytes may have led to (`doubtful`), the rest is
/// read to know whether they were wrong.
pub fn read_layer<R: Read + Send, T, E: From<ImageError>>(
    layer: LayerReader<VerifyReader<R>>,
    diff_id: &Digest,
    doubtful: impl Fn(&E) -> bool,
    consume: impl FnOnce(&mut dyn Read) -> Result<T, E>,
) -> Result<(T, LayerContent), E> {
    let (sender, pieces) = sync_channel(PIECES);
    let (empty, emptied) = sync_channel(PIECES);
    std::thread::scope(|scope| {
        let fetcher = scope.spawn(move || pump(layer, diff_id, &sender, &emptied));
        let mut reader = PipeReader { pieces, empty, current: Vec::new(), at: 0 };
        let consumed = consume(&mut reader);
        if consumed.is_ok() {
            // What stands behind the end of the tar still counts for the digests.
            let _ = io::copy(&mut reader, &mut io::sink());
        }
        drop(reader);
        let fetched = match fetcher.join() {
            Ok(fetched) => fetched,
            Err(panic) => std::panic::resume_unwind(panic),
        };
        match (fetched, consumed) {
            (Ok(Fetched::Whole(content)), Ok(value)) => Ok((value, content)),
            (Err(e), _) => Err(E::from(e)),
            (Ok(Fetched::Left(layer)), Err(e)) if doubtful(&e) => Err(layer.damage().map_or(e, E::from)),
            (Ok(_), Err(e)) => Err(e),
            (Ok(Fetched::Left(_)), Ok(_)) => Err(E::from(ImageError::Invalid {
                what: "layer".into(),
                reason: "reading stopped before its end".into(),
            })),
        }
    })
}

/// Sends the layer piece by piece, as long as the reader takes them.
fn pump<R: Read>(
    mut layer: LayerReader<VerifyReader<R>>,
    diff_id: &Digest,
    sender: &SyncSender<Vec<u8>>,
    emptied: &Receiver<Vec<u8>>,
) -> Result<Fetched<R>, ImageError> {
    loop {
        let mut piece = emptied.try_recv().unwrap_or_default();
        piece.resize(PIECE, 0);
        let mut filled = 0;
        while let Some(free @ [_, ..]) = piece.get_mut(filled..) {
            match layer.read(free) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(cause(layer, ImageError::from_stream("reading", "layer", e))),
            }
        }
        piece.truncate(filled);
        if filled == 0 {
            return layer.finish_verified(Some(diff_id)).map(Fetched::Whole);
        }
        if sender.send(piece).is_err() {
            return Ok(Fetched::Left(Box::new(layer)));
        }
    }
}

/// Why a layer could not be read: what cannot be decompressed may be damaged.
fn cause<R: Read>(layer: LayerReader<VerifyReader<R>>, error: ImageError) -> ImageError {
    match error {
        ImageError::Stream { .. } => layer.damage().unwrap_or(error),
        error => error,
    }
}

#[cfg(test)]
mod tests {
    use oci_image::layer::{Compression, LayerWriter};
    use oci_image::{Descriptor, media_type};

    use super::*;
    use crate::error::ContainerError;

    #[test]
    fn what_wrong_bytes_led_to_is_told_from_what_is_wrong_with_the_layer() {
        let bytes = vec![7; 3 * PIECE * PIECES];
        let right = Digest::sha256(&bytes);
        let wrong = Digest::sha256(b"");
        for (digest, doubt, damaged) in [(&right, true, false), (&wrong, true, true), (&wrong, false, false)] {
            let descriptor = Descriptor::new(media_type::OCI_LAYER, digest.clone(), bytes.len() as u64);
            let blob = VerifyReader::new(bytes.as_slice(), &descriptor, "layer");
            let layer = LayerReader::new(blob, &descriptor.media_type, "layer".to_owned()).unwrap();
            let read = read_layer(
                layer,
                digest,
                |_| doubt,
                |stream| {
                    stream.read_exact(&mut [0; 100]).unwrap();
                    Err::<(), _>(ContainerError::Request("no tar".into()))
                },
            );
            match read.map(drop).unwrap_err() {
                ContainerError::Image(ImageError::DigestMismatch { .. }) => assert!(damaged),
                ContainerError::Request(_) => assert!(!damaged),
                other => panic!("{other}"),
            }
        }
    }

    #[test]
    fn a_wrong_byte_is_what_is_wrong_with_a_layer_that_cannot_be_decompressed() {
        let tar: Vec<u8> = (0..1u32 << 20).flat_map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()).collect();
        for compression in [Compression::Zstd(1), Compression::Gzip(1)] {
            let mut writer = LayerWriter::new(Vec::new(), compression, 1).unwrap();
            io::Write::write_all(&mut writer, &tar).unwrap();
            let (written, bytes) = writer.finish().unwrap();
            let (descriptor, media_type) = (written.descriptor(), compression.media_type());
            for at in [0, 1, 3, 10, 700, bytes.len() / 2, bytes.len() - 3] {
                let mut flipped = bytes.clone();
                flipped[at] ^= 0x24;
                let blob = VerifyReader::new(flipped.as_slice(), &descriptor, "layer");
                let read = LayerReader::verified(blob, media_type, "layer").and_then(|layer| {
                    let whole = |stream: &mut dyn Read| {
                        io::copy(stream, &mut io::sink()).map_err(|e| ImageError::from_stream("reading", "layer", e))
                    };
                    read_layer(layer, &Digest::sha256(&tar), |_| true, whole)
                });
                let error = read.map(drop).unwrap_err();
                assert!(matches!(error, ImageError::DigestMismatch { .. }), "{media_type} {at}: {error}");
            }
        }
    }
}
