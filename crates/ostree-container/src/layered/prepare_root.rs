//! Which paths of derived layers a booted system would see, as the base's `prepare-root.conf` has it.

use ostree_core::tree::MutableTree;
use ostree_core::{ReadObject, StoreError};
use ostree_repo::keyfile::KeyFile;

use crate::layered::policy::TreeFiles;
use crate::limits::MAX_PREPARE_ROOT;

/// Where the configuration stands; the first that is there counts.
const PATHS: [&str; 2] = ["etc/ostree/prepare-root.conf", "usr/lib/ostree/prepare-root.conf"];

/// Whether what is outside `/usr`, `/etc` and `/var` is part of the system: where the root is transient or mounted by
/// composefs. A configuration that cannot be read says no.
pub fn keeps_all_paths(store: &dyn ReadObject, tree: &mut MutableTree) -> Result<bool, StoreError> {
    let files = TreeFiles::new(store, tree);
    for path in PATHS {
        if let Some(bytes) = files.content(path, MAX_PREPARE_ROOT)? {
            return Ok(std::str::from_utf8(&bytes).is_ok_and(says_yes));
        }
    }
    Ok(false)
}

fn says_yes(text: &str) -> bool {
    let Ok(file) = KeyFile::parse(text) else { return false };
    let value = |group, key| file.get(group, key).map(str::trim);
    value("root", "transient") == Some("true")
        || matches!(value("composefs", "enabled"), Some("yes" | "true" | "1" | "maybe" | "signed" | "verity"))
}

#[cfg(test)]
mod tests {
    use super::says_yes;

    #[test]
    fn only_clear_words_count() {
        for yes in ["[root]\ntransient=true\n", "[composefs]\nenabled = signed\n", "[composefs]\nenabled=1\n[root]\n"] {
            assert!(says_yes(yes), "{yes}");
        }
        for no in
            ["", "transient=true\n", "[root]\ntransient=maybe\n", "[composefs]\nenabled=no\n", "[etc]\ntransient=true"]
        {
            assert!(!says_yes(no), "{no}");
        }
    }
}
