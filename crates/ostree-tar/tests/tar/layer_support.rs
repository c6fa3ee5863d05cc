//! Layers read, and their trees as lists that tests compare.

use std::collections::BTreeMap;
use std::io::Read as _;

use ostree_core::tree::{MutableTree, Node};
use ostree_core::{DirMeta, FileId, ObjectKind, ObjectName, ReadObject, Xattrs};
use ostree_tar::{LayerContents, LayerOptions, TarError, read_layer};
use testkit::memory_store::MemoryStore;

use crate::support::{Archive, chain};

/// A layer and the store it was read into.
pub struct ReadLayer {
    pub contents: LayerContents,
    pub store: MemoryStore,
    /// Every path with what is there: mode, owner, content or target, xattrs; directories end in a slash.
    pub paths: BTreeMap<String, String>,
    /// The object of every file.
    pub files: BTreeMap<String, FileId>,
}

impl ReadLayer {
    /// What is at a path.
    pub fn at(&self, path: &str) -> &str {
        self.paths.get(path).map_or("absent", String::as_str)
    }

    /// The paths without the directories that the layer does not describe.
    pub fn listed(&self) -> Vec<&str> {
        let implicit = |path: &str| {
            let path = path.strip_suffix('/').unwrap_or("-");
            self.contents.implicit.contains(if path.is_empty() { "/" } else { path })
        };
        self.paths.keys().map(String::as_str).filter(|path| !implicit(path)).collect()
    }

    /// The links to lower layers.
    pub fn links(&self) -> Vec<(String, String)> {
        let links = self.contents.links.iter();
        links.map(|link| (link.path.clone(), format!("{:?}", link.target))).collect()
    }

    /// What was left out, as `NAME=COUNT`.
    pub fn filtered(&self) -> String {
        let counts: Vec<String> =
            self.contents.filtered.iter().map(|(name, count)| format!("{name}={count}")).collect();
        counts.join(" ")
    }

    fn walk(&mut self, tree: &mut MutableTree, path: &str) {
        let name = ObjectName::new(ObjectKind::DirMeta, *tree.meta().unwrap().checksum());
        let meta = DirMeta::decode(&self.store.read_metadata(&name).unwrap().unwrap()).unwrap();
        let shown = format!("{:o} {}:{}{}", meta.mode, meta.owner.uid, meta.owner.gid, shown(&meta.xattrs));
        self.paths.insert(format!("{path}/"), shown);
        for (name, node) in std::mem::take(tree.entries_mut(&self.store).unwrap()) {
            let path = format!("{path}/{name}");
            match node {
                Node::Dir(mut dir) => self.walk(&mut dir, &path),
                Node::File(id) => {
                    self.paths.insert(path.clone(), file(&self.store, &id));
                    self.files.insert(path, id);
                }
            }
        }
    }
}

fn shown(xattrs: &Xattrs) -> String {
    xattrs.iter().map(|(name, value)| format!(" {}={}", name.escape_ascii(), value.escape_ascii())).collect()
}

fn file(store: &MemoryStore, id: &FileId) -> String {
    let mut object = store.read_file(id).unwrap().unwrap();
    let mut content = Vec::new();
    if let Some(reader) = &mut object.content {
        reader.read_to_end(&mut content).unwrap();
    }
    let header = object.header;
    let content =
        if header.is_symlink() { format!("-> {}", header.symlink_target) } else { content.escape_ascii().to_string() };
    format!("{:o} {}:{} '{content}'{}", header.mode, header.owner.uid, header.owner.gid, shown(&header.xattrs))
}

/// Reads a layer.
pub fn try_read(archive: &[u8], options: &LayerOptions<'_>) -> Result<ReadLayer, TarError> {
    let store = MemoryStore::new();
    let contents = read_layer(archive, &store, options)?;
    contents.tree.write(&store).unwrap();
    let mut tree = contents.tree.clone();
    let mut layer = ReadLayer { contents, store, paths: BTreeMap::new(), files: BTreeMap::new() };
    layer.walk(&mut tree, "");
    Ok(layer)
}

/// Reads a layer that must be readable.
pub fn read_with(archive: Archive, options: &LayerOptions<'_>) -> ReadLayer {
    try_read(&archive.end(), options).unwrap_or_else(|error| panic!("{}", chain(&error)))
}

/// Reads a derived layer that must be readable.
pub fn read(archive: Archive) -> ReadLayer {
    read_with(archive, &LayerOptions { writers: 1, ..LayerOptions::default() })
}

/// The error that reading a layer must end with, and its causes.
pub fn refusal(archive: Archive) -> String {
    match try_read(&archive.end(), &LayerOptions::default()) {
        Ok(layer) => panic!("the layer was taken: {:?}", layer.paths),
        Err(error) => chain(&error),
    }
}
