//! Writing the deflate stream of an archive object, with a compressor that each thread keeps for its next object.
//!
//! A compressor is a few hundred KiB that must be allocated and cleared. Most objects are far smaller than that, so a new
//! one for each would cost more than the compressing.

use std::cell::RefCell;
use std::io::{self, Write};

use flate2::{Compress, Compression, FlushCompress, Status};

use crate::limits::COPY_BUFFER;

/// The level for content that looks compressed already: anything more is wasted on it.
const INCOMPRESSIBLE_LEVEL: u32 = 1;
/// How much of the content is looked at, in bytes.
const SAMPLE: usize = 32 * 1024;
/// Samples shorter than this, in bytes, say nothing.
const MIN_SAMPLE: usize = 4 * 1024;

/// A compressor and the level it was made for.
struct Kept {
    level: u32,
    compress: Compress,
}

thread_local! {
    /// One for ordinary content, one for what looks compressed.
    static KEPT: RefCell<[Option<Kept>; 2]> = const { RefCell::new([None, None]) };
    static BUFFER: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

impl Kept {
    /// This thread's compressor for `level`, or a new one.
    fn take(level: u32) -> Self {
        let kept = KEPT.with_borrow_mut(|all| {
            all.iter_mut().find(|kept| kept.as_ref().is_some_and(|kept| kept.level == level)).and_then(Option::take)
        });
        match kept {
            Some(mut kept) => {
                kept.compress.reset();
                kept
            }
            None => Self { level, compress: Compress::new(Compression::new(level), false) },
        }
    }

    fn keep(self) {
        KEPT.with_borrow_mut(|all| {
            let place = usize::from(self.level == INCOMPRESSIBLE_LEVEL);
            if let Some(kept) = all.get_mut(place) {
                *kept = Some(self);
            }
        });
    }
}

/// Whether the bytes look compressed or encrypted: their frequencies tell nothing. Counting is a hundred times as fast as
/// finding out by compressing.
fn looks_compressed(content: &[u8]) -> bool {
    let sample = content.get(..SAMPLE).unwrap_or(content);
    if sample.len() < MIN_SAMPLE {
        return false;
    }
    let mut counts = [0u32; 256];
    for byte in sample {
        if let Some(count) = counts.get_mut(usize::from(*byte)) {
            *count += 1;
        }
    }
    let total = sample.len() as f64;
    let bits: f64 = counts
        .iter()
        .filter(|&&count| count > 0)
        .map(|&count| f64::from(count) * (total / f64::from(count)).log2())
        .sum();
    // A sample of random bytes has a little less than 8 bits a byte, the less the shorter it is.
    bits / total > 7.9
}

/// Compresses what is written to it into `out`, behind some bytes that stay as they are.
pub struct Deflater<W> {
    level: u32,
    /// `None` until the first bytes have shown which level is worth it.
    kept: Option<Kept>,
    buffer: Vec<u8>,
    out: W,
}

impl<W: Write> Deflater<W> {
    /// Puts `header` out first, then raw deflate of this level, or of a lower one where it would gain nothing.
    pub fn new(mut out: W, level: u32, header: &[u8]) -> io::Result<Self> {
        let mut buffer = BUFFER.take();
        buffer.clear();
        buffer.reserve_exact(COPY_BUFFER);
        match header.len() < COPY_BUFFER / 2 {
            true => buffer.extend_from_slice(header),
            false => out.write_all(header)?,
        }
        Ok(Self { level, kept: None, buffer, out })
    }

    fn compressor(&mut self, first: &[u8]) -> &mut Compress {
        let level = self.level;
        let kept = self.kept.get_or_insert_with(|| match looks_compressed(first) {
            true => Kept::take(INCOMPRESSIBLE_LEVEL.min(level)),
            false => Kept::take(level),
        });
        &mut kept.compress
    }

    /// One step of compressing: how many of `bytes` were taken, and whether the stream has ended.
    fn step(&mut self, bytes: &[u8], flush: FlushCompress) -> io::Result<(usize, bool)> {
        let mut buffer = std::mem::take(&mut self.buffer);
        let compress = self.compressor(bytes);
        let before = compress.total_in();
        let status = compress.compress_vec(bytes, &mut buffer, flush);
        let taken = usize::try_from(compress.total_in() - before).unwrap_or(0);
        self.buffer = buffer;
        let ended = status? == Status::StreamEnd;
        if ended || self.buffer.len() == self.buffer.capacity() {
            self.out.write_all(&self.buffer)?;
            self.buffer.clear();
        }
        Ok((taken, ended))
    }

    /// Puts out the rest.
    pub fn finish(mut self) -> io::Result<()> {
        loop {
            if let (_, true) = self.step(&[], FlushCompress::Finish)? {
                if let Some(kept) = self.kept {
                    kept.keep();
                }
                BUFFER.set(self.buffer);
                return Ok(());
            }
        }
    }
}

impl<W: Write> Write for Deflater<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let (taken, _) = self.step(bytes, FlushCompress::None)?;
            if taken > 0 || bytes.is_empty() {
                return Ok(taken);
            }
        }
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
        for content in [&noise[..], b"", b"hello\n", &[7; 300_000], &noise[..COPY_BUFFER]] {
            for level in [1, 6, 6, 9] {
                let mut out = Vec::new();
                let mut deflater = Deflater::new(&mut out, level, b"head").unwrap();
                deflater.write_all(content).unwrap();
                deflater.finish().unwrap();
                let mut again = Vec::new();
                flate2::read::DeflateDecoder::new(&out[4..]).read_to_end(&mut again).unwrap();
                assert!(out.starts_with(b"head") && again == content, "{} bytes, level {level}", content.len());
            }
        }
        let mut out = Vec::new();
        Deflater::new(&mut out, 6, b"").unwrap().finish().unwrap();
        assert_eq!(out, b"\x03\0");
    }
}
