//! Image configurations.

use oci_image::config::{ContainerConfig, History, ImageConfig, RootFs};
use oci_image::{Digest, Manifest, validate};

use crate::manifest::descriptor;

/// What is accepted has a canonical form that means the same; holding it against a manifest never panics.
pub fn run(data: &[u8]) {
    let Ok(config) = ImageConfig::parse(data) else { return };
    let _ = (config.platform(), config.label("ostree.commit"));
    let manifest = Manifest::new(descriptor(), vec![descriptor()]);
    let _ = (validate::layers(&manifest, &config), validate::history(&manifest, &config));
    let Ok((canonical, named)) = config.to_blob() else { return };
    assert_eq!((named.digest, named.size), (Digest::sha256(&canonical), canonical.len() as u64));
    let again = ImageConfig::parse(&canonical).expect("what was written is readable");
    assert_eq!(again, config);
    assert_eq!(again.to_blob().expect("it was written before").0, canonical);
}

/// Configurations with and without everything optional.
pub fn seeds() -> Vec<Vec<u8>> {
    let container = ContainerConfig {
        cmd: Some(vec!["sh".into(), "-c".into()]),
        entrypoint: Some(Vec::new()),
        env: Some(vec!["A=b".into()]),
        labels: [("ostree.commit".to_owned(), "0a".repeat(32))].into(),
        extra: [("User".to_owned(), "root".into())].into(),
    };
    let step = History { created_by: Some("x".into()), empty_layer: true, ..History::default() };
    let full = ImageConfig {
        created: Some("2023-11-14T22:13:20Z".into()),
        architecture: "arm".into(),
        os: "linux".into(),
        config: Some(container),
        rootfs: RootFs { diff_ids: vec![Digest::sha256(b"layer")], ..RootFs::default() },
        history: vec![step, History::default()],
        extra: [("variant".to_owned(), "v7".into())].into(),
    };
    let docker = br#"{"config":{"Labels":null,"Cmd":null},"rootfs":{"type":"layers","diff_ids":null},"history":null}"#;
    let mut seeds: Vec<Vec<u8>> =
        [ImageConfig::default(), full].iter().filter_map(|c| c.to_blob().ok()).map(|b| b.0).collect();
    seeds.push(docker.to_vec());
    seeds
}
