//! Compressing an archive object in one piece, which is faster than as a stream.

use std::cell::RefCell;
use std::io::{self, Write};

use libdeflater::{CompressionLvl, Compressor};

/// How much of its buffers a thread keeps for its next object, in bytes. Nearly all objects are smaller.
const KEEP: usize = 512 * 1024;

/// A compressor, and buffers for the content and for what becomes of it.
struct Kept {
    compressor: Compressor,
    content: Vec<u8>,
    compressed: Vec<u8>,
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// Collects what is written to it and compresses it in the end. At most [`MAX_WHOLE`](crate::limits::MAX_WHOLE) bytes are
/// to be written: that bounds its memory.
pub struct Whole {
    kept: Kept,
}

impl Whole {
    /// An empty one, with this thread's compressor.
    pub fn new() -> Self {
        let fresh = || Kept {
            compressor: Compressor::new(CompressionLvl::fastest()),
            content: Vec::new(),
            compressed: Vec::new(),
        };
        Self { kept: KEPT.take().unwrap_or_else(fresh) }
    }

    /// Writes `header` as it is and the content as raw deflate to `out`, in one call.
    pub fn finish(mut self, mut out: impl Write, header: &[u8]) -> io::Result<()> {
        let Kept { compressor, content, compressed } = &mut self.kept;
        let bound = compressor.deflate_compress_bound(content.len());
        compressed.clear();
        compressed.extend_from_slice(header);
        compressed.resize(header.len() + bound, 0);
        let room = compressed.get_mut(header.len()..).unwrap_or_default();
        let length = compressor.deflate_compress(content, room).map_err(io::Error::other)?;
        compressed.truncate(header.len() + length);
        out.write_all(compressed)?;
        for buffer in [content, compressed] {
            buffer.clear();
            buffer.shrink_to(KEEP);
        }
        KEPT.set(Some(self.kept));
        Ok(())
    }
}

impl Write for Whole {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.kept.content.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    #[test]
    fn streams_are_independent_and_complete() {
        let noise: Vec<u8> = (0..700_000u64).map(|n| (n.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8).collect();
        for content in [&noise[..], b"", b"hello\n", &[7; 3_000_000], &noise[..KEEP]] {
            let mut whole = Whole::new();
            for piece in content.chunks(65_537) {
                whole.write_all(piece).unwrap();
            }
            let mut out = Vec::new();
            whole.finish(&mut out, b"head").unwrap();
            let mut again = Vec::new();
            flate2::read::DeflateDecoder::new(&out[4..]).read_to_end(&mut again).unwrap();
            assert!(out.starts_with(b"head") && again == content, "{} bytes", content.len());
        }
    }
}
