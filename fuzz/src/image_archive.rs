//! Image archives on disk: `oci-archive:` and `docker-archive:`.

use std::cell::RefCell;
use std::fs;
use std::io::{Read, Write};
use std::path::Path;

use oci_image::config::{ImageConfig, RootFs};
use oci_image::{
    Compression, Document, ImageReference, ImageSource, LayerWriter, Manifest, VerifyReader, disk, validate,
};
use tempfile::TempDir;

use crate::tar_repair::both;

/// The transports that are files.
const TRANSPORTS: [&str; 2] = ["oci-archive", "docker-archive"];

thread_local! {
    /// Where the input is put for the readers, which want a file; one for each thread, because many inputs come.
    static DIR: RefCell<Option<TempDir>> = const { RefCell::new(None) };
}

/// Whatever the archive, its documents can be asked for; a blob that passes for verified has the digest's size.
pub fn run(data: &[u8]) {
    DIR.with_borrow_mut(|dir| {
        let dir = dir.get_or_insert_with(|| tempfile::tempdir().expect("a temporary directory"));
        both(data, |archive| {
            fs::write(dir.path().join("archive"), archive).expect("a writable file");
            for transport in TRANSPORTS {
                if let Ok(source) = disk::open_source(&reference(transport, dir.path())) {
                    read(&*source);
                }
            }
        });
    });
}

fn reference(transport: &str, dir: &Path) -> ImageReference {
    format!("{transport}:{}/archive", dir.display()).parse().expect("a reference")
}

fn read(source: &dyn ImageSource) {
    let Ok(raw) = source.manifest() else { return };
    let Ok(Document::Manifest(manifest)) = Document::parse(&raw) else { return };
    let _ = validate::read_config(source, &manifest);
    for layer in &manifest.layers {
        let Ok(blob) = source.blob(layer) else { continue };
        // As many bytes as the input could hold many times over; a blob that goes on is not to be followed.
        let mut bytes = Vec::new();
        let mut blob = VerifyReader::new(blob, layer, "layer");
        if (&mut blob).take(1 << 22).read_to_end(&mut bytes).is_ok() && blob.finish().is_ok() {
            assert_eq!(bytes.len() as u64, layer.size);
        }
    }
}

/// A small image in both forms.
pub fn seeds() -> Vec<Vec<u8>> {
    TRANSPORTS.iter().map(|transport| archive(transport).expect("a small image can be written")).collect()
}

fn archive(transport: &str) -> Result<Vec<u8>, Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let sink = disk::create_sink(&reference(transport, dir.path()))?;
    let mut layers = Vec::new();
    let mut diff_ids = Vec::new();
    for fill in [1, 2] {
        let mut writer = LayerWriter::new(sink.start_blob(None)?, Compression::Gzip(6), 1)?;
        writer.write_all(&[fill; 700])?;
        let (written, blob) = writer.finish()?;
        blob.commit(&written.descriptor())?;
        layers.push(written.descriptor());
        diff_ids.push(written.diff_id);
    }
    let config = ImageConfig { rootfs: RootFs { diff_ids, ..RootFs::default() }, ..ImageConfig::default() };
    let (bytes, descriptor) = config.to_blob()?;
    let mut blob = sink.start_blob(Some(&descriptor))?;
    blob.write_all(&bytes)?;
    blob.commit(&descriptor)?;
    sink.finish(&Manifest::new(descriptor, layers).to_raw()?)?;
    Ok(fs::read(dir.path().join("archive"))?)
}
