//! The options of a storage's driver, `KEY=VALUE[,KEY=VALUE...]`, of which those matter here that name further storages.

use std::path::PathBuf;

/// The further graph roots that options name: `imagestore` and `additionalimagestore`, with or without a driver and a dot
/// in front. Every other option is about writing and mounting.
pub(crate) fn image_stores(options: &str) -> Vec<PathBuf> {
    let image_store = |option: &str| {
        let (key, path) = option.split_once('=')?;
        let key = key.trim().to_ascii_lowercase();
        let key = key.rsplit_once('.').map_or(key.as_str(), |(_, key)| key);
        let path = path.trim();
        (matches!(key, "imagestore" | "additionalimagestore") && path.starts_with('/')).then(|| PathBuf::from(path))
    };
    options.split(',').filter_map(image_store).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn further_storages_count_and_nothing_else() {
        let options = "overlay.imagestore=/a,.imagestore=/b, VFS.ImageStore = /c,imagestore=/d,overlay.additionalimagestore=/e,\
            overlay.mountopt=nodev,imagestore,x.imagestore=relative,overlay.size=/f,";
        assert_eq!(image_stores(options), ["/a", "/b", "/c", "/d", "/e"].map(PathBuf::from));
        assert!(image_stores("").is_empty());
    }
}
