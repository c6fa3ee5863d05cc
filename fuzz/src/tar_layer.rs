//! Ordinary layers of images: any bytes as a tar stream, under every option.

use ostree_core::tree::{MutableTree, Node};
use ostree_core::{FileId, ReadObject, mode};
use ostree_tar::{LayerContents, LayerOptions, VarPlace, read_layer};
use testkit::memory_store::MemoryStore;

use crate::tar_repair::both;

/// What is read is a whole tree, every file of which has the label of its path, and is the same however many threads wrote.
pub fn run(data: &[u8]) {
    both(data, |stream| {
        for (var, all) in [(VarPlace::Keep, false), (VarPlace::Factory, true)] {
            let options = LayerOptions { var, allow_nonusr: all, skip_special: all, label: Some(&label), writers: 0 };
            let alone = read(stream, &options);
            let threads = read(stream, &LayerOptions { writers: 2, ..options });
            assert_eq!(alone.is_some(), threads.is_some());
            if let (Some(alone), Some(threads)) = (alone, threads) {
                assert_eq!(alone, threads);
            }
        }
    });
}

/// Labels by the length of the path, so that links differ from what they lead to.
fn label(path: &str, mode: u32) -> Option<String> {
    (!path.len().is_multiple_of(3)).then(|| format!("{}:{mode:o}", path.len() % 3))
}

/// Everything about a layer that could differ; `None` if it was refused.
fn read(stream: &[u8], options: &LayerOptions<'_>) -> Option<String> {
    let store = MemoryStore::new();
    let contents = read_layer(stream, &store, options).ok()?;
    let root = contents.tree.write(&store).expect("every directory has metadata");
    let mut tree = contents.tree.clone();
    check(&mut tree, "", &store, &contents);
    for link in &contents.links {
        assert!(link.path.starts_with('/') && !link.path.contains("/../"));
    }
    let LayerContents { implicit, links, filtered, filtered_paths, skipped, .. } = contents;
    Some(format!("{root:?} {implicit:?} {links:?} {filtered:?} {filtered_paths:?} {skipped:?}"))
}

fn check(tree: &mut MutableTree, path: &str, store: &MemoryStore, contents: &LayerContents) {
    for (name, node) in std::mem::take(tree.entries_mut(store).expect("it was made in memory")) {
        let below = format!("{path}/{name}");
        assert!(!contents.links.iter().any(|link| link.path == below), "{below} is a link too");
        match node {
            Node::Dir(mut dir) => check(&mut dir, &below, store, contents),
            Node::File(id) if !name.as_str().starts_with(".wh.") => check_label(&id, &below, store),
            Node::File(id) => assert!(store.read_file(&id).expect("memory is readable").is_some()),
        }
    }
}

fn check_label(id: &FileId, path: &str, store: &MemoryStore) {
    let header = store.read_file(id).expect("memory is readable").expect("it was written").header;
    assert!(mode::is_regular(header.mode) || mode::is_symlink(header.mode));
    if let Some(label) = label(path, header.mode) {
        let value = [label.as_bytes(), b"\0"].concat();
        assert_eq!(header.xattrs.get(b"security.selinux"), Some(value.as_slice()), "{path}");
    }
}

/// Small layers with every kind of entry.
pub fn seeds() -> Vec<Vec<u8>> {
    let object = format!("sysroot/ostree/repo/objects/aa/{}.file", "b".repeat(62));
    let files: [(u8, &str, &str); 12] = [
        (b'5', "./", ""),
        (b'5', "etc/", ""),
        (b'0', "etc/a", ""),
        (b'1', "usr/b", "/etc/a"),
        (b'1', "usr/c", "usr/d"),
        (b'0', "usr/d", ""),
        (b'2', "usr/e", "d"),
        (b'0', "usr/.wh.f", ""),
        (b'0', "var/.wh..wh..opq", ""),
        (b'0', "opt/g", ""),
        (b'1', "usr/h", "opt/g"),
        (b'1', "usr/i", "usr/lower"),
    ];
    let objects: [(u8, &str, &str); 4] =
        [(b'0', &object, ""), (b'1', "usr/a", &object), (b'3', "dev/null", ""), (b'5', "usr/etc", "")];
    let mut seeds = vec![archive(&files), archive(&objects), vec![0; 1024]];
    let mut records = b"30 SCHILY.xattr.user.\xfea=value\n".to_vec();
    records.extend_from_slice(b"20 path=usr/pax/a\xc3\xbc\n");
    let mut pax = entry(b'x', "pax", "", &records);
    pax.extend(entry(b'0', "x", "", b"content"));
    seeds.push(pax);
    seeds
}

fn archive(entries: &[(u8, &str, &str)]) -> Vec<u8> {
    let mut stream: Vec<u8> = entries
        .iter()
        .flat_map(|(kind, name, link)| entry(*kind, name, link, if *kind == b'0' { name.as_bytes() } else { b"" }))
        .collect();
    stream.resize(stream.len() + 1024, 0);
    stream
}

fn entry(kind: u8, name: &str, link: &str, content: &[u8]) -> Vec<u8> {
    let mut header = vec![0; 512];
    let mut put = |at: usize, text: &[u8]| header[at..at + text.len()].copy_from_slice(text);
    put(0, name.as_bytes());
    put(100, b"0000644\0");
    put(108, b"0000000\0");
    put(116, b"0000000\0");
    put(124, format!("{:011o}\0", content.len()).as_bytes());
    put(136, b"00000000000\0");
    put(156, &[kind]);
    put(157, link.as_bytes());
    put(257, b"ustar\x0000");
    header.extend_from_slice(content);
    header.resize(header.len().next_multiple_of(512), 0);
    crate::tar_repair::repair(&header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_seeds_are_layers() {
        let options = LayerOptions { allow_nonusr: true, label: Some(&label), ..LayerOptions::default() };
        assert!(seeds().iter().all(|seed| read(seed, &options).is_some()));
    }
}
