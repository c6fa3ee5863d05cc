//! An image of the storage as a source: its documents as they were pulled or built, its layers as uncompressed archives.

use std::collections::BTreeMap;
use std::io::{Cursor, Read};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use oci_image::limits::{MAX_CONFIG, MAX_LAYERS, MAX_MANIFEST};
use oci_image::{
    Descriptor, Digest, DigestHasher, ImageConfig, ImageError, ImageSource, Manifest, RawManifest, media_type,
};

use crate::assemble::LayerBytes;
use crate::environment::Environment;
use crate::error::StorageError;
use crate::find::{Found, find};
use crate::foreign::ForeignFiles;
use crate::layout::Layout;
use crate::limits::MAX_SIGNATURES;
use crate::lock::Guard;
use crate::place::StoragePlace;
use crate::records::LayerRecord;
use crate::reference;
use crate::signatures::Kept;
use crate::store::{LayerSplit, Store};

/// The key of an image's newest manifest.
const MANIFEST: &str = "manifest";

/// A layer, and the number of the storage that has it.
struct FoundLayer {
    store: usize,
    layer: LayerRecord,
}

/// A layer of a manifest, in the form in which it can be read.
#[derive(Clone)]
struct KeptLayer {
    /// Its media type as an uncompressed archive and its diff-id.
    media_type: &'static str,
    diff_id: Digest,
    /// The length of the archive, where it had to be counted.
    counted: Arc<OnceLock<u64>>,
    /// The positions of those that have this content among all layers, the image's own first.
    layers: Vec<usize>,
}

/// A layer that can be read.
struct OpenLayer<'a> {
    store: &'a Store,
    layer: &'a LayerRecord,
    split: LayerSplit,
    lock: Guard,
}

/// An image in a container storage.
pub struct StorageSource {
    name: String,
    place: StoragePlace,
    /// The storage itself first, then the ones that belong to it.
    stores: Vec<Store>,
    found: Found,
    images: Vec<Found>,
    layers: Vec<FoundLayer>,
    manifest: RawManifest,
    /// The images whose documents were read so far, for the blobs that are kept with them.
    read: Mutex<Vec<Found>>,
    /// The layers of all manifests that were read so far, by the digests in these.
    kept: Mutex<BTreeMap<Digest, KeptLayer>>,
    foreign: Arc<ForeignFiles>,
}

impl StorageSource {
    /// Opens the image that `reference` names: `[STORE]NAME`, without its transport. Where no storage is named, the settings
    /// say where it is (see [`Environment`]). Layers are not looked at yet.
    ///
    /// # Errors
    /// [`StorageError`] for a storage that is not there or cannot be read, and for a name that no image has.
    pub fn open(reference: &str, environment: &Environment) -> Result<Self, ImageError> {
        let (spec, name) = reference::split(reference)?;
        let layout = Layout::find(spec, environment)?;
        let stores = open_stores(&layout, environment.lock_wait())?;
        let mut images = Vec::new();
        for (store, opened) in stores.iter().enumerate() {
            let _lock = opened.lock_images()?;
            images.extend(opened.images()?.into_iter().map(|image| Found { store, image }));
        }
        let matched = find(name, &images, &roots(&stores))?;
        let found = matched.found.clone();
        let manifest = read_manifest(&stores, &found, matched.named.as_ref().and_then(|name| name.digest()))?;
        // A storage of which only further ones are there has a name all the same.
        let driver = stores.first().map_or("", Store::driver);
        let full_name = matched.named.map(|name| name.to_string());
        let place = StoragePlace::new(driver, &layout.root, full_name, found.image.id.as_str())?;
        let mut layers = Vec::new();
        for (store, opened) in stores.iter().enumerate() {
            let _lock = opened.lock_layers()?;
            layers.extend(opened.layers()?.into_iter().map(|layer| FoundLayer { store, layer }));
        }
        let name = format!("containers-storage:{reference}");
        let (read, kept) = (Mutex::default(), Mutex::default());
        let foreign = Arc::new(ForeignFiles::new(environment));
        let source = Self { name, place, stores, found, images, layers, manifest, read, kept, foreign };
        source.learn(&source.found, &source.manifest)?;
        Ok(source)
    }

    /// Where the image is, and what it is called there.
    #[must_use]
    pub fn place(&self) -> &StoragePlace {
        &self.place
    }

    /// The signatures that are kept with the image for the manifest, nothing of which is checked.
    ///
    /// # Errors
    /// [`StorageError`] for what is kept in another form, or cannot be read.
    pub fn signatures(&self, manifest: &Digest) -> Result<Vec<Vec<u8>>, ImageError> {
        let Found { store, image } = &self.found;
        let Some(store) = self.stores.get(*store) else { return Ok(Vec::new()) };
        let wrong = |what: String| StorageError::Image {
            image: image.id.as_str().to_owned(),
            store: store.root().to_owned(),
            reason: what,
        };
        let kept = Kept::find(image.metadata(), manifest).map_err(|error| wrong(format!("its metadata: {error}")))?;
        if kept.total() == 0 {
            return Ok(Vec::new());
        }
        let _lock = store.lock_images()?;
        let bytes = store.big_data(&image.id, &kept.key, MAX_SIGNATURES)?;
        let bytes = bytes.ok_or_else(|| wrong(format!("{} are missing", kept.key)))?;
        Ok(kept.cut(&bytes).map_err(wrong)?)
    }

    /// Notes which layers of the storage the layers of a manifest are.
    fn learn(&self, found: &Found, raw: &RawManifest) -> Result<(), ImageError> {
        lock(&self.read).push(found.clone());
        // An index has no layers, and what is no manifest is refused by whoever asks for it.
        let Ok(manifest) = Manifest::parse(&raw.bytes) else { return Ok(()) };
        let Some(config) = self.kept_with(found, &manifest.config.digest)? else { return Ok(()) };
        // The digests of layers are believed only as far as the manifest vouches for them.
        let mut hasher = DigestHasher::new(manifest.config.digest.algorithm());
        hasher.update(&config);
        if hasher.finish() != manifest.config.digest {
            return Ok(());
        }
        let Ok(config) = ImageConfig::parse(&config) else { return Ok(()) };
        let media_type = match raw.media_type.as_str() {
            media_type::DOCKER_MANIFEST => media_type::DOCKER_LAYER,
            _ => media_type::OCI_LAYER,
        };
        let chain = self.chain(found);
        let mut kept = lock(&self.kept);
        for (layer, diff_id) in manifest.layers.iter().zip(config.rootfs.diff_ids) {
            let layers = self.with_content(&diff_id, &chain);
            kept.insert(layer.digest.clone(), KeptLayer { media_type, diff_id, counted: Arc::default(), layers });
        }
        Ok(())
    }

    /// The positions of an image's own layers.
    fn chain(&self, found: &Found) -> Vec<usize> {
        let mut chain = Vec::new();
        let mut next = found.image.top_layer();
        while let Some(id) = next
            && let Some(position) = self.layers.iter().position(|found| found.layer.id.as_str() == id)
            && chain.len() < MAX_LAYERS
        {
            chain.push(position);
            next = self.layers.get(position).and_then(|found| found.layer.parent());
        }
        chain
    }

    /// The positions of all layers with this content, those in `chain` first.
    fn with_content(&self, diff_id: &Digest, chain: &[usize]) -> Vec<usize> {
        let diff_id = diff_id.to_string();
        let same = |found: &FoundLayer| found.layer.diff_digest() == Some(diff_id.as_str());
        let all = self.layers.iter().enumerate().filter(|(_, found)| same(found));
        let (mut own, others): (Vec<usize>, Vec<usize>) =
            all.map(|(position, _)| position).partition(|position| chain.contains(position));
        own.extend(others);
        own
    }

    /// A document that is kept with an image by its digest.
    fn kept_with(&self, found: &Found, digest: &Digest) -> Result<Option<Vec<u8>>, ImageError> {
        let Some(store) = self.stores.get(found.store) else { return Ok(None) };
        let _lock = store.lock_images()?;
        Ok(store.big_data(&found.image.id, &digest.to_string(), MAX_CONFIG)?)
    }

    /// The first of some layers that can be put together again. Writers are kept away from its storage.
    fn open_split(&self, kept: &KeptLayer) -> Result<OpenLayer<'_>, ImageError> {
        let mut first = None;
        for found in kept.layers.iter().filter_map(|position| self.layers.get(*position)) {
            let Some(store) = self.stores.get(found.store) else { continue };
            let lock = store.lock_layers()?;
            if let Some(split) = store.tar_split(&found.layer.id)? {
                return Ok(OpenLayer { store, layer: &found.layer, split, lock });
            }
            first.get_or_insert((store, &found.layer));
        }
        Err(match first {
            Some((store, layer)) => StorageError::Layer {
                layer: layer.id.as_str().to_owned(),
                store: store.root().to_owned(),
                reason: "it was stored without tar-split data, so that its archive cannot be given back byte by byte"
                    .to_owned(),
            }
            .into(),
            None => ImageError::NotFound { what: format!("layer {}", kept.diff_id), place: roots(&self.stores) },
        })
    }

    fn open_layer(&self, kept: &KeptLayer) -> Result<LayerBytes, ImageError> {
        let OpenLayer { store, layer, split, lock } = self.open_split(kept)?;
        let dir = store.diff_dir(&layer.id, Arc::clone(&self.foreign))?;
        Ok(LayerBytes::new(layer.id.as_str().to_owned(), split, dir, lock))
    }

    /// The length of a layer's archive, by the storage's list, else by what it is made of.
    fn size_of(&self, kept: &KeptLayer) -> Result<u64, ImageError> {
        let listed = kept.layers.iter().filter_map(|position| self.layers.get(*position)?.layer.diff_size());
        if let Some(size) = listed.max().or_else(|| kept.counted.get().copied()) {
            return Ok(size);
        }
        let OpenLayer { layer, split, lock: _lock, .. } = self.open_split(kept)?;
        let what = format!("tar-split data of layer {}", layer.id.as_str());
        let total = split.total().map_err(|source| ImageError::Stream { action: "reading", what, source })?;
        Ok(*kept.counted.get_or_init(|| total))
    }
}

/// Where storages are, for messages.
fn roots(stores: &[Store]) -> String {
    stores.iter().map(|store| store.root().display().to_string()).collect::<Vec<_>>().join(", ")
}

/// The storage of `layout` and the ones that belong to it, which need not be there.
fn open_stores(layout: &Layout, lock_wait: Duration) -> Result<Vec<Store>, ImageError> {
    let main = Store::open(&layout.root, layout.driver.as_deref(), lock_wait);
    let driver = main.as_ref().map_or(layout.driver.as_deref(), |main| Some(main.driver())).map(str::to_owned);
    let further: Vec<Store> = layout
        .image_stores
        .iter()
        .filter_map(|root: &PathBuf| match Store::open(Path::new(root), driver.as_deref(), lock_wait) {
            Err(StorageError::NoStore { .. }) => None,
            other => Some(other),
        })
        .collect::<Result<_, _>>()?;
    match main {
        // A host may have nothing but images that it was given.
        Err(StorageError::NoStore { .. }) if !further.is_empty() => Ok(further),
        main => Ok(std::iter::once(main?).chain(further).collect()),
    }
}

/// The manifest of an image: the one with the digest, else the newest.
fn read_manifest(stores: &[Store], found: &Found, digest: Option<&Digest>) -> Result<RawManifest, ImageError> {
    let place = || stores.get(found.store).map(|store| store.root().display().to_string()).unwrap_or_default();
    let store = stores.get(found.store);
    let absent = |key: &str| {
        let what = format!("{key} of image {}", found.image.id.as_str());
        ImageError::NotFound { what, place: place() }
    };
    let store = store.ok_or_else(|| absent(MANIFEST))?;
    let _lock = store.lock_images()?;
    let read = |key: &str| store.big_data(&found.image.id, key, MAX_MANIFEST);
    let bytes = match digest {
        Some(digest) => read(&format!("{MANIFEST}-{digest}"))?,
        None => None,
    };
    let bytes = match bytes {
        Some(bytes) => bytes,
        None => read(MANIFEST)?.ok_or_else(|| absent(MANIFEST))?,
    };
    let raw = RawManifest::from_bytes(bytes, None)?;
    match digest {
        Some(expected) if raw.digest != *expected => Err(ImageError::DigestMismatch {
            what: format!("{MANIFEST} of image {}", found.image.id.as_str()),
            expected: expected.clone(),
            actual: raw.digest,
        }),
        _ => Ok(raw),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl ImageSource for StorageSource {
    fn name(&self) -> String {
        self.name.clone()
    }

    fn manifest(&self) -> Result<RawManifest, ImageError> {
        Ok(self.manifest.clone())
    }

    fn manifest_at(&self, descriptor: &Descriptor) -> Result<RawManifest, ImageError> {
        let digest = descriptor.digest.to_string();
        let read = lock(&self.read).clone();
        let with = read.iter().chain(&self.images).find(|found| found.image.has_manifest(&digest));
        let Some(found) = with else {
            return Err(ImageError::NotFound { what: format!("manifest {digest}"), place: roots(&self.stores) });
        };
        let raw = read_manifest(&self.stores, found, Some(&descriptor.digest))?;
        let raw = RawManifest::verified(raw.bytes, descriptor)?;
        self.learn(found, &raw)?;
        Ok(raw)
    }

    fn blob(&self, descriptor: &Descriptor) -> Result<Box<dyn Read + Send>, ImageError> {
        let kept = lock(&self.kept).get(&descriptor.digest).cloned();
        if let Some(kept) = kept {
            return Ok(Box::new(self.open_layer(&kept)?));
        }
        let read = lock(&self.read).clone();
        for found in &read {
            if let Some(bytes) = self.kept_with(found, &descriptor.digest)? {
                return Ok(Box::new(Cursor::new(bytes)));
            }
        }
        Err(ImageError::NotFound { what: format!("blob {}", descriptor.digest), place: roots(&self.stores) })
    }

    fn stored_as(&self, descriptor: &Descriptor) -> Result<Descriptor, ImageError> {
        let kept = lock(&self.kept).get(&descriptor.digest).cloned();
        match kept {
            Some(kept) if kept.diff_id != descriptor.digest => {
                let size = self.size_of(&kept)?;
                Ok(Descriptor::new(kept.media_type, kept.diff_id, size))
            }
            _ => Ok(descriptor.clone()),
        }
    }
}
