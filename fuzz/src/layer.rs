//! Layers, compressed or not: any bytes under any media type.

use std::io::{Read, Write};

use oci_image::{Compression, Digest, LayerReader, LayerWriter, media_type};

/// The bound on uncompressed bytes.
const LIMIT: u64 = 1 << 20;

/// Reading in small pieces and draining at once come to the same end, within the limit.
pub fn run(data: &[u8]) {
    for media_type in [media_type::OCI_LAYER, media_type::OCI_LAYER_GZIP, media_type::OCI_LAYER_ZSTD] {
        let drained = LayerReader::new(data, media_type, "layer").map(|reader| reader.with_limit(LIMIT).finish());
        let Ok(drained) = drained else { continue };
        let mut reader = LayerReader::new(data, media_type, "layer").expect("it was opened before").with_limit(LIMIT);
        let mut bytes = Vec::new();
        let mut piece = [0; 1000];
        let read = loop {
            match reader.read(&mut piece) {
                Ok(0) => break Ok(()),
                Ok(got) => bytes.extend_from_slice(&piece[..got]),
                Err(error) => break Err(error),
            }
        };
        assert!(bytes.len() as u64 <= LIMIT);
        assert_eq!(read.is_ok(), drained.is_ok(), "{read:?}");
        let Ok((content, _)) = drained else { continue };
        assert_eq!((content.uncompressed, content.diff_id), (bytes.len() as u64, Digest::sha256(&bytes)));
    }
}

/// A small tar in every form.
pub fn seeds() -> Vec<Vec<u8>> {
    let mut tar = vec![0; 3000];
    tar[257..262].copy_from_slice(b"ustar");
    tar[600..1600].copy_from_slice(&testkit::sample::noise(1, 1000));
    let mut seeds: Vec<Vec<u8>> =
        ["none", "gzip", "zstd"].into_iter().filter_map(|name| compressed(&tar, name)).collect();
    if let Some(zstd) = compressed(&tar, "zstd") {
        seeds.push([b"\x50\x2a\x4d\x18\x03\0\0\0abc".as_slice(), &zstd, b"\x5f\x2a\x4d\x18\x01\0\0\0a"].concat());
    }
    if let Some(gzip) = compressed(&tar, "gzip") {
        seeds.push([gzip.as_slice(), &gzip, &[0; 512]].concat());
    }
    seeds
}

fn compressed(tar: &[u8], compression: &str) -> Option<Vec<u8>> {
    let compression: Compression = compression.parse().ok()?;
    let mut writer = LayerWriter::new(Vec::new(), compression, 1).ok()?;
    writer.write_all(tar).ok()?;
    Some(writer.finish().ok()?.1)
}
