//! Unpacking a compressed archive, known by its first bytes.

use std::io::{BufReader, Cursor, Read};

use crate::error::TarError;
use crate::limits::{BUFFER_SIZE, MAX_XZ_MEMORY};

/// How many bytes tell one format from the others.
const MAGIC: usize = 6;

/// The formats that are known and not unpacked, by their first bytes.
const REFUSED: [(&[u8], &str); 3] = [(b"LZIP", "lzip"), (b"\x04\x22\x4d\x18", "lz4"), (b"\x1f\x9d", "compress")];

/// The archive in `stream`: unpacked if it is gzip, bzip2, zstd or xz, of one or several members each, else as it is.
pub(super) fn unpacked<'r>(mut stream: impl Read + 'r) -> Result<Box<dyn Read + 'r>, TarError> {
    let mut magic = Vec::with_capacity(MAGIC);
    let got = stream.by_ref().take(MAGIC as u64).read_to_end(&mut magic);
    got.map_err(|source| TarError::Read { offset: 0, source })?;
    if let Some((_, format)) = REFUSED.iter().find(|(start, _)| magic.starts_with(start)) {
        return Err(TarError::Compression { format });
    }
    let (gzip, bzip2) = (is_gzip(&magic), is_bzip2(&magic));
    let (xz, zstd) = (is_xz(&magic), is_zstd(&magic));
    let whole = BufReader::with_capacity(BUFFER_SIZE, Cursor::new(magic).chain(stream));
    Ok(if gzip {
        Box::new(flate2::bufread::MultiGzDecoder::new(whole))
    } else if bzip2 {
        Box::new(bzip2::bufread::MultiBzDecoder::new(whole))
    } else if xz {
        Box::new(lzma_rust2::XzReader::new_mem_limit(whole, true, MAX_XZ_MEMORY))
    } else if zstd {
        let decoder = zstd::stream::read::Decoder::with_buffer(whole);
        Box::new(decoder.map_err(|source| TarError::Read { offset: 0, source })?)
    } else {
        Box::new(whole)
    })
}

fn is_gzip(magic: &[u8]) -> bool {
    magic.starts_with(b"\x1f\x8b")
}

/// Block sizes are told by a digit, 1 to 9.
fn is_bzip2(magic: &[u8]) -> bool {
    matches!(magic, [b'B', b'Z', b'h', b'1'..=b'9', ..])
}

fn is_xz(magic: &[u8]) -> bool {
    magic == b"\xfd7zXZ\0"
}

/// A frame, or a skippable one before it.
fn is_zstd(magic: &[u8]) -> bool {
    magic.starts_with(b"\x28\xb5\x2f\xfd") || matches!(magic, [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..])
}
