//! Every target on its seeds, on what once broke it, and on some hundred mutations, the same ones each time.

use std::path::{Path, PathBuf};

use ostree_container_fuzz::mutate::{Random, mutate};
use ostree_container_fuzz::{TARGETS, Target};

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The inputs in `testdata/corpus/NAME`, in order of their names.
fn corpus(target: &Target) -> Vec<(String, Vec<u8>)> {
    let Ok(entries) = std::fs::read_dir(top().join("testdata/corpus").join(target.name)) else { return Vec::new() };
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.expect("readable corpus").path()).collect();
    paths.sort();
    paths.into_iter().map(|path| (path.display().to_string(), std::fs::read(&path).expect("readable input"))).collect()
}

/// Runs the target and, when it panics, says on what.
fn run(target: &Target, what: &str, input: &[u8]) {
    if let Err(panic) = std::panic::catch_unwind(|| (target.run)(input)) {
        eprintln!("{} broke on {what}: {}", target.name, input.escape_ascii());
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn what_once_broke_a_target_stays_mended() {
    for target in TARGETS {
        for (path, input) in corpus(target) {
            run(target, &path, &input);
        }
    }
}

#[test]
fn every_corpus_folder_has_a_target() {
    let Ok(entries) = std::fs::read_dir(top().join("testdata/corpus")) else { return };
    for entry in entries {
        let name = entry.expect("readable corpus").file_name();
        assert!(TARGETS.iter().any(|target| name == target.name), "{} has no target", name.display());
    }
}

#[test]
fn seeds_and_their_mutations_hold() {
    for (number, target) in TARGETS.iter().enumerate() {
        let seeds = (target.seeds)();
        assert!(!seeds.is_empty(), "{} has no seeds", target.name);
        let mut random = Random::new(number as u64);
        for seed in &seeds {
            run(target, "a seed", seed);
        }
        for turn in 0..target.mutations {
            let seed = &seeds[turn % seeds.len()];
            let other = &seeds[random.below(seeds.len())];
            run(target, "a mutation", &mutate(seed, other, &mut random));
        }
    }
}

#[test]
fn libfuzzer_knows_every_target() {
    let manifest = std::fs::read_to_string(top().join("fuzz/cargo-fuzz/Cargo.toml")).expect("readable manifest");
    for target in TARGETS {
        let name = target.name;
        let source = std::fs::read_to_string(top().join(format!("fuzz/fuzz_targets/{name}.rs"))).expect("its file");
        assert!(source.contains(&format!("ostree_container_fuzz::{name}::run(data)")), "{name}");
        assert!(manifest.contains(&format!("path = \"../fuzz_targets/{name}.rs\"")), "{name}");
    }
}
