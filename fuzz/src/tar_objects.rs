//! Streams of file objects alone, as the further layers of an image are.

use ostree_core::ObjectKind;
use ostree_tar::{ChunkOptions, Flavour, files_of, import_object_set, write_chunk_layer};

use crate::sample_objects;
use crate::tar_repair::both;
use crate::witness::Witness;

/// File objects alone are written, each under its name, and every one of them is told.
pub fn run(data: &[u8]) {
    both(data, |stream| {
        let store = Witness::default();
        let read = import_object_set(stream, &store, 0);
        let names = store.0.names();
        assert!(names.iter().all(|name| name.kind == ObjectKind::File));
        if let Ok((files, _)) = read {
            assert!(files.iter().map(ostree_core::FileId::object).eq(names));
        }
    });
}

/// Layers of a few of the sample's files, in both flavours.
pub fn seeds() -> Vec<Vec<u8>> {
    let (store, commit) = sample_objects::store();
    let files = files_of(&store, &commit).expect("the sample is whole");
    let mut seeds = Vec::new();
    for flavour in [Flavour::Links, Flavour::Shared] {
        for skip in 0..4 {
            let small = |id: &ostree_core::FileId| store.content(id).is_some_and(|content| content.len() < 1000);
            let some = files.clone().into_iter().filter(|(id, _)| small(id)).skip(skip).step_by(4).collect();
            let options = ChunkOptions { flavour, parent_dirs: None };
            let mut stream = Vec::new();
            write_chunk_layer(&store, &some, options, &mut stream).expect("memory is writable");
            seeds.push(crate::tar_commit::without_directories(&stream));
        }
    }
    seeds
}
