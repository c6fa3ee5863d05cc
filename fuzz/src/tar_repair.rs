//! Header checksums of a damaged tar stream put right, so that mutations get past them.

/// The size of a tar block in bytes.
const BLOCK: usize = 512;

/// A copy in which every header, found as a reader would find it, has the checksum of its bytes.
pub fn repair(data: &[u8]) -> Vec<u8> {
    let mut stream = data.to_vec();
    let mut at = 0;
    while let Some(header) = stream.get_mut(at..at + BLOCK) {
        if header.iter().all(|byte| *byte == 0) {
            break;
        }
        header[148..156].fill(b' ');
        let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
        header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
        let size = content_size(&header[124..136]);
        at = at.saturating_add(BLOCK).saturating_add(size.div_ceil(BLOCK).saturating_mul(BLOCK));
    }
    stream
}

fn content_size(field: &[u8]) -> usize {
    let text = String::from_utf8_lossy(field);
    usize::from_str_radix(text.trim_matches(['\0', ' ']), 8).unwrap_or(0)
}

/// Runs `check` on the stream as it is and, where that differs, with its headers repaired.
pub fn both(data: &[u8], check: impl Fn(&[u8])) {
    check(data);
    let repaired = repair(data);
    if repaired != data {
        check(&repaired);
    }
}
