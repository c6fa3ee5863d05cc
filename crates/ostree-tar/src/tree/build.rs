//! Laying the entries of an archive over a tree, one after the other.

use std::io::Read;

use ostree_core::tree::MutableTree;
use ostree_core::{
    Checksum, DirMeta, DirMetaId, EntryFilter, FileHeader, FileId, ObjectKind, Owner, ReadObject, StoreError, Verdict,
    WriteObject, Xattrs, mode,
};

use super::decompress::unpacked;
use super::links::{self, Link};
use super::name::TreePath;
use super::place;
use crate::archive::content::{self, Halt};
use crate::archive::kind::{self, Kind};
use crate::archive::pax;
use crate::archive::writers::{self, Job, Origin, Queue};
use crate::entry::{Entries, Entry};
use crate::error::{Reason, TarError};

/// The mode of directories that the archive does not have.
const MADE_DIRECTORY: u32 = mode::DIRECTORY | 0o755;

/// How an archive is read.
#[derive(Default, Clone, Copy)]
pub struct TreeOptions<'o> {
    /// Makes the directories above an entry that are missing: mode 0755, owner of the entry as the archive has it, no
    /// xattrs. If any is missing, all above it up to the root are reset to that, as libostree does. Without this a missing
    /// directory is an error. A root that got no metadata at all in the end is 0755 and of owner 0:0.
    pub autocreate_parents: bool,
    /// Changes the path of each entry and each target of a hard link. It is given without leading slash and dots, with the
    /// slash at the end that archives give to directories; the root is the empty path.
    pub rename: Option<&'o dyn Fn(&str) -> String>,
    /// How many threads hash and write small files besides the one that reads; with 0 that one does it. The result does not
    /// depend on it.
    pub writers: usize,
}

/// Lays an archive over `tree`: the tar stream `stream`, uncompressed or in gzip, bzip2, zstd or xz. Directories
/// merge and take the archive's metadata, files replace files; a file where a directory is, or a directory where a
/// file is, is an error. What is in the tree already counts as parent of an entry and target of a hard link. An
/// archive without the directory `./` leaves the root's metadata as it is.
///
/// Objects are written to `store`, except the dirtrees, which [`MutableTree::write`] writes. `filter` decides about every
/// entry, except directories made by [`TreeOptions::autocreate_parents`] other than the root. File times are ignored, and so
/// is all after the end of the archive. After an error the tree is of no use.
///
/// ```
/// use ostree_core::filter::KeepAll;
/// use ostree_core::tree::MutableTree;
/// use ostree_tar::{TreeOptions, add_archive};
///
/// let store = testkit::memory_store::MemoryStore::new();
/// let mut tree = MutableTree::new();
/// let options = TreeOptions { autocreate_parents: true, ..TreeOptions::default() };
/// add_archive(&mut tree, &[0; 1024][..], &store, &KeepAll, &options)?;
/// let (root, _) = tree.write(&store)?;
/// assert!(root.to_string().starts_with("6e340b9cffb37a98"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn add_archive<S: ReadObject + WriteObject>(
    tree: &mut MutableTree,
    stream: impl Read,
    store: &S,
    filter: &dyn EntryFilter,
    options: &TreeOptions<'_>,
) -> Result<(), TarError> {
    let mut entries = Entries::of_archive(unpacked(stream)?);
    let mut builder =
        Builder { tree, read: store, write: store, filter, options, files: Vec::new(), links: Vec::new() };
    let ids = writers::run(store, options.writers, |queue| builder.read_all(&mut entries, queue))?;
    // Whoever feeds a pipe is not to fail at what follows the end mark; what that is does not matter.
    let _ = entries.drain();
    builder.finish(&ids)
}

struct Builder<'b> {
    tree: &'b mut MutableTree,
    read: &'b dyn ReadObject,
    write: &'b dyn WriteObject,
    filter: &'b dyn EntryFilter,
    options: &'b TreeOptions<'b>,
    /// Where each file that the archive brings stands.
    files: Vec<TreePath>,
    links: Vec<Link>,
}

/// An entry that goes into the tree.
struct Kept {
    path: TreePath,
    owner: Owner,
    /// Type bits included.
    mode: u32,
    xattrs: Xattrs,
}

impl Builder<'_> {
    fn read_all<R: Read>(&mut self, entries: &mut Entries<R>, queue: &mut Queue<'_>) -> Result<(), TarError> {
        while entries.next_entry().map_err(not_archive)?.is_some() {
            match self.entry(entries, queue) {
                Ok(()) => {}
                Err(Halt::Stopped) => break,
                Err(Halt::Error(error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn entry<R: Read>(&mut self, entries: &mut Entries<R>, queue: &mut Queue<'_>) -> Result<(), Halt> {
        let entry = entries.entry();
        let origin = Origin { entry: entry.shown_path(), offset: entry.offset };
        let kind = Kind::of(entry);
        let admitted = self.admit(entry, kind).map_err(|reason| refused(&origin, reason))?;
        let Some(kept) = admitted else { return Ok(()) };
        match kind {
            Kind::Directory => self.directory(&kept).map_err(|reason| refused(&origin, reason)),
            Kind::Symlink => {
                let slot = self.reserve(&kept.path).map_err(|reason| refused(&origin, reason))?;
                let header = symlink(entry, kept).map_err(|reason| refused(&origin, reason))?;
                Ok(queue.push(Job { slot, header, bytes: Vec::new(), origin })?)
            }
            Kind::Regular => self.regular(kept, entries, queue, origin).map(|_| ()),
            Kind::HardLink => {
                let target = TreePath::new(&entry.link, self.options.rename);
                let target = target.map_err(|reason| refused(&origin, reason))?;
                let path = kept.path.clone();
                let has_content = entry.real_size > 0;
                let payload = if has_content { Some(self.regular(kept, entries, queue, origin)?) } else { None };
                self.links.push(Link { path, target, payload });
                Ok(())
            }
            Kind::Other(_) | Kind::Nothing => Err(refused(&origin, Reason::UnsupportedType(kept.path.as_str().into()))),
        }
    }

    /// Asks the filter about an entry and sees to the directories above it; `None` for what is left out.
    fn admit(&mut self, entry: &Entry, kind: Kind) -> Result<Option<Kept>, Reason> {
        if kind == Kind::Nothing {
            return Ok(None);
        }
        let path = TreePath::new(&entry.path, self.options.rename)?;
        let own = kind::owner(entry)?;
        let own_mode = pax::permissions(&entry.pax, entry.mode & mode::PERMISSION_MASK) | kind.type_bits();
        let Verdict::Keep { owner, mode } = self.filter.decide(&path.absolute(), own, own_mode) else {
            return Ok(None);
        };
        self.ensure_parents(&path, own)?;
        let xattrs = if self.filter.keeps_xattrs() { pax::xattrs(&entry.pax)? } else { Xattrs::default() };
        let xattrs = labelled(self.filter, &path.absolute(), mode, xattrs);
        Ok(Some(Kept { path, owner, mode, xattrs }))
    }

    fn ensure_parents(&mut self, path: &TreePath, owner: Owner) -> Result<(), Reason> {
        let Some((parent, _)) = path.split() else { return Ok(()) };
        match place::directory(self.tree, self.read, parent) {
            Ok(_) => Ok(()),
            Err(Reason::NotInTree(_)) if self.options.autocreate_parents => {
                let (write, filter) = (self.write, self.filter);
                let mut last = None;
                let mut meta = |path: &str| {
                    let xattrs = labelled(filter, path, MADE_DIRECTORY, Xattrs::default());
                    match &last {
                        Some((same, id)) if *same == xattrs => Ok(*id),
                        _ => {
                            let id = write_meta(write, owner, MADE_DIRECTORY, xattrs.clone())?;
                            last = Some((xattrs, id));
                            Ok(id)
                        }
                    }
                };
                place::make_directories(self.tree, self.read, parent, &mut meta)
            }
            Err(reason) => Err(reason),
        }
    }

    fn directory(&mut self, kept: &Kept) -> Result<(), Reason> {
        let meta = write_meta(self.write, kept.owner, kept.mode, kept.xattrs.clone())?;
        match kept.path.split() {
            None => self.tree.set_meta(meta),
            Some((parent, name)) => {
                place::directory(self.tree, self.read, parent)?.ensure_dir(self.read, name)?.set_meta(meta);
            }
        }
        Ok(())
    }

    /// Takes the place of a file whose id is not known yet, so that nothing else can have it.
    fn reserve(&mut self, path: &TreePath) -> Result<usize, Reason> {
        let unknown = FileId::new(Checksum::of(b""));
        place::put_file(self.tree, self.read, path, unknown)?;
        self.files.push(path.clone());
        Ok(self.files.len() - 1)
    }

    /// Writes a regular file, or has it written, and gives its slot.
    fn regular<R: Read>(
        &mut self,
        kept: Kept,
        entries: &mut Entries<R>,
        queue: &mut Queue<'_>,
        origin: Origin,
    ) -> Result<usize, Halt> {
        let slot = self.reserve(&kept.path).map_err(|reason| refused(&origin, reason))?;
        let header =
            FileHeader { owner: kept.owner, mode: kept.mode, symlink_target: String::new(), xattrs: kept.xattrs };
        content::regular(queue, entries, slot, header, origin)?;
        Ok(slot)
    }

    /// Puts the files and links in their places, now that their ids are known, and completes the root.
    fn finish(self, ids: &[Option<FileId>]) -> Result<(), TarError> {
        let root = |source| TarError::Root { source: Box::new(source) };
        for (path, id) in self.files.iter().zip(ids) {
            if let Some(id) = id {
                let put = place::put_file(self.tree, self.read, path, *id);
                put.map_err(|reason| Origin { entry: path.as_str().to_owned(), offset: 0 }.refuse(reason))?;
            }
        }
        links::place_all(self.tree, self.read, &self.links, ids)?;
        if self.options.autocreate_parents && self.tree.meta().is_none() {
            let (owner, mode) = match self.filter.decide("/", Owner::default(), MADE_DIRECTORY) {
                Verdict::Keep { owner, mode } => (owner, mode),
                Verdict::Skip => (Owner::default(), MADE_DIRECTORY),
            };
            let xattrs = labelled(self.filter, "/", mode, Xattrs::default());
            let meta = write_meta(self.write, owner, mode, xattrs).map_err(root)?;
            self.tree.set_meta(meta);
        }
        Ok(())
    }
}

fn write_meta(store: &dyn WriteObject, owner: Owner, mode: u32, xattrs: Xattrs) -> Result<DirMetaId, StoreError> {
    let bytes = DirMeta { owner, mode, xattrs }.encode();
    Ok(DirMetaId::new(store.write_metadata(ObjectKind::DirMeta, &bytes, None)?))
}

/// `xattrs` with the label that `filter` has for the entry at this absolute path.
fn labelled(filter: &dyn EntryFilter, path: &str, mode: u32, mut xattrs: Xattrs) -> Xattrs {
    if let Some(label) = filter.label(path, mode) {
        xattrs.set_selinux_label(&label);
    }
    xattrs
}

/// A first header that is none speaks of another format, not of damage.
fn not_archive(error: TarError) -> TarError {
    match error {
        TarError::Malformed { offset: 0, source } => TarError::NotArchive { source },
        other => other,
    }
}

fn refused(origin: &Origin, reason: Reason) -> Halt {
    Halt::Error(origin.clone().refuse(reason))
}

fn symlink(entry: &Entry, kept: Kept) -> Result<FileHeader, Reason> {
    Ok(FileHeader::symlink(kept.owner, kind::symlink_target(entry)?, kept.xattrs))
}
