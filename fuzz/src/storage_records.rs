//! The lists of a container storage, and references into it.

use oci_storage::records::{parse_images, parse_layers};
use oci_storage::reference;

/// What is accepted can be asked everything; identifiers are safe as names of files.
pub fn run(data: &[u8]) {
    for image in parse_images(data).into_iter().flatten() {
        assert!(!image.id.as_str().contains('/') && !image.id.as_str().starts_with('.'));
        let _ = (image.names(), image.top_layer(), image.has_manifest("sha256:00"));
    }
    for layer in parse_layers(data).into_iter().flatten() {
        assert!(!layer.id.as_str().contains('/') && !layer.id.as_str().starts_with('.'));
        let _ = (layer.parent(), layer.diff_digest(), layer.diff_size(), layer.is_incomplete());
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok((spec, name)) = reference::split(text) {
        assert!(text.ends_with(name) && !name.is_empty());
        assert!(spec.is_none_or(|spec| spec.root.is_absolute()));
    }
}

/// Both lists, and references of every form.
pub fn seeds() -> Vec<Vec<u8>> {
    let images = r#"[{"id":"ab","digest":"sha256:1","names":["localhost/x:1"],"layer":"l","metadata":"{}",
        "big-data-names":["manifest"],"big-data-digests":{"manifest":"sha256:2"}},{"id":"cd","names":null}]"#;
    let layers = r#"[{"id":"l","parent":"k","diff-digest":"sha256:1","diff-size":7,"uidset":[0]},
        {"id":"m","diff-size":-1,"flags":{"incomplete":true}}]"#;
    let digest = "0".repeat(64);
    let names = [
        "[overlay@/g+/r:overlay.imagestore=/i,x=y]localhost/x:1".to_owned(),
        format!("quay.example:5000/a/b:t@sha256:{digest}"),
        "x@abcdef".to_owned(),
        "@abc".to_owned(),
    ];
    [images, layers].into_iter().map(str::to_owned).chain(names).map(String::into_bytes).collect()
}
