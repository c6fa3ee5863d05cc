//! Where in the tree a name of a layer goes, if anywhere.

use super::name::Meaning;
use super::types::{LayerOptions, VarPlace};
use crate::error::Reason;
use crate::path::REPO;

/// The top-level directories that are kept empty: their content is the running system's.
const EMPTY: [&str; 5] = ["run", "tmp", "proc", "sys", "dev"];

/// Where a name goes. Paths have no leading slash; the root is empty.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// Into the tree, at this path.
    Kept(String),
    /// Nowhere; it is counted under this name.
    Dropped(String),
    /// Nowhere, and nobody needs to know.
    Leftover,
}

/// Where the name of these components goes. Whiteouts that take nothing away, or have something below them, are refused.
pub(super) fn place(names: &[&str], options: &LayerOptions<'_>) -> Result<Place, Reason> {
    let Some((first, rest)) = names.split_first() else { return Ok(Place::Kept(String::new())) };
    // A whiteout at the top goes where what it takes away would be.
    let (top, prefix) = match Meaning::of(first) {
        Meaning::Whiteout(hidden) if rest.is_empty() => (hidden, ".wh."),
        Meaning::Opaque if rest.is_empty() => return Ok(Place::Kept((*first).to_owned())),
        Meaning::Opaque | Meaning::Reserved => return Ok(Place::Leftover),
        _ => (*first, ""),
    };
    let moved_to = match top {
        "usr" => "",
        "etc" => "usr/",
        "var" if options.var == VarPlace::Factory => "usr/share/factory/",
        "var" => "",
        _ if EMPTY.contains(&top) => match rest.first() {
            None => "",
            Some(second) => return Ok(Place::Dropped((*second).to_owned())),
        },
        _ if options.allow_nonusr && !is_repository(names) => "",
        _ => return Ok(Place::Dropped((*first).to_owned())),
    };
    if is_leftover(names)? {
        return Ok(Place::Leftover);
    }
    let below: String = rest.iter().flat_map(|name| ["/", name]).collect();
    Ok(Place::Kept(format!("{moved_to}{prefix}{top}{below}")))
}

/// Whether this is the repository of the commit that the image encapsulates, or in it.
fn is_repository(names: &[&str]) -> bool {
    names.iter().copied().take(REPO.split('/').count()).eq(REPO.split('/'))
}

fn is_leftover(names: &[&str]) -> Result<bool, Reason> {
    let Some((last, above)) = names.split_last() else { return Ok(false) };
    for name in above {
        match Meaning::of(name) {
            Meaning::Plain => {}
            Meaning::Whiteout(_) => return Err(Reason::BelowWhiteout((*name).to_owned())),
            Meaning::Opaque | Meaning::Reserved => return Ok(true),
        }
    }
    match Meaning::of(last) {
        Meaning::Whiteout("" | "." | "..") => Err(Reason::WhiteoutOfNothing((*last).to_owned())),
        Meaning::Reserved => Ok(true),
        Meaning::Plain | Meaning::Whiteout(_) | Meaning::Opaque => Ok(false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: LayerOptions<'_> =
        LayerOptions { var: VarPlace::Keep, allow_nonusr: false, skip_special: false, label: None, writers: 0 };
    const FACTORY: LayerOptions<'_> = LayerOptions { var: VarPlace::Factory, ..STRICT };
    const ALL: LayerOptions<'_> = LayerOptions { allow_nonusr: true, ..STRICT };

    fn placed(path: &str, options: &LayerOptions<'_>) -> String {
        let names: Vec<&str> = path.split('/').filter(|name| !name.is_empty()).collect();
        match place(&names, options) {
            Ok(Place::Kept(path)) => format!("/{path}"),
            Ok(Place::Dropped(name)) => format!("-{name}"),
            Ok(Place::Leftover) => "leftover".to_owned(),
            Err(reason) => reason.to_string(),
        }
    }

    #[test]
    fn the_first_component_decides() {
        let table = [
            ("", "/", "/"),
            ("usr/bin/x", "/usr/bin/x", "/usr/bin/x"),
            ("etc", "/usr/etc", "/usr/etc"),
            ("etc/a/b", "/usr/etc/a/b", "/usr/etc/a/b"),
            ("etcetera", "-etcetera", "/etcetera"),
            ("var/a", "/var/a", "/var/a"),
            ("run", "/run", "/run"),
            ("run/lock/x", "-lock", "-lock"),
            ("dev/.wh.x", "-.wh.x", "-.wh.x"),
            ("opt/a/b", "-opt", "/opt/a/b"),
            ("ostree", "-ostree", "/ostree"),
            ("sysroot/ostree", "-sysroot", "/sysroot/ostree"),
            ("sysroot/ostree/repo", "-sysroot", "-sysroot"),
            ("sysroot/ostree/repo/objects/x", "-sysroot", "-sysroot"),
            ("sysroot/ostree/repos", "-sysroot", "/sysroot/ostree/repos"),
        ];
        for (path, strict, all) in table {
            assert_eq!(placed(path, &STRICT), strict, "{path}");
            assert_eq!(placed(path, &ALL), all, "{path}");
        }
        assert_eq!(placed("var", &FACTORY), "/usr/share/factory/var");
        assert_eq!(placed("var/a", &FACTORY), "/usr/share/factory/var/a");
    }

    #[test]
    fn whiteouts_go_where_their_victims_go() {
        let table = [
            (".wh.etc", "/usr/.wh.etc"),
            (".wh.usr", "/.wh.usr"),
            (".wh.var", "/.wh.var"),
            (".wh.run", "/.wh.run"),
            (".wh.opt", "-.wh.opt"),
            (".wh..wh..opq", "/.wh..wh..opq"),
            ("etc/.wh.x", "/usr/etc/.wh.x"),
            ("etc/.wh..wh..opq", "/usr/etc/.wh..wh..opq"),
            ("usr/.wh..wh.plnk/1.2", "leftover"),
            ("usr/.wh..wh.aufs", "leftover"),
            (".wh..wh.plnk", "leftover"),
            (".wh..wh.plnk/1.2", "leftover"),
            ("opt/.wh.", "-opt"),
        ];
        for (path, expected) in table {
            assert_eq!(placed(path, &STRICT), expected, "{path}");
        }
        assert_eq!(placed(".wh.var", &FACTORY), "/usr/share/factory/.wh.var");
        assert_eq!(placed(".wh.opt", &ALL), "/.wh.opt");
        for name in [".wh.", ".wh..", ".wh..."] {
            assert_eq!(placed(&format!("usr/{name}"), &STRICT), format!("the whiteout '{name}' names nothing"));
        }
        assert_eq!(placed(".wh.", &ALL), "the whiteout '.wh.' names nothing");
        assert_eq!(placed("usr/.wh.a/b", &STRICT), "an entry below the whiteout '.wh.a'");
    }
}
