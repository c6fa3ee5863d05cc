//! What a layer holds, and its bytes in each variant of the format.

use std::collections::BTreeSet;
use std::io::Write;

use ostree_core::tree::MutableTree;
use ostree_core::{CommitId, ReadObject};
use ostree_tar::{
    ChunkOptions, DirMap, ExportOptions, FileMap, Flavour, RawOptions, TarError, measure_chunk_layer,
    measure_commit_layer, measure_raw_layer, write_chunk_layer, write_commit_layer, write_raw_layer,
};

/// A variant of the layers that hold a commit, by what is known of the programs that write them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Variant {
    /// How xattrs stand in it.
    pub flavour: Flavour,
    /// Whether chunks have the directories above their files.
    pub parent_dirs: bool,
}

impl Variant {
    /// All of them, the likeliest first.
    pub const ALL: [Self; 4] = [
        Self { flavour: Flavour::Links, parent_dirs: false },
        Self { flavour: Flavour::Shared, parent_dirs: false },
        Self { flavour: Flavour::Links, parent_dirs: true },
        Self { flavour: Flavour::Shared, parent_dirs: true },
    ];
}

/// What a layer holds.
#[derive(Debug)]
pub enum Content {
    /// The commit, its metadata, and the files that are in no chunk.
    Commit {
        /// The commit.
        commit: CommitId,
        /// The files.
        remainder: FileMap,
    },
    /// Further files of the commit.
    Chunk {
        /// The files.
        files: FileMap,
    },
    /// Anything else.
    Raw {
        /// The commit that keeps the layer.
        commit: CommitId,
        /// Its tree.
        tree: MutableTree,
        /// Directories that the layer does not describe.
        implicit: BTreeSet<String>,
        /// Whether `/usr/share/factory/var` stands for `/var`.
        factory_var: bool,
    },
}

impl Content {
    /// The variants whose bytes differ.
    pub fn variants(&self) -> &'static [Variant] {
        let count = match self {
            Self::Chunk { files } if files.is_empty() => 1,
            Self::Chunk { .. } => 4,
            // Its directories are there in any case.
            Self::Commit { .. } => 2,
            Self::Raw { .. } => 1,
        };
        Variant::ALL.get(..count).unwrap_or(&Variant::ALL)
    }

    /// Writes the layer's tar. `dirs` are the directories of the commit.
    pub fn produce(
        &self,
        store: &dyn ReadObject,
        variant: Variant,
        dirs: &DirMap,
        out: &mut dyn Write,
    ) -> Result<(), TarError> {
        let flavour = variant.flavour;
        match self {
            Self::Commit { commit, remainder } => {
                write_commit_layer(store, commit, remainder, ExportOptions { flavour }, out)?;
            }
            Self::Chunk { files } => {
                let parent_dirs = variant.parent_dirs.then_some(dirs);
                write_chunk_layer(store, files, ChunkOptions { flavour, parent_dirs }, out)?;
            }
            Self::Raw { commit, tree, implicit, factory_var } => {
                let options = RawOptions { commit: *commit, implicit, factory_var: *factory_var };
                write_raw_layer(store, &mut tree.clone(), options, out)?;
            }
        }
        Ok(())
    }

    /// How many bytes [`Content::produce`] writes.
    pub fn measure(&self, store: &dyn ReadObject, variant: Variant, dirs: &DirMap) -> Result<u64, TarError> {
        let flavour = variant.flavour;
        match self {
            Self::Commit { commit, remainder } => {
                measure_commit_layer(store, commit, remainder, ExportOptions { flavour })
            }
            Self::Chunk { files } => {
                let parent_dirs = variant.parent_dirs.then_some(dirs);
                measure_chunk_layer(store, files, ChunkOptions { flavour, parent_dirs })
            }
            Self::Raw { commit, tree, implicit, factory_var } => {
                let options = RawOptions { commit: *commit, implicit, factory_var: *factory_var };
                measure_raw_layer(store, &mut tree.clone(), options)
            }
        }
    }
}
