//! Writing the deflate stream of an archive object, with a compressor that each thread keeps for its next object.
//!
//! A compressor is a few hundred KiB that must be allocated and cleared. Most objects are far smaller than that, so a new
//! one for each would cost more than the compressing.

use std::cell::RefCell;
use std::io::{self, Write};

use flate2::{Compress, Compression, FlushCompress, Status};

use crate::limits::COPY_BUFFER;

/// A compressor and the buffer for what it puts out.
struct Kept {
    level: u32,
    compress: Compress,
    buffer: Vec<u8>,
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

impl Kept {
    /// This thread's compressor for `level`, or a new one.
    fn take(level: u32) -> Self {
        match KEPT.take().filter(|kept| kept.level == level) {
            Some(mut kept) => {
                kept.compress.reset();
                kept.buffer.clear();
                kept
            }
            None => Self {
                level,
                compress: Compress::new(Compression::new(level), false),
                buffer: Vec::with_capacity(COPY_BUFFER),
            },
        }
    }
}

/// Compresses what is written to it into `out`, behind some bytes that stay as they are.
pub struct Deflater<W> {
    kept: Kept,
    out: W,
}

impl<W: Write> Deflater<W> {
    /// Puts `header` out first, then raw deflate of this level.
    pub fn new(out: W, level: u32, header: &[u8]) -> io::Result<Self> {
        let mut deflater = Self { kept: Kept::take(level), out };
        match header.len() < COPY_BUFFER / 2 {
            true => deflater.kept.buffer.extend_from_slice(header),
            false => deflater.out.write_all(header)?,
        }
        Ok(deflater)
    }

    /// Puts out the rest.
    pub fn finish(mut self) -> io::Result<()> {
        loop {
            let status = self.kept.compress.compress_vec(&[], &mut self.kept.buffer, FlushCompress::Finish)?;
            let ended = status == Status::StreamEnd;
            if ended || self.is_full() {
                self.drain()?;
            }
            if ended {
                KEPT.set(Some(self.kept));
                return Ok(());
            }
        }
    }

    fn is_full(&self) -> bool {
        self.kept.buffer.len() == self.kept.buffer.capacity()
    }

    fn drain(&mut self) -> io::Result<()> {
        self.out.write_all(&self.kept.buffer)?;
        self.kept.buffer.clear();
        Ok(())
    }
}

impl<W: Write> Write for Deflater<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            let before = self.kept.compress.total_in();
            self.kept.compress.compress_vec(bytes, &mut self.kept.buffer, FlushCompress::None)?;
            let taken = usize::try_from(self.kept.compress.total_in() - before).unwrap_or(0);
            if self.is_full() {
                self.drain()?;
            }
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
