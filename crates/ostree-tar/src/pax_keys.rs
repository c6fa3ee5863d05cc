//! PAX records whose keys are not UTF-8, which the parser does not pass: the names of xattrs are any bytes.

use tar_core::PaxExtensions;

/// The length of a header and the unit that content is padded to, in bytes.
const BLOCK: usize = 512;

/// Where a header has the length of its content, in octal digits.
const SIZE: std::ops::Range<usize> = 124..136;
/// Where a header has its type.
const TYPE: usize = 156;

/// Puts question marks in the keys that are not UTF-8, of all PAX headers among the extension headers that `input` starts
/// with. Gives the records of the last such header as they were; `None` if there was nothing to do.
pub(crate) fn mask(input: &mut [u8]) -> Option<Vec<u8>> {
    let mut masked = None;
    let mut at = 0;
    while let Some(header) = input.get(at..at + BLOCK) {
        let kind = header.get(TYPE).copied().unwrap_or_default();
        if !matches!(kind, b'x' | b'L' | b'K') {
            break;
        }
        let start = at + BLOCK;
        let Some(end) = header.get(SIZE).and_then(size).and_then(|size| start.checked_add(size)) else { break };
        let Some(content) = input.get_mut(start..end) else { break };
        if kind == b'x' {
            let records = content.to_vec();
            if mask_records(&records, content) {
                masked = Some(records);
            }
        }
        at = end.next_multiple_of(BLOCK);
    }
    masked
}

fn size(field: &[u8]) -> Option<usize> {
    let text = std::str::from_utf8(field).ok()?;
    usize::from_str_radix(text.trim_matches([' ', '\0']), 8).ok()
}

/// Masks in `content` the keys of `records`, which are the same bytes; whether there were any to mask.
fn mask_records(records: &[u8], content: &mut [u8]) -> bool {
    let mut masked = false;
    let mut at = 0;
    for record in PaxExtensions::new(records).map_while(Result::ok) {
        let digits = records.iter().skip(at).take_while(|byte| **byte != b' ').count();
        let key = at + digits + 1;
        if std::str::from_utf8(record.key_bytes()).is_err() {
            let bytes = content.iter_mut().skip(key).take(record.key_bytes().len());
            bytes.filter(|byte| !byte.is_ascii()).for_each(|byte| *byte = b'?');
            masked = true;
        }
        // The equals sign and the newline.
        at = key + record.key_bytes().len() + 1 + record.value_bytes().len() + 1;
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_keys_that_are_not_utf8_are_masked() {
        let records = b"11 a=\xff\n\0\xfee\n10 \xfek\xff=\xfe\xff\n9 \xc3\xbc=\xfe\xff\n";
        let mut input = vec![0; BLOCK];
        input[TYPE] = b'x';
        input[SIZE][..2].copy_from_slice(format!("{:o}", records.len()).as_bytes());
        input.extend_from_slice(records);
        input.resize(3 * BLOCK, 0);
        let before = input.clone();
        assert_eq!(mask(&mut input).as_deref(), Some(&records[..]));
        let changed: Vec<usize> = (0..input.len()).filter(|at| before[*at] != input[*at]).collect();
        assert_eq!(changed, [BLOCK + 14, BLOCK + 16]);
        assert_eq!(mask(&mut input), None);
        let mut cut = before[..BLOCK + 20].to_vec();
        assert_eq!(mask(&mut cut), None);
    }
}
