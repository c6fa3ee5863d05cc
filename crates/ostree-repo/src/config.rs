//! The repository's `config`: known keys with libostree's defaults, all others kept.

use std::path::Path;

use crate::error::RepoError;
use crate::keyfile::KeyFile;
use crate::mode::RepoMode;

/// How much free space a write must leave.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MinFreeSpace {
    /// Percent of the file system's size.
    Percent(u64),
    /// MiB.
    Size(u64),
}

/// What the `config` file says.
#[derive(Debug, Clone)]
pub struct Config {
    /// The file itself, for keys that are not known here and for editing.
    pub file: KeyFile,
    /// `core.mode`
    pub mode: RepoMode,
    /// `core.fsync`: whether anything is synced at all. Default true.
    pub fsync: bool,
    /// `core.per-object-fsync`: sync each object and write it in place, without staging. Default false.
    pub per_object_fsync: bool,
    /// `core.disable-xattrs`: neither read nor write xattrs. Default false.
    pub disable_xattrs: bool,
    /// `core.enable-uncompressed-cache`: whether user checkouts from an archive keep what they decompress. Default true.
    pub uncompressed_cache: bool,
    /// `core.locking`. Default true.
    pub locking: bool,
    /// `core.lock-timeout-secs`; `None` waits for ever. Default 300.
    pub lock_timeout_secs: Option<u64>,
    /// `core.tmp-expiry-secs`: after how long strange files in `tmp` are removed. Default one day.
    pub tmp_expiry_secs: u64,
    /// `core.min-free-space-size` or `core.min-free-space-percent`. Default 3 percent.
    pub min_free_space: MinFreeSpace,
    /// `core.collection-id`
    pub collection_id: Option<String>,
    /// `core.parent`: a repository that is read where this one lacks an object.
    pub parent: Option<String>,
    /// `core.tombstone-commits`: whether deleted commits leave a trace. Default false.
    pub tombstone_commits: bool,
    /// `archive.zlib-level`, 1 to 9; where it is not set, objects are compressed
    /// as fast as possible.
    pub zlib_level: Option<u32>,
}

impl Config {
    /// Reads the keys of `text`; `path` is named in errors.
    pub fn parse(text: &str, path: &Path) -> Result<Self, RepoError> {
        let file = KeyFile::parse(text).map_err(|reason| Self::refuse(path, reason))?;
        let reader = Reader { file: &file, path };
        match reader.text("core", "repo_version") {
            Some("1") => {}
            Some(other) => return Err(Self::refuse(path, format!("Invalid repository version '{other}'"))),
            None => return Err(Self::refuse(path, "Key file does not have group “core” with key “repo_version”")),
        }
        if reader.flag("core", "archive", false)? {
            return Err(Self::refuse(path, "This version of OSTree no longer supports \"archive\" repositories"));
        }
        let name = reader.text("core", "mode").unwrap_or("bare");
        let mode = RepoMode::from_name(name)
            .ok_or_else(|| Self::refuse(path, format!("Invalid mode '{name}' in repository configuration")))?;
        Ok(Self {
            mode,
            fsync: reader.flag("core", "fsync", true)?,
            per_object_fsync: reader.flag("core", "per-object-fsync", false)?,
            disable_xattrs: reader.flag("core", "disable-xattrs", false)?,
            uncompressed_cache: reader.flag("core", "enable-uncompressed-cache", true)?,
            locking: reader.flag("core", "locking", true)?,
            lock_timeout_secs: match reader.number("core", "lock-timeout-secs", 300)? {
                -1 => None,
                seconds => Some(seconds.unsigned_abs()),
            },
            tmp_expiry_secs: reader.number("core", "tmp-expiry-secs", 86400)?.unsigned_abs(),
            min_free_space: reader.min_free_space()?,
            collection_id: reader.text("core", "collection-id").map(str::to_owned),
            parent: reader.text("core", "parent").filter(|parent| !parent.is_empty()).map(str::to_owned),
            tombstone_commits: reader.flag("core", "tombstone-commits", false)?,
            zlib_level: match reader.text("archive", "zlib-level") {
                Some(_) => Some(reader.number("archive", "zlib-level", 0)?.clamp(1, 9).unsigned_abs() as u32),
                None => None,
            },
            file,
        })
    }

    fn refuse(path: &Path, reason: impl Into<String>) -> RepoError {
        RepoError::Config { path: path.to_owned(), reason: reason.into() }
    }
}

struct Reader<'a> {
    file: &'a KeyFile,
    path: &'a Path,
}

impl<'a> Reader<'a> {
    fn text(&self, group: &str, key: &str) -> Option<&'a str> {
        self.file.get(group, key)
    }

    fn flag(&self, group: &str, key: &str, default: bool) -> Result<bool, RepoError> {
        match self.text(group, key) {
            None => Ok(default),
            Some("true" | "1") => Ok(true),
            Some("false" | "0") => Ok(false),
            Some(other) => Err(Config::refuse(self.path, format!("{group}.{key}: '{other}' is no boolean"))),
        }
    }

    fn number(&self, group: &str, key: &str, default: i64) -> Result<i64, RepoError> {
        match self.text(group, key) {
            None => Ok(default),
            Some(text) => {
                text.parse().map_err(|_| Config::refuse(self.path, format!("{group}.{key}: '{text}' is no number")))
            }
        }
    }

    fn min_free_space(&self) -> Result<MinFreeSpace, RepoError> {
        let size = self.text("core", "min-free-space-size").map(|text| {
            let (unit, shift) = match text.len().checked_sub(2).and_then(|at| text.get(at..)) {
                Some("MB") => ("MB", 0),
                Some("GB") => ("GB", 10),
                Some("TB") => ("TB", 20),
                _ => ("", 64),
            };
            text.strip_suffix(unit)
                .filter(|digits| !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit()))
                .and_then(|digits| digits.parse::<u64>().ok()?.checked_mul(1u64.checked_shl(shift)?))
                .ok_or_else(|| Config::refuse(self.path, format!("Invalid min-free-space-size '{text}'")))
        });
        let percent = self.text("core", "min-free-space-percent").map(|text| {
            text.parse::<u64>()
                .ok()
                .filter(|&percent| percent <= 99)
                .ok_or_else(|| Config::refuse(self.path, format!("Invalid min-free-space-percent '{text}'")))
        });
        match (size.transpose()?, percent.transpose()?) {
            (Some(size), _) if size > 0 => Ok(MinFreeSpace::Size(size)),
            (Some(_), None) => Ok(MinFreeSpace::Percent(0)),
            (_, Some(percent)) => Ok(MinFreeSpace::Percent(percent)),
            (None, None) => Ok(MinFreeSpace::Percent(3)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Config, RepoError> {
        Config::parse(text, Path::new("config"))
    }

    #[test]
    fn defaults_and_known_keys() {
        let config = parse("[core]\nrepo_version=1\nmode=archive-z2\n").unwrap();
        assert_eq!((config.mode, config.fsync, config.zlib_level), (RepoMode::Archive, true, None));
        assert_eq!(config.min_free_space, MinFreeSpace::Percent(3));
        let slow = parse("[core]\nrepo_version=1\n[archive]\nzlib-level=12\n").unwrap();
        assert_eq!(slow.zlib_level, Some(9));
        let config = parse("[core]\nrepo_version=1\nmin-free-space-size=2GB\nlock-timeout-secs=-1\n").unwrap();
        assert_eq!((config.mode, config.min_free_space), (RepoMode::Bare, MinFreeSpace::Size(2048)));
        assert_eq!(config.lock_timeout_secs, None);
    }

    #[test]
    fn what_cannot_be_used_is_refused() {
        for bad in [
            "",
            "[core]\nrepo_version=2\n",
            "[core]\nrepo_version=1\nmode=odd\n",
            "[core]\nrepo_version=1\nfsync=maybe\n",
            "[core]\nrepo_version=1\nmin-free-space-percent=100\n",
            "[core]\nrepo_version=1\nmin-free-space-size=1KB\n",
            "[core]\nrepo_version=1\nmin-free-space-size=99999999999999TB\n",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
