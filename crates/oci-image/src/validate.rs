//! Whether the parts of an image agree with each other.

use std::io::Read;

use crate::blob::read_small;
use crate::config::ImageConfig;
use crate::error::ImageError;
use crate::limits::MAX_CONFIG;
use crate::manifest::Manifest;
use crate::media_type::{self, LayerCompression};
use crate::source::ImageSource;

/// Checks that every layer of `manifest` has its uncompressed digest in `config`, and that the media types are those of
/// an image.
///
/// # Errors
/// [`ImageError::Invalid`] with both counts, [`ImageError::Unsupported`] for an artifact that is no image.
pub fn layers(manifest: &Manifest, config: &ImageConfig) -> Result<(), ImageError> {
    for (position, layer) in manifest.layers.iter().enumerate() {
        if LayerCompression::from_media_type(&layer.media_type).is_none() {
            let what = format!("layer {position} ({})", layer.digest);
            return Err(ImageError::Unsupported { what, feature: format!("layer media type {:?}", layer.media_type) });
        }
    }
    let (layers, diff_ids) = (manifest.layers.len(), config.rootfs.diff_ids.len());
    if layers != diff_ids {
        let reason = format!("{diff_ids} uncompressed digests for {layers} layers");
        return Err(ImageError::Invalid { what: "image configuration".to_owned(), reason });
    }
    Ok(())
}

/// Checks that the history, where there is one, has one entry for each layer, empty ones left out. Real images break
/// this at times, and nothing is lost then but the pairing of texts with layers.
///
/// # Errors
/// [`ImageError::Invalid`] with both counts.
pub fn history(manifest: &Manifest, config: &ImageConfig) -> Result<(), ImageError> {
    let steps = config.history.iter().filter(|step| !step.empty_layer).count();
    let layers = manifest.layers.len();
    if !config.history.is_empty() && steps != layers {
        let reason = format!("{steps} history entries with content for {layers} layers");
        return Err(ImageError::Invalid { what: "image configuration".to_owned(), reason });
    }
    Ok(())
}

/// Reads and verifies the configuration of `manifest` from `source`.
///
/// # Errors
/// [`ImageError::Unsupported`] when it is none (an artifact's), those of the source, of verification and of the parser.
pub fn read_config(source: &dyn ImageSource, manifest: &Manifest) -> Result<(Vec<u8>, ImageConfig), ImageError> {
    let descriptor = &manifest.config;
    let what = format!("image configuration {}", descriptor.digest);
    if !media_type::is_config(&descriptor.media_type) {
        let feature = format!("configuration media type {:?}", descriptor.media_type);
        return Err(ImageError::Unsupported { what, feature });
    }
    let blob: Box<dyn Read + Send> = source.blob(descriptor)?;
    let bytes = read_small(blob, descriptor, &what, MAX_CONFIG)?;
    let config = ImageConfig::parse(&bytes)?;
    Ok((bytes, config))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::History;
    use crate::descriptor::Descriptor;
    use crate::digest::Digest;

    #[test]
    fn counts_must_agree() {
        let layer = Descriptor::new(media_type::OCI_LAYER, Digest::sha256(b"l"), 1);
        let config = Descriptor::new(media_type::OCI_CONFIG, Digest::sha256(b"c"), 1);
        let mut manifest = Manifest::new(config, vec![layer]);
        let mut config = ImageConfig::default();
        assert!(layers(&manifest, &config).is_err());
        config.rootfs.diff_ids.push(Digest::sha256(b"l"));
        layers(&manifest, &config).unwrap();
        history(&manifest, &config).unwrap();
        config.history = vec![History { empty_layer: true, ..History::default() }];
        assert!(history(&manifest, &config).is_err());
        config.history.push(History::default());
        history(&manifest, &config).unwrap();
        manifest.layers[0].media_type = "application/x".into();
        assert!(matches!(layers(&manifest, &config), Err(ImageError::Unsupported { .. })));
    }
}
