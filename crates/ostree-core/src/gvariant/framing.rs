//! Where the parts of a GVariant container stand in bytes that are known to be in normal form.

use crate::gvariant::types::Type;

/// The width in bytes of each framing offset in a container of `total` bytes.
pub(super) fn offset_width(total: usize) -> usize {
    match total {
        0 => 0,
        1..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xffff_ffff => 4,
        _ => 8,
    }
}

/// The size a container of `body` bytes and `offsets` framing offsets must have: the smallest width that can address it.
pub(super) fn container_size(body: usize, offsets: usize) -> Option<usize> {
    [(1usize, 0xffusize), (2, 0xffff), (4, 0xffff_ffff)]
        .into_iter()
        .map(|(width, limit)| (offsets.checked_mul(width).and_then(|table| table.checked_add(body)), limit))
        .find_map(|(size, limit)| size.filter(|&size| size <= limit))
        .or_else(|| offsets.checked_mul(8).and_then(|table| table.checked_add(body)))
}

/// The type and the bytes of the value in a variant.
pub(super) fn split_variant(bytes: &[u8]) -> Option<(Type, &[u8])> {
    let nul = bytes.iter().rposition(|&byte| byte == 0)?;
    let inner = std::str::from_utf8(bytes.get(nul + 1..)?).ok()?;
    Some((Type::parse(inner)?, bytes.get(..nul)?))
}

/// The bytes of each element of an array.
pub(super) fn elements<'a>(element: &Type, bytes: &'a [u8]) -> Option<Vec<&'a [u8]>> {
    if let Some(size) = element.fixed_size() {
        return Some(bytes.chunks_exact(size).collect());
    }
    if bytes.is_empty() {
        return Some(Vec::new());
    }
    let width = offset_width(bytes.len());
    let table_start = offset(bytes, bytes.len().checked_sub(width)?, width)?;
    let mut at = 0usize;
    let mut parts = Vec::new();
    for position in (table_start..bytes.len()).step_by(width) {
        let start = at.next_multiple_of(element.alignment());
        at = offset(bytes, position, width)?;
        parts.push(bytes.get(start..at)?);
    }
    Some(parts)
}

/// The bytes of each member of a tuple or dictionary entry.
pub(super) fn members<'a>(members: &[&Type], bytes: &'a [u8]) -> Option<Vec<&'a [u8]>> {
    let width = offset_width(bytes.len());
    let offsets = members.iter().rev().skip(1).filter(|member| member.fixed_size().is_none()).count();
    let values_end = bytes.len().checked_sub(offsets * width)?;
    let mut next_offset = bytes.len();
    let mut at = 0usize;
    let mut parts = Vec::with_capacity(members.len());
    for (index, member) in members.iter().enumerate() {
        let start = at.next_multiple_of(member.alignment());
        at = match member.fixed_size() {
            Some(size) => start.checked_add(size)?,
            None if index + 1 == members.len() => values_end,
            None => {
                next_offset = next_offset.checked_sub(width)?;
                offset(bytes, next_offset, width)?
            }
        };
        parts.push(bytes.get(start..at)?);
    }
    Some(parts)
}

/// The little-endian framing offset of `width` bytes at `at`.
pub(super) fn offset(bytes: &[u8], at: usize, width: usize) -> Option<usize> {
    let raw = bytes.get(at..at.checked_add(width)?)?;
    let mut wide = [0; 8];
    wide.iter_mut().zip(raw).for_each(|(to, from)| *to = *from);
    usize::try_from(u64::from_le_bytes(wide)).ok()
}
