//! Hard links, which find their files when all the archive was read.

use std::collections::HashMap;

use ostree_core::tree::MutableTree;
use ostree_core::{FileId, ReadObject};

use super::name::TreePath;
use super::place;
use crate::error::{Reason, TarError};

/// A hard link of an archive.
pub(super) struct Link {
    /// Where it stands.
    pub(super) path: TreePath,
    /// What it leads to.
    pub(super) target: TreePath,
    /// The file it brought with it, as an index into the files of the archive.
    pub(super) payload: Option<usize>,
}

impl Link {
    fn refuse(&self, source: Reason) -> TarError {
        TarError::HardLink { target: self.target.as_str().to_owned(), source: Box::new(source) }
    }
}

/// Puts a file in the place of every link. Of the links to one target that brought a file, the first's becomes the target
/// and all the links to it.
pub(super) fn place_all(
    tree: &mut MutableTree,
    store: &dyn ReadObject,
    links: &[Link],
    ids: &[Option<FileId>],
) -> Result<(), TarError> {
    let mut payloads: HashMap<&str, FileId> = HashMap::new();
    for link in links {
        let payload = link.payload.and_then(|slot| ids.get(slot).copied().flatten());
        if let Some(id) = payload
            && !payloads.contains_key(link.target.as_str())
        {
            payloads.insert(link.target.as_str(), id);
            place::put_file(tree, store, &link.target, id).map_err(|reason| link.refuse(reason))?;
        }
    }
    for (link, target) in links.iter().zip(ends(links)) {
        let found = place::file(tree, store, target);
        let put = found.and_then(|id| place::put_file(tree, store, &link.path, id));
        put.map_err(|reason| link.refuse(reason))?;
    }
    Ok(())
}

/// For each link what its target is in the end, if links that lead to links are followed. Of several links in one place the
/// last counts; a link that leads back to itself ends where it does.
fn ends(links: &[Link]) -> Vec<&TreePath> {
    let by_path: HashMap<&str, usize> = links.iter().enumerate().map(|(at, link)| (link.path.as_str(), at)).collect();
    let next = |link: &Link| by_path.get(link.target.as_str()).copied();
    let mut ends: Vec<Option<&TreePath>> = vec![None; links.len()];
    let mut followed = vec![false; links.len()];
    for start in 0..links.len() {
        let mut way = Vec::new();
        let mut at = Some(start);
        let mut end = None;
        while let Some(index) = at {
            let (Some(link), Some(seen)) = (links.get(index), followed.get_mut(index)) else { break };
            if *seen {
                end = ends.get(index).copied().flatten().or(end);
                break;
            }
            *seen = true;
            way.push(index);
            end = Some(&link.target);
            at = next(link);
        }
        for index in way {
            if let Some(place) = ends.get_mut(index) {
                *place = end;
            }
        }
    }
    links.iter().zip(ends).map(|(link, end)| end.unwrap_or(&link.target)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn links(pairs: &[(&str, &str)]) -> Vec<Link> {
        let path = |text: &str| TreePath::new(text.as_bytes(), None).unwrap();
        pairs.iter().map(|(at, target)| Link { path: path(at), target: path(target), payload: None }).collect()
    }

    fn ends_of(pairs: &[(&str, &str)]) -> Vec<String> {
        ends(&links(pairs)).iter().map(|path| path.as_str().to_owned()).collect()
    }

    #[test]
    fn chains_are_followed_in_any_order() {
        assert_eq!(ends_of(&[("b", "a"), ("c", "b"), ("d", "c")]), ["a", "a", "a"]);
        assert_eq!(ends_of(&[("d", "c"), ("c", "b"), ("b", "a")]), ["a", "a", "a"]);
        assert_eq!(ends_of(&[("c", "b"), ("b", "a"), ("b", "z")]), ["z", "a", "z"]);
    }

    #[test]
    fn circles_end() {
        assert_eq!(ends_of(&[("a", "a")]), ["a"]);
        assert_eq!(ends_of(&[("x", "a"), ("a", "b"), ("b", "a")]), ["a", "a", "a"]);
    }
}
