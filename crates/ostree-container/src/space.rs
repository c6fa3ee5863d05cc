//! Whether there is room in a repository for layers that are still to be fetched.

use oci_image::{Descriptor, ImageSource};
use ostree_repo::{FreeSpace, Repo, tmp};

use crate::error::ContainerError;
use crate::need::Need;
use crate::pull::finished::{AtHand, FinishedLayers};
use crate::pull::received::known_form;

/// What is to be fetched into a repository.
pub struct Coming<'a> {
    repo: &'a Repo,
    source: &'a dyn ImageSource,
    layers: Vec<&'a Descriptor>,
    /// The same as the source has them, as far as it knows.
    stored: Vec<Descriptor>,
    /// How much of what is staged is of none of them.
    settled: u64,
}

impl<'a> Coming<'a> {
    /// Those of `layers`, which `source` has, that are not at hand.
    pub(crate) fn new(
        repo: &'a Repo,
        source: &'a dyn ImageSource,
        layers: impl IntoIterator<Item = &'a Descriptor>,
        at_hand: &AtHand,
    ) -> Self {
        let layers: Vec<&Descriptor> = layers.into_iter().filter(|layer| !at_hand.has(layer)).collect();
        let stored = layers.iter().map(|layer| known_form(source, layer)).collect();
        Self { repo, source, layers, stored, settled: at_hand.staged }
    }

    /// What the layers take.
    pub fn need(&self) -> Need {
        Need::of_layers(self.repo.mode(), self.layers.iter().copied().zip(&self.stored))
    }

    /// How many bytes interrupted pulls left behind, which this one goes on with or can remove.
    ///
    /// # Errors
    /// The repository's `tmp` cannot be read.
    pub fn reclaimable(&self) -> Result<u64, ContainerError> {
        let kept = self.source.partials().map_or(0, |partials| partials.disk());
        Ok(self.staged()?.saturating_add(kept))
    }

    /// How many bytes of what is to come may be staged already.
    fn staged(&self) -> Result<u64, ContainerError> {
        Ok(tmp::abandoned_bytes(self.repo)?.saturating_sub(self.settled))
    }

    /// Whether it fits by what is known, when everything that can be removed is.
    ///
    /// # Errors
    /// [`ContainerError::NoRoom`] with the exact shortfall, and that the file system cannot be asked.
    pub fn check(&self) -> Result<(), ContainerError> {
        let mut space = FreeSpace::of(self.repo)?;
        if space.shortfall(self.need().bytes) > 0 {
            space.free = space.free.saturating_add(self.reclaimable()?);
        }
        check_against(self.repo, self.need(), space)
    }

    /// Lets the source forget what it kept of the layers, which are in the repository now.
    pub fn finish(&self) {
        if let Some(partials) = self.source.partials() {
            partials.finish(&self.layers);
        }
    }

    /// Refuses what cannot fit by what is known, before anything is fetched, unless that is not to be looked at. Removes as
    /// much of what interrupted pulls left behind as is in the way, and lets the source keep the space free.
    ///
    /// # Errors
    /// As [`Coming::check`].
    pub fn make_room(&self, check: bool) -> Result<(), ContainerError> {
        let need = self.need();
        let mut space = FreeSpace::of(self.repo)?;
        if space.shortfall(need.bytes) > 0 {
            tmp::clean(self.repo, false)?;
            space = FreeSpace::of(self.repo)?;
        }
        // What is staged has not to be written again.
        let staged = self.staged()?;
        let lacking = space.shortfall(need.bytes).saturating_sub(staged);
        let partials = self.source.partials();
        if let Some(partials) = partials.filter(|partials| lacking > 0 && partials.disk() >= lacking) {
            let before = partials.disk();
            partials.give_way(&self.layers, lacking);
            // A file system may take its time.
            space.free = space.free.saturating_add(before.saturating_sub(partials.disk()));
        }
        if check {
            space.free = space.free.saturating_add(staged);
            check_against(self.repo, need, space)?;
        }
        clean_notes(self.repo);
        if let Some(partials) = partials {
            let size = self.layers.iter().map(|layer| layer.size).sum();
            // Mostly, packed layers unpack to twice their size at least.
            let disk = if need.exact { need.bytes } else { need.bytes.max(size).saturating_mul(2) };
            partials.expect(disk.saturating_sub(staged), size);
        }
        Ok(())
    }
}

/// Removes what is noted of layers that interrupted pulls have read, where it has grown too old.
pub fn clean_notes(repo: &Repo) {
    FinishedLayers::of(repo).clean();
}

/// Refuses what cannot fit by what is known into the free space as it was found before.
///
/// # Errors
/// [`ContainerError::NoRoom`] with the exact shortfall.
pub fn check_against(repo: &Repo, need: Need, space: FreeSpace) -> Result<(), ContainerError> {
    match space.shortfall(need.bytes) {
        0 => Ok(()),
        shortfall => Err(ContainerError::NoRoom { repo: repo.path().to_owned(), need, space, shortfall }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ostree_repo::RepoMode;

    #[test]
    fn a_layer_that_is_too_large_is_refused_and_says_by_how_much() {
        let dir = tempfile::tempdir().unwrap();
        let repo = ostree_repo::create(&dir.path().join("r"), RepoMode::BareUser, None).unwrap();
        let space = FreeSpace::of(&repo).unwrap();
        check_against(&repo, Need { bytes: 1, exact: true }, space.clone()).unwrap();
        let bytes = space.available() + 1000;
        match check_against(&repo, Need { bytes, exact: false }, space) {
            Err(problem @ ContainerError::NoRoom { shortfall: 1000, .. }) => {
                let text = problem.to_string();
                assert!(text.contains(&format!("at least {bytes} bytes")), "{text}");
                assert!(text.contains("1000 bytes short"), "{text}");
            }
            other => panic!("{other:?}"),
        }
    }
}
