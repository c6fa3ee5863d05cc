//! One measured run: wall and CPU time and the peak memory of the largest process, by GNU time.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::sh::{self, Cmd, cmd};

/// What one run took.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Wall time in seconds, the data on disk at its end.
    pub wall: f64,
    /// CPU time of all processes in seconds.
    pub cpu: f64,
    /// Peak resident memory of the largest process in KiB.
    pub peak_kib: u64,
}

/// Runs `command` from a quiet start and measures it until everything below `scratch` is on disk.
///
/// # Errors
/// The command fails, or GNU time is not there.
pub fn measure(command: &Cmd, scratch: &Path) -> Result<Sample> {
    cmd("sync").read()?;
    let times = scratch.with_extension("times");
    let Some(time) = sh::which("time") else { bail!("GNU time is not installed") };
    // Some contenders leave their data to the page cache: all of them have it on disk when the clock stops.
    let words = command.words();
    cmd(time)
        .args(["--format=%e %U %S %M", "--quiet", "--output"])
        .arg(&times)
        .args(["sh", "-c", r#"out=$1; shift; "$@" >/dev/null && sync -f "$out""#, "sh"])
        .arg(scratch)
        .args(words)
        .read()?;
    let text = std::fs::read_to_string(&times).with_context(|| format!("read {}", times.display()))?;
    parse(&text).with_context(|| format!("{} holds {text:?}", times.display()))
}

fn parse(text: &str) -> Result<Sample> {
    let fields: Vec<&str> = text.split_whitespace().collect();
    let [wall, user, system, peak] = fields[..] else { bail!("four numbers were expected") };
    Ok(Sample { wall: wall.parse()?, cpu: user.parse::<f64>()? + system.parse::<f64>()?, peak_kib: peak.parse()? })
}

/// The middle value; of an even number of them the mean of the two in the middle. `None` of no values.
pub fn median(values: impl Iterator<Item = f64>) -> Option<f64> {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    let upper = *values.get(values.len() / 2)?;
    let lower = *values.get((values.len() - 1) / 2)?;
    Some((lower + upper) / 2.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_time_writes_is_read() {
        assert_eq!(parse("1.50 2.00 0.25 10240\n").unwrap(), Sample { wall: 1.5, cpu: 2.25, peak_kib: 10240 });
        assert!(parse("Command exited with non-zero status 1\n1 2 3 4").is_err());
    }

    #[test]
    fn the_median_is_the_middle() {
        assert_eq!(median([3.0, 1.0, 2.0].into_iter()), Some(2.0));
        assert_eq!(median([4.0, 1.0].into_iter()), Some(2.5));
        assert_eq!(median(std::iter::empty()), None);
    }
}
