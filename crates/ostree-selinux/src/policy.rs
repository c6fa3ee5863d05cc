//! A policy: found in a tree, put together from its files, asked for labels.

use std::io;

use sha2::{Digest, Sha256};

use crate::config;
use crate::error::SelinuxError;
use crate::matcher::Matcher;
use crate::spec::{self, FileType, Spec};
use crate::subs::{Subs, normalise};

/// Reads the files of a tree that has a policy.
pub trait PolicyFiles {
    /// The file at `path`, which is relative to the tree's root: `usr/etc/selinux/config`. Symlinks are followed. Absent is
    /// `Ok(None)`. Nothing larger than [`MAX_FILE_SIZE`](crate::limits::MAX_FILE_SIZE) is of use.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>>;

    /// Whether there is anything at `path`, which is that of a directory. Those who do not know directories may leave this
    /// out: then one without `config` counts as absent.
    fn exists(&self, path: &str) -> io::Result<bool> {
        Ok(self.read(&format!("{path}/config"))?.is_some())
    }
}

/// The text files of a policy that decide about labels, as they stand in `contexts/files`.
#[derive(Debug, Clone, Default)]
pub struct FileContexts {
    /// `file_contexts`.
    pub main: Vec<u8>,
    /// `file_contexts.homedirs`.
    pub homedirs: Option<Vec<u8>>,
    /// `file_contexts.local`.
    pub local: Option<Vec<u8>>,
    /// `file_contexts.subs`.
    pub subs: Option<Vec<u8>>,
    /// `file_contexts.subs_dist`.
    pub subs_dist: Option<Vec<u8>>,
}

/// The labels a policy gives to paths. Several threads may ask at once.
#[derive(Debug)]
pub struct Policy {
    name: String,
    /// In the order in which they are tried.
    specs: Vec<Spec>,
    matcher: Matcher,
    subs: Subs,
    subs_dist: Subs,
}

impl Policy {
    /// The policy of a tree; `None` if it has none, or if its `SELINUX=` is neither `enforcing` nor `permissive`. The
    /// directory is `etc/selinux` if that is there, else `usr/etc/selinux`, as in libostree.
    ///
    /// # Errors
    /// A file is not readable or malformed, `file_contexts` is missing, or there is no label for `/`.
    pub fn load(files: &dyn PolicyFiles) -> Result<Option<Self>, SelinuxError> {
        let top = "etc/selinux";
        let has_top = files.exists(top).map_err(|source| SelinuxError::Read { file: top.into(), source })?;
        let dir = if has_top { top } else { "usr/etc/selinux" };
        let file = format!("{dir}/config");
        let Some(text) = read(files, &file)? else { return Ok(None) };
        let Some(name) = config::policy_name(&file, &text)? else { return Ok(None) };
        let main = format!("{dir}/{name}/contexts/files/file_contexts");
        let beside = |suffix: &str| read(files, &format!("{main}.{suffix}"));
        let contexts = FileContexts {
            main: read(files, &main)?.ok_or_else(|| SelinuxError::NoFile { file: main.clone() })?,
            homedirs: beside("homedirs")?,
            local: beside("local")?,
            subs: beside("subs")?,
            subs_dist: beside("subs_dist")?,
        };
        let policy = Self::assemble(&name, &main, &contexts)?;
        if policy.lookup("/", 0o755).is_none() {
            return Err(SelinuxError::NoRootLabel { policy: name });
        }
        Ok(Some(policy))
    }

    /// The policy of these files, whatever configuration there is.
    ///
    /// # Errors
    /// A file is malformed or too large.
    pub fn new(name: &str, files: &FileContexts) -> Result<Self, SelinuxError> {
        Self::assemble(name, "file_contexts", files)
    }

    /// `main` is what messages call the main file.
    fn assemble(name: &str, main: &str, files: &FileContexts) -> Result<Self, SelinuxError> {
        let mut specs = Vec::new();
        spec::parse(main, &files.main, &mut specs)?;
        for (suffix, text) in [("homedirs", &files.homedirs), ("local", &files.local)] {
            spec::parse(&format!("{main}.{suffix}"), text.as_deref().unwrap_or_default(), &mut specs)?;
        }
        // The last of all comes first, but those without meta characters come before the others.
        specs.reverse();
        specs.sort_by_key(Spec::has_meta);
        let subs = |suffix: &str, text: &Option<Vec<u8>>| {
            Subs::parse(&format!("{main}.{suffix}"), text.as_deref().unwrap_or_default())
        };
        Ok(Self {
            name: name.to_owned(),
            matcher: Matcher::new(&specs)?,
            specs,
            subs: subs("subs", &files.subs)?,
            subs_dist: subs("subs_dist", &files.subs_dist)?,
        })
    }

    /// The policy's name, `targeted` for instance.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The label of the file at `path`, which is absolute, with this `st_mode`, as `ostree_sepolicy_get_label` gives it:
    /// [`Policy::lookup`], but `/proc` has the label of `/mnt`. In a tree it is an empty mount point, for which policies
    /// have no label.
    pub fn label(&self, path: &str, mode: u32) -> Option<&str> {
        self.lookup(if path == "/proc" { "/mnt" } else { path }, mode)
    }

    /// The label of `path`, as libselinux's `selabel_lookup` gives it; `None` where that has none, be it that nothing
    /// matches or that what matches says `<<none>>`. Of `mode` the type bits count; without any, specifications for each
    /// type are taken.
    pub fn lookup(&self, path: &str, mode: u32) -> Option<&str> {
        let path = normalise(path, &self.subs, &self.subs_dist);
        let index = self.matcher.first_match(&path, FileType::of_mode(mode))?;
        self.specs.get(index)?.context.as_deref()
    }

    /// SHA-256 of all that decides about labels: two policies of equal digest label alike.
    pub fn digest(&self) -> [u8; 32] {
        let mut hasher = Sha256::new();
        // No field can hold a NUL, and which kind of record a field belongs to stands in front.
        let mut field = |bytes: &[u8]| {
            hasher.update(bytes);
            hasher.update([0]);
        };
        for spec in &self.specs {
            field(b"spec");
            field(&spec.pattern);
            field(&[spec.file_type.map_or(b'0', |file_type| b'0' + file_type as u8)]);
            field(spec.context.as_deref().unwrap_or("<<none>>").as_bytes());
        }
        for (kind, subs) in [("subs", &self.subs), ("subs_dist", &self.subs_dist)] {
            for (from, to) in subs.rules() {
                field(kind.as_bytes());
                field(from);
                field(to);
            }
        }
        hasher.finalize().into()
    }
}

fn read(files: &dyn PolicyFiles, path: &str) -> Result<Option<Vec<u8>>, SelinuxError> {
    files.read(path).map_err(|source| SelinuxError::Read { file: path.to_owned(), source })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    const FILE: u32 = 0o100644;

    fn policy(text: &str) -> Result<Policy, SelinuxError> {
        Policy::new("p", &FileContexts { main: text.as_bytes().to_vec(), ..FileContexts::default() })
    }

    #[test]
    fn the_last_wins_but_literal_ones_before_all() {
        let policy = policy("/a/b lit\n/a\\.b esc\n/a/.* one\n/a/.* two\n/a/c/.* <<none>>\n/d(/.*)? -d dir\n").unwrap();
        assert_eq!(policy.label("/a/b", FILE), Some("lit"));
        assert_eq!(policy.label("/a/x", FILE), Some("two"));
        assert_eq!(policy.label("/a/c/x", FILE), None);
        assert_eq!(policy.label("/a.b", FILE), Some("esc"));
        assert_eq!(policy.label("/axb", FILE), None);
        assert_eq!(policy.label("/d/x", FILE), None);
        assert_eq!(policy.label("/d/x", 0o040755), Some("dir"));
        assert_eq!(policy.label("/d/x", 0), Some("dir"));
        assert_eq!(policy.label("/d/x\0", 0), None);
        assert_eq!(policy.label("", 0), None);
    }

    #[test]
    fn parts_are_laid_over_each_other() {
        let text = |text: &str| Some(text.as_bytes().to_vec());
        let files = FileContexts {
            main: b"/.* main\n/proc -d <<none>>\n/mnt -d mnt\n".to_vec(),
            homedirs: text("/home/.* home\n"),
            local: text("/home/x/.* local\n"),
            subs: text("/new /bin\n"),
            subs_dist: text("/bin /home/x\n"),
        };
        let policy = Policy::new("p", &files).unwrap();
        assert_eq!(policy.label("/home/y", FILE), Some("home"));
        assert_eq!(policy.label("/new//sh/", FILE), Some("local"));
        assert_eq!(policy.lookup("/proc", 0o040755), None);
        assert_eq!(policy.label("/proc", 0o040755), Some("mnt"));
        let same = Policy::new("q", &files).unwrap();
        assert_eq!(policy.digest(), same.digest());
        let other = FileContexts { subs: text("/new /sbin\n"), ..files };
        assert_ne!(policy.digest(), Policy::new("p", &other).unwrap().digest());
    }

    #[test]
    fn errors_name_file_and_line() {
        let error = policy("\n/(?!a).* x\n").unwrap_err().to_string();
        assert!(error.starts_with("file_contexts, line 2: a group"), "{error}");
        let error = policy("/a x\n/((a{1000}){1000}){1000} x\n").unwrap_err().to_string();
        assert_eq!(error, "file_contexts, line 2: the pattern takes too much memory");
        let error = policy("/a{3,1} x\n").unwrap_err().to_string();
        assert!(error.starts_with("file_contexts, line 1: "), "{error}");
        let deep = format!("/{}a{} x\n", "(".repeat(200), ")".repeat(200));
        assert!(policy(&deep).unwrap_err().to_string().starts_with("file_contexts, line 1: "));
    }

    struct Files(BTreeMap<&'static str, &'static str>);

    impl PolicyFiles for Files {
        fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
            Ok(self.0.get(path).map(|text| text.as_bytes().to_vec()))
        }
    }

    #[test]
    fn discovery() {
        let config = "SELINUX=enforcing\nSELINUXTYPE=t\n";
        let load = |files: &[(&'static str, &'static str)]| Policy::load(&Files(files.iter().copied().collect()));
        let contexts = ("usr/etc/selinux/t/contexts/files/file_contexts", "/.* x\n");
        let policy = load(&[("usr/etc/selinux/config", config), contexts]).unwrap().unwrap();
        assert_eq!((policy.name(), policy.label("/", 0o040755)), ("t", Some("x")));
        assert!(load(&[]).unwrap().is_none());
        assert!(load(&[("usr/etc/selinux/config", "SELINUX=disabled\nSELINUXTYPE=t\n"), contexts]).unwrap().is_none());
        assert!(load(&[("etc/selinux/config", config), contexts]).is_err());
        let no_root = ("usr/etc/selinux/t/contexts/files/file_contexts", "/a x\n");
        assert!(load(&[("usr/etc/selinux/config", config), no_root]).is_err());
    }
}
