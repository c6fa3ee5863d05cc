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

/// Gives the uncompressed bytes of `layer` to `consume`, while another thread fetches and decompresses; then checks the
/// blob and, where one is expected, the diff-id, to the last byte. A failure of the layer itself goes before what
/// `consume` made of the truncated stream.
pub fn read_layer<R: Read + Send, T, E: From<ImageError>>(
    layer: LayerReader<VerifyReader<R>>,
    diff_id: &Digest,
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
            (Ok(Some(content)), Ok(value)) => Ok((value, content)),
            (Err(e), _) => Err(E::from(e)),
            (Ok(_), Err(e)) => Err(e),
            (Ok(None), Ok(_)) => Err(E::from(ImageError::Invalid {
                what: "layer".into(),
                reason: "reading stopped before its end".into(),
            })),
        }
    })
}

/// Sends the layer piece by piece; `None` if the reader has gone away.
fn pump<R: Read>(
    mut layer: LayerReader<VerifyReader<R>>,
    diff_id: &Digest,
    sender: &SyncSender<Vec<u8>>,
    emptied: &Receiver<Vec<u8>>,
) -> Result<Option<LayerContent>, ImageError> {
    loop {
        let mut piece = emptied.try_recv().unwrap_or_default();
        piece.resize(PIECE, 0);
        let mut filled = 0;
        while let Some(free @ [_, ..]) = piece.get_mut(filled..) {
            match layer.read(free) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(ImageError::from_stream("reading", "layer", e)),
            }
        }
        piece.truncate(filled);
        if filled == 0 {
            return layer.finish_verified(Some(diff_id)).map(Some);
        }
        if sender.send(piece).is_err() {
            return Ok(None);
        }
    }
}
