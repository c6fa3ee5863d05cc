//! Runs the transcripts in `testdata/cli` with the built binary and compares what it prints.
//!
//! A line `$ FACE ARGS…` runs the program by that name; the lines after it are what it prints to standard output and then
//! to standard error, and `? CODE` its exit code where that is not 0. `[..]` stands for anything within a line. `+ PATH TEXT`
//! writes a file of one line first, `- PATH` removes a file or directory. `BLESS=1` rewrites the expected lines.

use std::fmt::Write as _;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::process::Command;

const FACES: [&str; 3] = ["ostree-container", "ostree", "ostree-ext-cli"];

#[test]
fn transcripts() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../testdata/cli");
    let mut paths: Vec<PathBuf> = fs::read_dir(directory)
        .expect("testdata/cli is there")
        .map(|entry| entry.expect("it can be listed").path())
        .collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "txt"));
    paths.sort();
    assert!(paths.len() >= 4, "transcripts are missing");
    let failed: Vec<String> = paths.iter().filter_map(|path| run(path).err()).collect();
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}

/// Runs one transcript; an error shows the first difference.
fn run(path: &Path) -> Result<(), String> {
    let expected = fs::read_to_string(path).expect("the transcript can be read");
    let scratch = tempfile::tempdir().expect("a scratch directory can be made");
    for face in FACES {
        symlink(env!("CARGO_BIN_EXE_ostree-container"), scratch.path().join(face)).expect("a symlink can be made");
    }
    let mut actual = String::new();
    for line in expected.lines() {
        let step = match line.split_at_checked(2) {
            Some(("$ ", command)) => execute(scratch.path(), command),
            Some(("+ ", file)) => write_file(scratch.path(), file),
            Some(("- ", name)) => remove(&scratch.path().join(name)),
            _ if line.starts_with('#') => String::new(),
            _ => continue,
        };
        actual.push_str(line);
        actual.push('\n');
        actual.push_str(&step);
    }
    if std::env::var_os("BLESS").is_some() {
        return fs::write(path, keep_patterns(&expected, &actual)).map_err(|problem| problem.to_string());
    }
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let mut wanted = expected.lines();
    for (index, line) in actual.lines().enumerate() {
        let want = wanted.next().unwrap_or("[nothing]");
        if !matches(want, line) {
            return Err(format!("{name}:{}:\n  expected: {want}\n  printed:  {line}", index + 1));
        }
    }
    wanted.next().map_or(Ok(()), |left| Err(format!("{name}: not printed: {left}")))
}

/// `actual` with the lines of `expected` that hold a pattern, where they still fit behind the same line.
fn keep_patterns(expected: &str, actual: &str) -> String {
    let pairs = |text: &'_ str| -> Vec<(String, String)> {
        let before = std::iter::once("").chain(text.lines()).map(str::to_owned);
        before.zip(text.lines().map(str::to_owned)).collect()
    };
    let patterns: Vec<_> = pairs(expected).into_iter().filter(|(_, line)| line.contains("[..]")).collect();
    let mut blessed = String::new();
    for (before, line) in pairs(actual) {
        let kept = patterns.iter().find(|(known, pattern)| *known == before && matches(pattern, &line));
        blessed.push_str(kept.map_or(&line, |(_, pattern)| pattern));
        blessed.push('\n');
    }
    blessed
}

/// What the program prints, and its exit code where that is not 0.
fn execute(scratch: &Path, command: &str) -> String {
    let mut words = split(command).into_iter();
    let face = words.next().expect("a command has a name");
    assert!(FACES.contains(&face.as_str()), "{face} is no name of the program");
    let output = Command::new(scratch.join(face))
        .args(words)
        .current_dir(scratch)
        .env_clear()
        .env("TZ", "UTC")
        .env("HOME", scratch)
        .output()
        .expect("the program starts");
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    if !text.is_empty() && !text.ends_with('\n') {
        text.push('\n');
    }
    match output.status.code() {
        Some(0) => {}
        code => {
            writeln!(text, "? {}", code.map_or("signal".to_owned(), |code| code.to_string())).expect("a string grows")
        }
    }
    text
}

fn write_file(scratch: &Path, words: &str) -> String {
    let (name, text) = words.split_once(' ').unwrap_or((words, ""));
    let path = scratch.join(name);
    fs::create_dir_all(path.parent().expect("a file has a parent")).expect("a directory can be made");
    fs::write(path, format!("{text}\n")).expect("a file can be written");
    String::new()
}

fn remove(path: &Path) -> String {
    let removed = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
    removed.expect("what is there can be removed");
    String::new()
}

/// Words between blanks; single quotes keep blanks together.
fn split(command: &str) -> Vec<String> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut quoted = false;
    for c in command.chars() {
        match c {
            '\'' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            ' ' if !quoted => words.extend(word.take()),
            c => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    words
}

/// Whether `line` is `pattern`, in which `[..]` stands for anything.
fn matches(pattern: &str, line: &str) -> bool {
    let mut parts = pattern.split("[..]");
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else { return false };
    let parts: Vec<&str> = parts.collect();
    let Some((last, middle)) = parts.split_last() else { return rest.is_empty() };
    for part in middle {
        let Some((_, after)) = rest.split_once(part) else { return false };
        rest = after;
    }
    rest.ends_with(last)
}
