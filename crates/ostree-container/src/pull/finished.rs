//! Layers that were read whole for an image of which others are still to come: noted, so that a pull that is interrupted is
//! gone on with after them, and so that another one at the same time need not fetch them.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::fs::{self, DirBuilder, File};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use oci_image::{Descriptor, Digest};
use ostree_core::{CommitId, FileId, ObjectKind, ObjectName, ReadObject, StoreError, walk};
use ostree_repo::{Leftover, Repo};
use rustix::fs::{FlockOperation, OFlags, flock};

use crate::error::ContainerError;

/// Where the notes are in a repository. No cleaning of `tmp` touches its `cache`.
const PLACE: &str = "tmp/cache/layers";

/// How long a note is kept: as long as an unfinished blob is.
const LIFE: Duration = Duration::from_secs(7 * 24 * 3600);

/// What a layer was read to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finished {
    /// The encapsulated commit with all of its metadata objects, and files.
    Base {
        /// The commit.
        commit: CommitId,
        /// Whether it has detached metadata.
        detached: bool,
        /// The files that the layer holds.
        files: Vec<FileId>,
    },
    /// Files.
    Chunk(Vec<FileId>),
    /// A commit that keeps the layer and its notes.
    Derived(CommitId),
}

impl Finished {
    /// Every object of the layer, in no order; `None` if `store` lacks one, or has one that cannot be read.
    pub fn objects(&self, store: &dyn ReadObject) -> Option<Vec<ObjectName>> {
        self.collect(store).ok().flatten()
    }

    fn collect(&self, store: &dyn ReadObject) -> Result<Option<Vec<ObjectName>>, StoreError> {
        let mut found = HashSet::new();
        match self {
            Self::Base { commit, .. } | Self::Derived(commit) => walk::reachable(store, commit, false, &mut found)?,
            Self::Chunk(_) => {}
        }
        if let Self::Base { files, .. } | Self::Chunk(files) = self {
            // The commit's other files are in other layers.
            found.retain(|name| name.kind != ObjectKind::File);
            found.extend(files.iter().map(FileId::object));
        }
        for name in &found {
            if !store.has_object(name)? {
                return Ok(None);
            }
        }
        let mut found: Vec<_> = found.into_iter().collect();
        if let Self::Base { commit, detached: true, .. } = self {
            if store.read_detached(commit)?.is_none() {
                return Ok(None);
            }
            found.push(ObjectName::new(ObjectKind::CommitMeta, *commit.checksum()));
        }
        Ok(Some(found))
    }

    /// The note: what it is in the first line, then a file a line.
    fn to_text(&self) -> String {
        let (mut text, files) = match self {
            Self::Base { commit, detached, files } => {
                (format!("base {commit} {}\n", if *detached { "detached" } else { "plain" }), files.as_slice())
            }
            Self::Chunk(files) => ("chunk\n".to_owned(), files.as_slice()),
            Self::Derived(commit) => (format!("derived {commit}\n"), [].as_slice()),
        };
        text.reserve(files.len() * 65);
        for file in files {
            // Writing to a string cannot fail.
            let _ = writeln!(text, "{file}");
        }
        // Only what was written to its end has one.
        text.push_str("end\n");
        text
    }

    fn parse(text: &str) -> Option<Self> {
        let (head, files) = text.strip_suffix("end\n")?.split_once('\n')?;
        let files: Vec<FileId> = files.lines().map(str::parse).collect::<Result<_, _>>().ok()?;
        let mut words = head.split(' ');
        let kind = words.next()?;
        let commit = words.next().map(str::parse::<CommitId>).transpose().ok()?;
        match (kind, commit, words.next()) {
            ("base", Some(commit), Some(word @ ("detached" | "plain"))) => {
                Some(Self::Base { commit, detached: word == "detached", files })
            }
            ("chunk", None, None) => Some(Self::Chunk(files)),
            ("derived", Some(commit), None) if files.is_empty() => Some(Self::Derived(commit)),
            _ => None,
        }
    }
}

/// The notes of a repository. They are a cache: whatever fails here costs no more than another transfer.
#[derive(Debug)]
pub struct FinishedLayers {
    dir: PathBuf,
}

/// Which layers need not be fetched, because a pull that was interrupted has read them.
#[derive(Debug, Clone, Default)]
pub struct AtHand {
    layers: BTreeSet<Digest>,
    /// How many bytes of disk they take in staging directories.
    pub staged: u64,
}

impl AtHand {
    /// Those of `layers` whose objects are in `repo`, or where its next transaction finds them.
    pub fn of<'a>(repo: &Repo, layers: impl IntoIterator<Item = &'a Descriptor>) -> Result<Self, ContainerError> {
        let notes = FinishedLayers::of(repo);
        let noted: Vec<_> =
            layers.into_iter().filter_map(|layer| Some((&layer.digest, notes.find(&layer.digest)?))).collect();
        if noted.is_empty() {
            return Ok(Self::default());
        }
        let leftover = Leftover::of(repo)?;
        let (mut layers, mut objects) = (BTreeSet::new(), HashSet::new());
        for (digest, finished) in noted {
            if let Some(found) = finished.objects(&leftover.view()) {
                layers.insert(digest.clone());
                objects.extend(found);
            }
        }
        Ok(Self { layers, staged: leftover.staged_bytes(&objects) })
    }

    /// Whether a layer is among them.
    pub fn has(&self, layer: &Descriptor) -> bool {
        self.layers.contains(&layer.digest)
    }
}

/// A layer that this process has read and not committed yet. Others wait for it as long as this is there.
#[derive(Debug)]
pub struct Claim(File);

impl FinishedLayers {
    /// Those of `repo`.
    pub fn of(repo: &Repo) -> Self {
        Self { dir: repo.path().join(PLACE) }
    }

    /// What is noted of the layer with this digest.
    pub fn find(&self, layer: &Digest) -> Option<Finished> {
        // No object is believed to be there because a note says so.
        fs::read_to_string(self.path(layer)).ok().and_then(|text| Finished::parse(&text))
    }

    /// Whether anything is noted of it.
    pub fn knows(&self, layer: &Digest) -> bool {
        self.path(layer).exists()
    }

    /// Whether somebody has read it and is about to commit it.
    pub fn is_held(&self, layer: &Digest) -> bool {
        let Ok(file) = open(&self.path(layer), File::options().read(true)) else { return false };
        flock(&file, FlockOperation::NonBlockingLockShared).is_err()
    }

    /// Notes what a layer was read to.
    pub fn note(&self, layer: &Digest, finished: &Finished) -> io::Result<Claim> {
        DirBuilder::new().recursive(true).mode(0o700).create(&self.dir)?;
        let path = self.path(layer);
        // Written and locked before it has its name: no other process sees a half of it, or one that nobody holds.
        let new = path.with_extension(format!("{}.new", std::process::id()));
        let mut file = open(&new, File::options().write(true).create(true).truncate(true).mode(0o600))?;
        let written = file.write_all(finished.to_text().as_bytes());
        let locked = written.and_then(|()| Ok(flock(&file, FlockOperation::NonBlockingLockExclusive)?));
        match locked.and_then(|()| fs::rename(&new, &path)) {
            Ok(()) => Ok(Claim(file)),
            Err(error) => {
                // The first error is the one to tell.
                let _ = fs::remove_file(&new);
                Err(error)
            }
        }
    }

    /// Removes the notes of these layers, which are in the repository now, or never will be.
    pub fn forget<'a>(&self, layers: impl IntoIterator<Item = &'a Digest>) {
        for layer in layers {
            // Mostly there is none.
            let _ = fs::remove_file(self.path(layer));
        }
    }

    /// Removes the notes that have grown too old.
    pub fn clean(&self) {
        for entry in self.dir.read_dir().into_iter().flatten().flatten() {
            let modified = entry.metadata().and_then(|stat| stat.modified());
            let age = modified.ok().and_then(|modified| SystemTime::now().duration_since(modified).ok());
            if age.is_some_and(|age| age > LIFE) {
                // What cannot be removed now may be the next time.
                let _ = fs::remove_file(entry.path());
            }
        }
    }

    fn path(&self, layer: &Digest) -> PathBuf {
        self.dir.join(format!("{}-{}", layer.algorithm().name(), layer.hex()))
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        // Closing the file does the same a moment later.
        let _ = flock(&self.0, FlockOperation::Unlock);
    }
}

fn open(path: &Path, options: &mut fs::OpenOptions) -> io::Result<File> {
    options.custom_flags(OFlags::NOFOLLOW.bits().cast_signed()).open(path)
}

#[cfg(test)]
mod tests {
    use ostree_core::Checksum;

    use super::*;

    #[test]
    fn notes_come_back_as_they_were_and_torn_ones_do_not() {
        let (commit, files) =
            (CommitId::new(Checksum::of(b"c")), [b"a", b"b"].map(|text| FileId::new(Checksum::of(text))));
        let base = |detached, files: &[FileId]| Finished::Base { commit, detached, files: files.to_vec() };
        let all = [base(true, &files), base(false, &[]), Finished::Chunk(files.to_vec()), Finished::Derived(commit)];
        for finished in all {
            let text = finished.to_text();
            assert_eq!(Finished::parse(&text).as_ref(), Some(&finished), "{text}");
            for end in 0..text.len() {
                assert_eq!(Finished::parse(&text[..end]), None, "{text} up to {end}");
            }
        }
        for text in ["", "end\n", "chunk x\nend\n", "base\nend\n", "chunk\nx\nend\n", "other\nend\n"] {
            assert_eq!(Finished::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_note_is_held_until_its_claim_ends() {
        let dir = tempfile::tempdir().unwrap();
        let notes = FinishedLayers { dir: dir.path().join("a/b") };
        let layer = Digest::sha256(b"layer");
        assert!(!notes.knows(&layer) && !notes.is_held(&layer));
        let claim = notes.note(&layer, &Finished::Chunk(Vec::new())).unwrap();
        assert!(notes.knows(&layer) && notes.is_held(&layer));
        assert_eq!(notes.find(&layer), Some(Finished::Chunk(Vec::new())));
        drop(claim);
        assert!(notes.knows(&layer) && !notes.is_held(&layer));
        notes.clean();
        assert!(notes.knows(&layer), "it is young");
        File::options()
            .write(true)
            .open(notes.path(&layer))
            .unwrap()
            .set_modified(SystemTime::now() - LIFE * 2)
            .unwrap();
        notes.clean();
        assert!(!notes.knows(&layer));
    }
}
