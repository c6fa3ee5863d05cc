//! Reading the entries of a layer, one after the other.

use std::io::Read;

use ostree_core::{DirMeta, DirMetaId, FileHeader, ObjectKind, Owner, ReadObject, WriteObject, Xattrs, mode};

use super::finish::finish;
use super::labels::{Labels, SELINUX};
use super::links::{File, Inode, Link, Names, Target};
use super::name::{components, is_whiteout};
use super::namespace::{Found, Namespace};
use super::place::{Place, place};
use super::report::Report;
use super::types::{LayerContents, LayerOptions};
use crate::archive::content::{self, Halt};
use crate::archive::kind::{self, Kind};
use crate::archive::pax;
use crate::archive::writers::{self, Job, Origin, Queue};
use crate::entry::{Entries, Entry};
use crate::error::{Reason, TarError};
use crate::limits::MAX_LAYER_MEMORY;

/// The mode of what stands for a whiteout that is no regular file.
const WHITEOUT_PERMISSIONS: u32 = 0o644;

/// Reads the layer in `stream`, which is not compressed, and writes its file objects and dirmetas to `store`. Reading stops
/// at the end of the archive; whoever feeds the stream reads on to its own. A stream of no bytes is an empty layer.
///
/// Of several entries with one name, the last counts, whatever the kinds; only a directory over a directory keeps what is in
/// it. Hard links may stand before what they lead to; those that lead out of the layer are [`LayerContents::links`]. Times
/// are ignored. After an error, objects may have been written that nothing names.
///
/// Refused are, with their paths: names that lead out of the tree, are not UTF-8 or longer than 255 bytes; special files,
/// unless [`LayerOptions::skip_special`]; hard links to directories or in a circle; owners beyond 32 bits; whiteouts of
/// nothing. Special files are not looked at where they are left out anyway.
///
/// ```
/// use ostree_tar::{LayerOptions, read_layer};
///
/// let store = testkit::memory_store::MemoryStore::new();
/// let layer = read_layer(&[0; 1024][..], &store, &LayerOptions::default())?;
/// assert!(layer.implicit.contains("/"));
/// # Ok::<(), ostree_tar::TarError>(())
/// ```
pub fn read_layer<S: ReadObject + WriteObject>(
    stream: impl Read,
    store: &S,
    options: &LayerOptions<'_>,
) -> Result<LayerContents, TarError> {
    read_within(MAX_LAYER_MEMORY, stream, store, options)
}

/// Reads a layer, keeping no more than `limit` bytes of names.
fn read_within<S: ReadObject + WriteObject>(
    limit: usize,
    stream: impl Read,
    store: &S,
    options: &LayerOptions<'_>,
) -> Result<LayerContents, TarError> {
    let mut layer = Layer {
        store,
        options,
        names: Names::within(limit),
        inodes: Vec::new(),
        labels: Labels::new(options.label),
        report: Report::default(),
    };
    let mut entries = Entries::of_archive(stream);
    let ids = writers::run(store, options.writers, |queue| layer.read_all(&mut Feed { entries: &mut entries, queue }))?;
    let Layer { names, inodes, labels, report, .. } = layer;
    let mut contents = finish((store, store), names, inodes, labels, &ids)?;
    contents.filtered = report.filtered;
    contents.filtered_paths = report.filtered_paths.paths;
    contents.skipped = report.skipped.paths;
    Ok(contents)
}

struct Layer<'l> {
    store: &'l dyn WriteObject,
    options: &'l LayerOptions<'l>,
    names: Names,
    /// Files and forward links; a file's number is its slot in the queue.
    inodes: Vec<Inode>,
    labels: Labels<'l>,
    report: Report,
}

/// Where entries come from and their files go.
struct Feed<'f, 'q, R> {
    entries: &'f mut Entries<R>,
    queue: &'f mut Queue<'q>,
}

/// Where a leaf is put: its path, and whether that is one of the tree.
struct Spot {
    path: String,
    kept: bool,
}

/// What an entry says of itself besides its name.
struct Attributes {
    owner: Owner,
    /// Type bits included.
    mode: u32,
    xattrs: Xattrs,
}

impl Attributes {
    fn of(entry: &Entry, kind: Kind) -> Result<Self, Reason> {
        let permissions = pax::permissions(&entry.pax, entry.mode & mode::PERMISSION_MASK);
        let mode = if kind == Kind::Symlink { mode::SYMLINK_MODE } else { permissions | kind.type_bits() };
        Ok(Self { owner: kind::owner(entry)?, mode, xattrs: pax::xattrs(&entry.pax)? })
    }
}

impl Layer<'_> {
    fn read_all<R: Read>(&mut self, feed: &mut Feed<'_, '_, R>) -> Result<(), TarError> {
        while feed.entries.next_entry()?.is_some() {
            match self.entry(feed) {
                Ok(()) => {}
                Err(Halt::Stopped) => break,
                Err(Halt::Error(error)) => return Err(error),
            }
        }
        Ok(())
    }

    fn entry<R: Read>(&mut self, feed: &mut Feed<'_, '_, R>) -> Result<(), Halt> {
        let entry = feed.entries.entry();
        let origin = Origin { entry: entry.shown_path(), offset: entry.offset };
        let kind = Kind::of(entry);
        if kind == Kind::Nothing {
            return Ok(());
        }
        let refuse = |reason| Halt::Error(origin.clone().refuse(reason));
        let names = components(&entry.path).map_err(refuse)?;
        let original = names.join("/");
        match place(&names, self.options).map_err(refuse)? {
            Place::Kept(path) => self.keep(Spot { path, kept: true }, kind, feed, &origin)?,
            Place::Dropped(counted) => {
                self.report.filter(counted, &original);
                self.hide(original, kind, feed, &origin)?;
            }
            Place::Leftover => self.hide(original, kind, feed, &origin)?,
        }
        self.names.check().map_err(refuse)
    }

    /// Takes in an entry that goes into the tree.
    fn keep<R: Read>(
        &mut self,
        spot: Spot,
        kind: Kind,
        feed: &mut Feed<'_, '_, R>,
        origin: &Origin,
    ) -> Result<(), Halt> {
        let entry = feed.entries.entry();
        let refuse = |reason| Halt::Error(origin.clone().refuse(reason));
        if is_whiteout(&spot.path) && kind != Kind::Regular {
            return self.odd_whiteout(spot, feed.queue, origin);
        }
        match kind {
            Kind::Directory => Attributes::of(entry, kind)
                .and_then(|attributes| self.directory_meta(&spot.path, attributes))
                .and_then(|meta| self.names.kept.put_dir(&spot.path, Some(meta)))
                .map_err(refuse),
            Kind::HardLink if entry.real_size == 0 => self.link(spot, entry).map_err(refuse),
            Kind::Regular | Kind::Symlink | Kind::HardLink => {
                let attributes = Attributes::of(entry, kind).map_err(refuse)?;
                self.file(spot, attributes, feed, origin)
            }
            Kind::Other(_) if self.options.skip_special => {
                let names = components(&entry.path).map_err(refuse)?;
                self.report.skipped.add(&names.join("/"));
                Ok(())
            }
            Kind::Other(_) | Kind::Nothing => Err(refuse(Reason::Special(special(entry, kind)))),
        }
    }

    /// Remembers an entry that is left out, so that hard links find it. What it could be refused for does not matter.
    fn hide<R: Read>(
        &mut self,
        path: String,
        kind: Kind,
        feed: &mut Feed<'_, '_, R>,
        origin: &Origin,
    ) -> Result<(), Halt> {
        let entry = feed.entries.entry();
        let refuse = |reason| Halt::Error(origin.clone().refuse(reason));
        if is_whiteout(&path) {
            return Ok(());
        }
        match kind {
            Kind::Directory => self.names.hidden.put_dir(&path, None).map_err(refuse),
            Kind::HardLink if entry.real_size == 0 => {
                let _ = self.link(Spot { path, kept: false }, entry);
                Ok(())
            }
            Kind::Regular | Kind::Symlink | Kind::HardLink => match Attributes::of(entry, kind) {
                Ok(_) if kind == Kind::Symlink && kind::symlink_target(entry).is_err() => Ok(()),
                Ok(attributes) => self.file(Spot { path, kept: false }, attributes, feed, origin),
                Err(_) => Ok(()),
            },
            Kind::Other(_) | Kind::Nothing => Ok(()),
        }
    }

    fn names_of(&mut self, spot: &Spot) -> &mut Namespace {
        if spot.kept { &mut self.names.kept } else { &mut self.names.hidden }
    }

    fn directory_meta(&mut self, path: &str, mut attributes: Attributes) -> Result<DirMetaId, Reason> {
        if let Some(label) = self.labels.of(path, attributes.mode).and_then(|label| self.labels.value(label)) {
            attributes.xattrs.set(SELINUX.to_vec(), label)?;
        }
        let Attributes { owner, mode, xattrs } = attributes;
        let bytes = DirMeta { owner, mode, xattrs }.encode();
        Ok(DirMetaId::new(self.store.write_metadata(ObjectKind::DirMeta, &bytes, None)?))
    }

    /// Takes in a file or symlink with its content.
    fn file<R: Read>(
        &mut self,
        spot: Spot,
        mut attributes: Attributes,
        feed: &mut Feed<'_, '_, R>,
        origin: &Origin,
    ) -> Result<(), Halt> {
        let refuse = |reason| Halt::Error(origin.clone().refuse(reason));
        let slot = self.inodes.len();
        let mut file = File { mode: attributes.mode, label: None, own_label: None, linked: false };
        if spot.kept {
            self.label(&mut file, &spot.path, &mut attributes.xattrs).map_err(refuse)?;
        }
        self.inodes.push(Inode::File(file));
        self.names_of(&spot).put_leaf(&spot.path, slot).map_err(refuse)?;
        let Attributes { owner, mode, xattrs } = attributes;
        if mode::is_symlink(mode) {
            let target = kind::symlink_target(feed.entries.entry()).map_err(refuse)?;
            let header = FileHeader::symlink(owner, target, xattrs);
            return Ok(feed.queue.push(Job { slot, header, bytes: Vec::new(), origin: origin.clone() })?);
        }
        let header = FileHeader { owner, mode, symlink_target: String::new(), xattrs };
        content::regular(feed.queue, feed.entries, slot, header, origin.clone())
    }

    fn label(&mut self, file: &mut File, path: &str, xattrs: &mut Xattrs) -> Result<(), Reason> {
        file.label = self.labels.of(path, file.mode);
        if let Some(label) = file.label.and_then(|label| self.labels.value(label)) {
            file.own_label = xattrs.get(SELINUX).map(Box::from);
            xattrs.set(SELINUX.to_vec(), label)?;
        }
        Ok(())
    }

    /// A whiteout of another kind hides what it names all the same; an empty file says so in a tree.
    fn odd_whiteout(&mut self, spot: Spot, queue: &mut Queue<'_>, origin: &Origin) -> Result<(), Halt> {
        let slot = self.inodes.len();
        let header = FileHeader::regular(Owner::default(), WHITEOUT_PERMISSIONS, Xattrs::default());
        self.inodes.push(Inode::File(File { mode: header.mode, label: None, own_label: None, linked: false }));
        let put = self.names_of(&spot).put_leaf(&spot.path, slot);
        put.map_err(|reason| Halt::Error(origin.clone().refuse(reason)))?;
        Ok(queue.push(Job { slot, header, bytes: Vec::new(), origin: origin.clone() })?)
    }

    /// Takes in a hard link. One to what came before is one more path of that, whatever comes to stand there later.
    fn link(&mut self, spot: Spot, entry: &Entry) -> Result<(), Reason> {
        if entry.link.is_empty() {
            return Err(Reason::NoLinkTarget);
        }
        let names = components(&entry.link)?;
        let target = Target::new(names.join("/"), place(&names, self.options)?);
        let leaf = match self.names.find(&target) {
            Some(Found::Leaf(leaf)) => leaf,
            Some(Found::Dir) | None => {
                self.names.charge(target.path().len());
                self.inodes.push(Inode::Link(Link { target, offset: entry.offset }));
                self.inodes.len() - 1
            }
        };
        if let Some(Inode::File(file)) = self.inodes.get_mut(leaf) {
            file.linked = true;
        }
        self.names_of(&spot).put_leaf(&spot.path, leaf)
    }
}

/// What a special file is, for messages.
fn special(entry: &Entry, kind: Kind) -> String {
    let (major, minor) = entry.device;
    match kind {
        Kind::Other(0o020000) if entry.device == (0, 0) => "an overlay whiteout (character device 0:0)".to_owned(),
        Kind::Other(0o020000) => format!("a character device ({major}:{minor})"),
        Kind::Other(0o060000) => format!("a block device ({major}:{minor})"),
        Kind::Other(0o010000) => "a FIFO".to_owned(),
        _ => "a part of a file of another archive".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A directory without content, by its path in PAX records.
    fn directory(path: &str) -> Vec<u8> {
        let rest = format!(" path={path}\n");
        let length = (rest.len()..).find(|length| length.to_string().len() + rest.len() == *length).unwrap();
        let mut archive = tar::Builder::new(Vec::new());
        for (kind, content) in
            [(tar::EntryType::XHeader, format!("{length}{rest}")), (tar::EntryType::Directory, "".into())]
        {
            let mut header = tar::Header::new_ustar();
            header.set_entry_type(kind);
            header.set_size(content.len() as u64);
            header.set_cksum();
            archive.append(&header, content.as_bytes()).unwrap();
        }
        archive.into_inner().unwrap()
    }

    #[test]
    fn layers_that_need_too_much_memory_are_refused() {
        let store = testkit::memory_store::MemoryStore::new();
        let read = |limit, path: &str| {
            let read = read_within(limit, directory(path).as_slice(), &store, &LayerOptions::default());
            read.map(|_| ()).map_err(|error| std::error::Error::source(&error).unwrap().to_string())
        };
        let expected = Err("the names in this layer take more than 10000 bytes of memory".to_owned());
        assert_eq!(read(10_000, "usr/a"), Ok(()));
        assert_eq!(read(10_000, &format!("usr/{}", "a/".repeat(30))), expected);
        // The names are few, but the paths of all the directories are long.
        let deep = format!("usr/{}", format!("{}/", "n".repeat(200)).repeat(12));
        assert_eq!(read(30_000, &deep), Ok(()));
        assert_eq!(read(10_000, &deep), expected);
    }
}
