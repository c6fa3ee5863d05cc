//! Metadata dictionaries.

use ostree_core::{Metadata, RawVariant};

/// What is accepted is written again as the same bytes, and every value can be looked at as any type.
pub fn run(data: &[u8]) {
    let Ok(metadata) = Metadata::decode(data) else { return };
    assert_eq!(metadata.encode(), data);
    for (key, value) in metadata.iter() {
        assert!(!key.is_empty());
        let _ = (value.as_str(), value.as_bool(), value.as_u64());
        let _ = (value.as_strings(), value.as_byte_array(), value.as_byte_arrays());
    }
}

/// Dictionaries of every type that has a constructor.
pub fn seeds() -> Vec<Vec<u8>> {
    let number = RawVariant { type_string: "t".into(), bytes: 7u64.to_le_bytes().to_vec() };
    let full = Metadata::from_iter([
        ("version", RawVariant::string("1.0")),
        ("ostree.bootable", RawVariant::boolean(true)),
        ("ostree.ref-binding", RawVariant::strings(["a", "b/c"])),
        ("number", number),
        ("bytes", RawVariant::byte_array(b"\0\xff".to_vec())),
        ("ostree.gpgsigs", RawVariant::byte_arrays([&b"one"[..], b""])),
    ]);
    vec![Metadata::default().encode(), full.encode()]
}
