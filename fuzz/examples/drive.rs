//! Runs fuzz targets for as long as asked: `drive TARGET|all SECONDS [SEED]`. Inputs that break one go to `testdata/corpus`.

use std::path::Path;
use std::time::{Duration, Instant};

use ostree_container_fuzz::mutate::{Random, mutate};
use ostree_container_fuzz::{TARGETS, Target};

fn main() {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let name = arguments.first().map_or("all", String::as_str);
    let number = |at: usize, default: u64| arguments.get(at).map_or(Some(default), |text| text.parse().ok());
    let (Some(seconds), Some(seed)) = (number(1, 10), number(2, 1)) else {
        eprintln!("usage: drive TARGET|all SECONDS [SEED]");
        std::process::exit(2);
    };
    let mut broken = false;
    for target in TARGETS.iter().filter(|target| name == "all" || name == target.name) {
        broken |= drive(target, Duration::from_secs(seconds), seed);
    }
    std::process::exit(broken.into());
}

/// Whether the target broke. Now and then an input joins the seeds, so that changes add up.
fn drive(target: &Target, time: Duration, seed: u64) -> bool {
    let mut pool = (target.seeds)();
    let mut random = Random::new(seed);
    let (start, mut turns) = (Instant::now(), 0u64);
    while start.elapsed() < time {
        let from = random.below(pool.len());
        let other = random.below(pool.len());
        let input = mutate(&pool[from], &pool[other], &mut random);
        turns += 1;
        if std::panic::catch_unwind(|| (target.run)(&input)).is_err() {
            keep(target, &input, turns);
            return true;
        }
        if pool.len() < 2000 && random.below(50) == 0 {
            pool.push(input);
        }
    }
    println!("{}: {turns} inputs", target.name);
    false
}

fn keep(target: &Target, input: &[u8], turn: u64) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../testdata/corpus").join(target.name);
    let path = folder.join(format!("drive-{turn}"));
    let kept = std::fs::create_dir_all(&folder).and_then(|()| std::fs::write(&path, input));
    println!("{}: broke at input {turn}, kept as {} ({kept:?})", target.name, path.display());
}
