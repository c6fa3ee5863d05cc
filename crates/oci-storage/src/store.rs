//! One graph root on disk: its lists, what it keeps with images, and what its layers are made of.

use std::fs::File;
use std::io::{BufReader, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use flate2::bufread::MultiGzDecoder;

use crate::big_data;
use crate::diff_dir::DiffDir;
use crate::error::StorageError;
use crate::foreign::ForeignFiles;
use crate::limits::MAX_RECORDS;
use crate::lock::{self, Guard};
use crate::open;
use crate::records::{ImageRecord, LayerRecord, RecordId, parse_images, parse_layers};
use crate::tar_split::TarSplit;

/// How layers are laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Driver {
    /// Each layer's own files, in `overlay/ID/diff`.
    Overlay,
    /// Each layer's files with those of the layers below, in `vfs/dir/ID`.
    Vfs,
}

impl Driver {
    const ALL: [Self; 2] = [Self::Overlay, Self::Vfs];

    fn named(name: &str) -> Option<Self> {
        match name {
            "overlay" | "overlay2" => Some(Self::Overlay),
            "vfs" => Some(Self::Vfs),
            _ => None,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Overlay => "overlay",
            Self::Vfs => "vfs",
        }
    }
}

/// The tar-split data of a layer.
pub(crate) type LayerSplit = TarSplit<BufReader<MultiGzDecoder<BufReader<File>>>>;

/// A storage, to be read.
#[derive(Debug, Clone)]
pub(crate) struct Store {
    root: PathBuf,
    driver: Driver,
    lock_wait: Duration,
}

impl Store {
    /// Opens the storage below `root`, by the driver named, else by the one whose lists are there. Whoever keeps it locked is
    /// waited for as long as `lock_wait` says.
    pub(crate) fn open(root: &Path, driver: Option<&str>, lock_wait: Duration) -> Result<Self, StorageError> {
        let no_store = |reason: String| StorageError::NoStore { path: root.to_owned(), reason };
        let known = match driver {
            Some(name) => vec![
                Driver::named(name).ok_or_else(|| no_store(format!("the driver {name:?} is none of overlay, vfs")))?,
            ],
            None => Driver::ALL.to_vec(),
        };
        for driver in known {
            let store = Self { root: root.to_owned(), driver, lock_wait };
            match std::fs::metadata(store.dir("images")) {
                Ok(_) => return Ok(store),
                Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {}
                Err(source) => return Err(StorageError::Io { action: "opening", path: store.dir("images"), source }),
            }
        }
        Err(no_store(match driver {
            Some(name) => format!("no directory {name}-images"),
            None => "neither overlay-images nor vfs-images".to_owned(),
        }))
    }

    /// The graph root.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// The driver's name.
    pub(crate) fn driver(&self) -> &'static str {
        self.driver.name()
    }

    fn dir(&self, what: &str) -> PathBuf {
        self.root.join(format!("{}-{what}", self.driver.name()))
    }

    /// Keeps writers of images away.
    pub(crate) fn lock_images(&self) -> Result<Guard, StorageError> {
        lock::shared(&self.dir("images").join("images.lock"), self.lock_wait)
    }

    /// Keeps writers of layers away.
    pub(crate) fn lock_layers(&self) -> Result<Guard, StorageError> {
        lock::shared(&self.dir("layers").join("layers.lock"), self.lock_wait)
    }

    /// All images. The lock should be held.
    pub(crate) fn images(&self) -> Result<Vec<ImageRecord>, StorageError> {
        list(&self.dir("images").join("images.json"), parse_images)
    }

    /// All layers that are whole, those that do not outlive a reboot last. The lock should be held.
    pub(crate) fn layers(&self) -> Result<Vec<LayerRecord>, StorageError> {
        let dir = self.dir("layers");
        let mut layers = list(&dir.join("layers.json"), parse_layers)?;
        layers.extend(list(&dir.join("volatile-layers.json"), parse_layers)?);
        layers.retain(|layer| !layer.is_incomplete());
        Ok(layers)
    }

    /// What is kept with an image under `key`, if it is there and at most `limit` bytes long.
    pub(crate) fn big_data(&self, image: &RecordId, key: &str, limit: u64) -> Result<Option<Vec<u8>>, StorageError> {
        let Some(name) = big_data::file_name(key) else { return Ok(None) };
        read_small(&self.dir("images").join(image.as_str()).join(name), limit)
    }

    /// The tar-split data of a layer, if it has any.
    pub(crate) fn tar_split(&self, layer: &RecordId) -> Result<Option<LayerSplit>, StorageError> {
        let path = self.dir("layers").join(format!("{}.tar-split.gz", layer.as_str()));
        let file = open::regular(&path)?;
        Ok(file.map(|file| TarSplit::new(BufReader::new(MultiGzDecoder::new(BufReader::new(file))))))
    }

    /// The directory with a layer's files. Those that this user may not open are left to `foreign`.
    pub(crate) fn diff_dir(&self, layer: &RecordId, foreign: Arc<ForeignFiles>) -> Result<DiffDir, StorageError> {
        let own = Path::new(self.driver.name());
        let inside = match self.driver {
            Driver::Overlay => own.join(layer.as_str()).join("diff"),
            Driver::Vfs => own.join("dir").join(layer.as_str()),
        };
        DiffDir::open(&self.root, &inside, foreign)
    }
}

/// Reads one of the lists; one that is not there is empty.
fn list<T>(
    path: &Path,
    parse: impl FnOnce(&[u8]) -> Result<Vec<T>, serde_json::Error>,
) -> Result<Vec<T>, StorageError> {
    let Some(bytes) = read_small(path, MAX_RECORDS)? else { return Ok(Vec::new()) };
    parse(&bytes).map_err(|error| StorageError::File { path: path.to_owned(), reason: error.to_string() })
}

fn read_small(path: &Path, limit: u64) -> Result<Option<Vec<u8>>, StorageError> {
    let Some(file) = open::regular(path)? else { return Ok(None) };
    let mut bytes = Vec::new();
    let read = file.take(limit + 1).read_to_end(&mut bytes);
    read.map_err(|source| StorageError::Io { action: "reading", path: path.to_owned(), source })?;
    if bytes.len() as u64 > limit {
        return Err(StorageError::File { path: path.to_owned(), reason: format!("more than {limit} bytes") });
    }
    Ok(Some(bytes))
}
