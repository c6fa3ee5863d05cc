//! Streams that lie, break off or come in the wrong order.

use std::cell::Cell;

use ostree_core::{CommitId, ObjectKind, ObjectName, VerifyCommit, VerifyError};
use ostree_tar::path::object_path;
use ostree_tar::{Flavour, ImportOptions, TarError, check_complete, import_object_set};
use tar::EntryType::{Directory, Fifo, Link, Regular};
use testkit::memory_store::MemoryStore;
use testkit::sample;

use crate::support::{Piece, chain, entry, exported, imported, put_together, refusal, take_apart};

fn small(flavour: Flavour) -> (CommitId, Vec<Piece>) {
    let store = MemoryStore::new();
    let commit = sample::small_commit(&store).unwrap();
    (commit, take_apart(&exported(&store, &commit, flavour)))
}

fn position(pieces: &[Piece], extension: &str) -> usize {
    pieces.iter().position(|piece| piece.path.ends_with(extension)).unwrap()
}

#[test]
fn every_truncation_is_refused() {
    let store = MemoryStore::new();
    let commit = sample::small_commit(&store).unwrap();
    for flavour in [Flavour::Links, Flavour::Shared] {
        let stream = exported(&store, &commit, flavour);
        for end in (0..stream.len()).step_by(256).chain([stream.len() - 1]) {
            assert!(imported(&stream[..end]).is_err(), "cut at {end} of {}", stream.len());
        }
        let refused = refusal(&stream[..stream.len() - 1024]);
        assert_eq!(refused, format!("tar stream cut off at byte {}", stream.len() - 1024));
    }
}

/// A flipped bit is refused, or stands where nothing is read: then the commit comes out whole.
#[test]
fn flipped_bits_change_nothing_unnoticed() {
    let store = MemoryStore::new();
    let commit = sample::small_commit(&store).unwrap();
    let stream = exported(&store, &commit, Flavour::Links);
    let start = stream.len() - 24 * 512;
    for at in (start..stream.len()).step_by(7) {
        let mut flipped = stream.clone();
        flipped[at] ^= 1 << (at % 8);
        if let Ok((back, imported)) = imported(&flipped) {
            assert_eq!(imported.commit, commit);
            let whole = check_complete(&back, &commit).is_ok();
            assert!(!whole || back.names() == store.names(), "byte {at}");
        }
    }
}

#[test]
fn shuffled_entries_are_refused_or_come_out_whole() {
    let store = MemoryStore::new();
    let commit = sample::commit(&store).unwrap();
    let pieces = take_apart(&exported(&store, &commit, Flavour::Shared));
    for seed in 1..60 {
        let mut shuffled = pieces.clone();
        for (turn, at) in sample::noise(seed, 8).into_iter().enumerate() {
            let from = (usize::from(at) * 31 + turn * 97) % shuffled.len();
            let piece = shuffled.remove(from);
            shuffled.insert((from * 13) % shuffled.len(), piece);
        }
        if let Ok((back, imported)) = imported(&put_together(&shuffled)) {
            assert_eq!(imported.commit, commit);
            check_complete(&back, &commit).unwrap();
        }
    }
}

#[test]
fn the_commit_comes_first_and_once() {
    let (_, pieces) = small(Flavour::Links);
    let commit = position(&pieces, ".commit");
    let mut without = pieces.clone();
    without.remove(commit);
    assert!(refusal(&put_together(&without)).ends_with("Expected commit object, not dirmeta"));
    assert_eq!(refusal(&put_together(&pieces[..commit])), "Commit object not found");
    assert_eq!(refusal(&put_together(&pieces[..=commit])), "End of stream after commit object");
    let mut twice = pieces.clone();
    twice.push(pieces[commit].clone());
    assert!(refusal(&put_together(&twice)).ends_with("Found multiple commit objects"));
}

#[test]
fn lying_names_are_refused_with_name_and_position() {
    for (flavour, extension) in [
        (Flavour::Links, ".commit"),
        (Flavour::Links, ".dirtree"),
        (Flavour::Links, ".dirmeta"),
        (Flavour::Links, ".file"),
    ] {
        let (_, mut pieces) = small(flavour);
        let at = position(&pieces, extension);
        let offset: usize = pieces[..at].iter().map(|piece| piece.bytes.len()).sum();
        let content = pieces[at].content;
        pieces[at].bytes[content] ^= 1;
        let refused = refusal(&put_together(&pieces));
        assert!(refused.starts_with(&format!("tar entry '{}' at byte {offset}: ", pieces[at].path)), "{refused}");
        assert!(refused.contains("checksum expected="), "{refused}");
    }
}

#[test]
fn xattrs_must_be_what_they_are_called() {
    let (_, mut pieces) = small(Flavour::Shared);
    let at = position(&pieces, ".file-xattrs");
    pieces[at] = entry(&pieces[at].path, Regular, "", b"x");
    assert!(refusal(&put_together(&pieces)).contains("Checksum mismatch, expected 'e3b0c442"));
}

#[test]
fn foreign_objects_are_refused() {
    let (commit, mut pieces) = small(Flavour::Links);
    let other = MemoryStore::new();
    let others = sample::commit(&other).unwrap();
    let foreign = take_apart(&exported(&other, &others, Flavour::Links));
    let at = position(&foreign, ".dirtree");
    pieces.push(foreign[at].clone());
    let refused = refusal(&put_together(&pieces));
    assert!(refused.contains(&format!("does not belong to commit {commit}")), "{refused}");
    pieces.pop();
    let at = position(&foreign, ".file");
    pieces.extend_from_slice(&foreign[at - 1..=at]);
    let refused = refusal(&put_together(&pieces));
    assert!(refused.contains(&format!("does not belong to commit {commit}")), "{refused}");
}

#[test]
fn a_missing_object_is_noticed() {
    let (commit, pieces) = small(Flavour::Links);
    for extension in [".dirtree", ".file"] {
        let mut without = pieces.clone();
        let at = without.iter().rposition(|piece| piece.path.ends_with(extension)).unwrap();
        let from = if extension == ".file" { at - 1 } else { at };
        without.drain(from..=at);
        match imported(&put_together(&without)) {
            // Nothing names the file once its directory is gone.
            Err(error) => assert_eq!((extension, chain(&error).contains("does not belong")), (".dirtree", true)),
            Ok((back, _)) => {
                let refused = check_complete(&back, &commit).unwrap_err();
                assert!(matches!(refused, TarError::Incomplete { count: 1, .. }), "{refused}");
            }
        }
    }
}

#[test]
fn files_and_their_xattrs_stand_together() {
    let (_, pieces) = small(Flavour::Links);
    let file = position(&pieces, ".file");
    let mut without = pieces.clone();
    without.remove(file - 1);
    assert!(refusal(&put_together(&without)).ends_with("Missing xattrs reference"));
    let mut dangling = pieces.clone();
    dangling.remove(file);
    assert!(refusal(&put_together(&dangling)).starts_with("Found previous dangling xattrs for file object '"));
    let mut twice = pieces.clone();
    twice.insert(file, pieces[file - 1].clone());
    assert!(refusal(&put_together(&twice)).contains("Found previous dangling xattrs for file object '"));
    let (_, mut shared) = small(Flavour::Shared);
    let blob = position(&shared, ".file-xattrs");
    shared.remove(blob);
    assert!(refusal(&put_together(&shared)).contains("Failed to find xattrs content e3b0c442"));
}

#[test]
fn odd_types_and_sizes_are_refused() {
    let (commit, pieces) = small(Flavour::Links);
    let file = position(&pieces, ".file");
    let with = |at: usize, piece: Piece| {
        let mut changed = pieces.clone();
        changed[at] = piece;
        refusal(&put_together(&changed))
    };
    let path = &pieces[file].path;
    assert!(with(file, entry(path, Fifo, "", b"")).ends_with("Invalid tar entry of type Fifo"));
    assert!(with(file, entry(path, Link, "usr/hello", b"")).ends_with("Invalid tar entry of type Link"));
    let link = &pieces[file - 1].path;
    assert!(with(file - 1, entry(link, Fifo, "", b"")).contains("Unexpected xattrs type 'Fifo' found for "));
    let large = vec![0; 1024 * 1024 + 1];
    assert!(with(file - 1, entry(link, Regular, "", &large)).ends_with("Invalid xattr size 1048577"));
    let meta = position(&pieces, ".dirmeta");
    let large = vec![0; 10 * 1024 * 1024 + 1];
    let refused = with(meta, entry(&pieces[meta].path, Regular, "", &large));
    assert!(refused.ends_with("object of size 10485761 exceeds 10485760 bytes"), "{refused}");
    // A directory of an object's name is no object.
    let mut hidden = pieces.clone();
    hidden[meta] = entry(&pieces[meta].path, Directory, "", b"");
    let (back, _) = imported(&put_together(&hidden)).unwrap();
    assert!(check_complete(&back, &commit).is_err());
    let name = ObjectName::new(ObjectKind::CommitMeta, *commit.checksum());
    let mut late = pieces.clone();
    late.push(entry(&object_path(&name), Regular, "", b""));
    assert!(refusal(&put_together(&late)).ends_with("Invalid metadata object type; commitmeta"));
    let other = ObjectName::new(ObjectKind::CommitMeta, ostree_core::Checksum::of(b"other"));
    let mut foreign = pieces.clone();
    foreign.insert(position(&pieces, ".commit") + 1, entry(&object_path(&other), Regular, "", b""));
    assert!(refusal(&put_together(&foreign)).contains("Expected commitmeta checksum "));
}

#[test]
fn object_sets_hold_files_alone_and_once() {
    let store = MemoryStore::new();
    let commit = sample::small_commit(&store).unwrap();
    let files = ostree_tar::files_of(&store, &commit).unwrap();
    let mut stream = Vec::new();
    ostree_tar::write_chunk_layer(&store, &files, Default::default(), &mut stream).unwrap();
    let pieces = take_apart(&stream);
    let file = position(&pieces, ".file");
    let refused = |pieces: &[Piece]| {
        let stream = put_together(pieces);
        chain(&import_object_set(&stream[..], &MemoryStore::new(), 1).unwrap_err())
    };
    let mut twice = pieces.clone();
    twice.extend_from_slice(&pieces[file - 1..=file]);
    assert!(refused(&twice).contains("Duplicate object: "));
    let (_, whole) = small(Flavour::Links);
    for (extension, text) in [(".commit", "Found multiple commit objects"), (".dirmeta", "in object set mode")] {
        let mut mixed = pieces.clone();
        mixed.push(whole[position(&whole, extension)].clone());
        assert!(refused(&mixed).contains(text));
    }
}

/// Vouches for nothing.
struct Refuse;

impl VerifyCommit for Refuse {
    fn verify_commit(&self, _: &CommitId, _: &[u8], detached: Option<&[u8]>) -> Result<(), VerifyError> {
        assert!(detached.is_some());
        Err(VerifyError::new("no key fits"))
    }
}

#[test]
fn nothing_is_written_before_the_commit_is_verified_and_announced() {
    let store = MemoryStore::new();
    let commit = sample::commit(&store).unwrap();
    let stream = exported(&store, &commit, Flavour::Links);
    let back = MemoryStore::new();
    let options = ImportOptions { verify: Some(&Refuse), ..ImportOptions::default() };
    let refused = ostree_tar::import(&stream[..], &back, options).unwrap_err();
    assert_eq!(chain(&refused), format!("verifying commit {commit} in tar stream: no key fits"));
    assert!(back.names().is_empty());
    let called = Cell::new(0);
    let announce = |id: &CommitId| {
        assert_eq!((*id, back.names().len()), (commit, 0));
        called.set(called.get() + 1);
        Ok(())
    };
    let options = ImportOptions { on_commit: Some(&announce), ..ImportOptions::default() };
    ostree_tar::import(&stream[..], &back, options).unwrap();
    assert_eq!(called.get(), 1);
}

/// Large files go another way than small ones.
#[test]
fn large_files_are_checked_too() {
    let store = MemoryStore::new();
    let commit = sample::commit(&store).unwrap();
    let mut pieces = take_apart(&exported(&store, &commit, Flavour::Links));
    let at = pieces.iter().position(|piece| piece.bytes.len() > 300_000).unwrap();
    let start: usize = pieces[..at].iter().map(|piece| piece.bytes.len()).sum();
    let whole = put_together(&pieces);
    assert_eq!(refusal(&whole[..start + 200_000]), format!("tar stream cut off at byte {}", start + 200_000));
    pieces[at].bytes[100_000] ^= 1;
    let refused = refusal(&put_together(&pieces));
    assert!(refused.starts_with(&format!("tar entry '{}' at byte {start}: Corrupted file object", pieces[at].path)));
}

/// Whichever thread finds an error first, the first of the stream is told.
#[test]
fn the_first_error_of_the_stream_is_told() {
    let store = MemoryStore::new();
    let commit = sample::commit(&store).unwrap();
    let mut pieces = take_apart(&exported(&store, &commit, Flavour::Links));
    let files: Vec<usize> = (0..pieces.len())
        .filter(|&at| pieces[at].path.ends_with(".file") && pieces[at].bytes.len() > pieces[at].content)
        .collect();
    for &at in &files {
        let content = pieces[at].content;
        pieces[at].bytes[content] ^= 1;
    }
    let stream = put_together(&pieces);
    for writers in [0, 1, 2, 7] {
        let options = ImportOptions { writers, ..ImportOptions::default() };
        for _ in 0..10 {
            let error = ostree_tar::import(&stream[..], &MemoryStore::new(), options).unwrap_err();
            assert!(error.to_string().contains(&pieces[files[0]].path), "{error}");
        }
    }
}
