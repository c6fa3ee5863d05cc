//! Streams of file content that must have exactly the length their header says.

use std::io::{self, Read};

/// Passes through `left` bytes and refuses a stream that has fewer or more.
pub struct ContentLimit<R> {
    inner: R,
    left: u64,
}

impl<R: Read> ContentLimit<R> {
    /// Expects exactly `size` bytes from `inner`.
    pub fn new(inner: R, size: u64) -> Self {
        Self { inner, left: size }
    }
}

impl<R: Read> Read for ContentLimit<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        let read = self.inner.read(buffer)?;
        if read == 0 && self.left > 0 {
            let message = format!("the content ends {} bytes too early", self.left);
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, message));
        }
        self.left = self
            .left
            .checked_sub(read as u64)
            .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the content is longer than its header says"))?;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_stated_length_passes() {
        let read = |size| {
            let mut out = Vec::new();
            ContentLimit::new(&b"hello"[..], size).read_to_end(&mut out).map(|_| out)
        };
        assert_eq!(read(5).unwrap(), b"hello");
        assert!(read(4).is_err());
        assert!(read(6).is_err());
    }
}
