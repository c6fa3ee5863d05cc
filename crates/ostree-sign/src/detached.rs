//! Signatures in detached metadata, and in `summary.sig`, which has the same form.

use ostree_core::{Metadata, RawVariant};

/// The signatures of a kind (see [`crate::keys`]); none where the value is not an `aay`.
pub fn signatures(metadata: &Metadata, key: &str) -> Vec<Vec<u8>> {
    metadata.get(key).and_then(RawVariant::as_byte_arrays).unwrap_or_default()
}

/// Adds a signature after those that are there.
pub fn append(metadata: &mut Metadata, key: &str, signature: &[u8]) {
    let mut all = signatures(metadata, key);
    all.push(signature.to_vec());
    set(metadata, key, &all);
}

/// Keeps the signatures for which `keep` holds, in their order; the key goes with the last of them. Gives how many went.
pub fn retain(metadata: &mut Metadata, key: &str, mut keep: impl FnMut(&[u8]) -> bool) -> usize {
    let all = signatures(metadata, key);
    let kept: Vec<Vec<u8>> = all.iter().filter(|signature| keep(signature)).cloned().collect();
    let gone = all.len() - kept.len();
    if gone > 0 {
        set(metadata, key, &kept);
    }
    gone
}

fn set(metadata: &mut Metadata, key: &str, signatures: &[Vec<u8>]) {
    match signatures.is_empty() {
        true => {
            metadata.remove(key);
        }
        false => metadata.set(key, RawVariant::byte_arrays(signatures.iter().map(Vec::as_slice))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signatures_come_and_go() {
        let mut metadata = Metadata::from_iter([("k", RawVariant::string("v"))]);
        append(&mut metadata, "s", b"one");
        append(&mut metadata, "s", b"two");
        assert_eq!(signatures(&metadata, "s"), [b"one", b"two"]);
        assert_eq!(retain(&mut metadata, "s", |signature| signature != b"none"), 0);
        assert_eq!(retain(&mut metadata, "s", |signature| signature != b"one"), 1);
        assert_eq!(signatures(&metadata, "s"), [b"two"]);
        assert_eq!(retain(&mut metadata, "s", |_| false), 1);
        assert_eq!(metadata, Metadata::from_iter([("k", RawVariant::string("v"))]));
        assert!(signatures(&metadata, "k").is_empty());
    }
}
