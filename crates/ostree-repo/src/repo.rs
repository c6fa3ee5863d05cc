//! An open repository.

use std::path::{Path, PathBuf};

use ostree_core::{CommitId, FileId, FileObject, Metadata, ObjectKind, ObjectName, ReadObject, StoreError};
use rustix::fs::{Access, AtFlags};

use crate::config::Config;
use crate::error::RepoError;
use crate::fs::{Dir, small_file};
use crate::keyfile::KeyFile;
use crate::limits::MAX_CONFIG_SIZE;
use crate::loose;
use crate::mode::RepoMode;

/// A repository, open for reading. Threads may share it.
#[derive(Debug)]
pub struct Repo {
    dir: Dir,
    objects: Dir,
    config: Config,
    parent: Option<Box<Repo>>,
}

impl Repo {
    /// Opens the repository at `path`.
    pub fn open(path: &Path) -> Result<Self, RepoError> {
        Self::open_at_depth(path, 0)
    }

    fn open_at_depth(path: &Path, depth: usize) -> Result<Self, RepoError> {
        // xattrs of symlinks can only be reached by path, so the path must stay good when the process moves.
        let absolute = std::fs::canonicalize(path).map_err(|e| RepoError::io("opening repo", path, e))?;
        let dir = Dir::open(&absolute)?;
        let objects = dir.try_open_dir("objects")?.ok_or_else(|| {
            RepoError::io("opening repo", path, rustix::io::Errno::NOENT).context("no objects directory")
        })?;
        let config_path = absolute.join("config");
        let text = small_file::read(&dir, "config", MAX_CONFIG_SIZE)?
            .ok_or_else(|| RepoError::io("opening", &config_path, rustix::io::Errno::NOENT))?;
        let text = String::from_utf8(text)
            .map_err(|_| RepoError::Config { path: config_path.clone(), reason: "not UTF-8".into() })?;
        let config = Config::parse(&text, &config_path)?;
        let parent = match &config.parent {
            Some(_) if depth >= 16 => {
                return Err(RepoError::Config { path: config_path, reason: "core.parent: a ring of parents".into() });
            }
            Some(parent) => {
                let opened = Self::open_at_depth(&absolute.join(parent), depth + 1);
                Some(Box::new(opened.map_err(|e| e.context(format!("parent repository of {}", path.display())))?))
            }
            None => None,
        };
        Ok(Self { dir, objects, config, parent })
    }

    /// The repository's absolute path.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// The repository's directory.
    pub(crate) fn dir(&self) -> &Dir {
        &self.dir
    }

    /// The `objects` directory.
    pub(crate) fn objects(&self) -> &Dir {
        &self.objects
    }

    /// What `config` says.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// How file objects are kept.
    pub fn mode(&self) -> RepoMode {
        self.config.mode
    }

    /// The repository that is read where this one lacks an object.
    pub fn parent(&self) -> Option<&Self> {
        self.parent.as_deref()
    }

    /// The path of an object's file, relative to `objects/`.
    pub fn loose_path(&self, name: &ObjectName) -> String {
        crate::layout::loose_path(name, self.mode())
    }

    /// The absolute path of an object's file in this repository, whether it is there or not.
    pub fn object_path(&self, name: &ObjectName) -> PathBuf {
        self.objects.path().join(self.loose_path(name))
    }

    /// Refuses, with the system's reason, a repository that this process cannot write.
    pub fn check_writable(&self) -> Result<(), RepoError> {
        rustix::fs::accessat(&self.objects, ".", Access::WRITE_OK, AtFlags::empty())
            .map_err(|e| RepoError::NotWritable { source: e.into() })
    }

    /// Replaces the `config` file. The open repository goes on with the old one.
    pub fn write_config(&self, file: &KeyFile) -> Result<(), RepoError> {
        let text = file.to_string();
        Config::parse(&text, &self.path().join("config"))?;
        small_file::replace(&self.dir, "config", text.as_bytes(), self.config.fsync)
    }
}

impl ReadObject for Repo {
    fn has_object(&self, name: &ObjectName) -> Result<bool, StoreError> {
        if self.objects.exists(&self.loose_path(name))? {
            return Ok(true);
        }
        self.parent().map_or(Ok(false), |parent| parent.has_object(name))
    }

    fn read_metadata(&self, name: &ObjectName) -> Result<Option<Vec<u8>>, StoreError> {
        if let Some(bytes) = loose::read_metadata(&self.objects, name)? {
            return Ok(Some(bytes));
        }
        self.parent().map_or(Ok(None), |parent| parent.read_metadata(name))
    }

    fn read_detached(&self, commit: &CommitId) -> Result<Option<Metadata>, StoreError> {
        let name = ObjectName::new(ObjectKind::CommitMeta, *commit.checksum());
        if let Some(bytes) = loose::read_metadata(&self.objects, &name)? {
            return Metadata::decode(&bytes).map(Some).map_err(|source| StoreError::Object { name, source });
        }
        self.parent().map_or(Ok(None), |parent| parent.read_detached(commit))
    }

    fn read_file(&self, id: &FileId) -> Result<Option<FileObject>, StoreError> {
        if let Some(file) = loose::read_file(&self.objects, self.config(), id)? {
            return Ok(Some(file));
        }
        self.parent().map_or(Ok(None), |parent| parent.read_file(id))
    }
}
