//! A Rust file as the rules see it: its code, its literals, and which of its lines are tests.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::mask::{self, Literal};

/// One Rust file.
#[derive(Debug)]
pub struct Source {
    /// Relative to the top of the workspace.
    pub path: PathBuf,
    /// As it stands on disk.
    pub text: String,
    /// Code alone, tests included.
    pub code: String,
    /// Code alone, tests blanked: empty but for line ends in a file of tests.
    pub production: String,
    /// String literals outside of tests.
    pub literals: Vec<Literal>,
    /// Modules that the file declares for tests only and that stand in files of their own.
    pub test_modules: Vec<String>,
    /// Number of lines outside of tests.
    pub production_lines: usize,
}

impl Source {
    /// Reads `text` as the file `path`.
    pub fn parse(path: &Path, text: &str) -> Self {
        let masked = mask::mask(text);
        let whole = is_test_path(path) || masked.code.contains("#![cfg(test)]");
        let all = 0..masked.code.len();
        let regions = if whole { Vec::from([all]) } else { test_regions(&masked.code) };
        let test_modules = regions.iter().filter_map(|region| module_declared(&masked.code[region.clone()])).collect();
        let mut source = Self {
            path: path.to_owned(),
            text: text.to_owned(),
            production: String::new(),
            literals: masked.literals,
            test_modules,
            production_lines: 0,
            code: masked.code,
        };
        source.leave_out(&regions);
        source
    }

    /// Treats the whole file as tests, because its parent declares it so.
    pub fn mark_as_test(&mut self) {
        let all = 0..self.code.len();
        self.leave_out(&[all]);
    }

    /// The line on which byte `at` of the code stands, from 1.
    pub fn line_of(&self, at: usize) -> usize {
        line_of(&self.code, at)
    }

    fn leave_out(&mut self, regions: &[Range<usize>]) {
        let mut bytes = self.code.clone().into_bytes();
        for byte in regions.iter().flat_map(|region| region.clone()) {
            if bytes[byte] != b'\n' {
                bytes[byte] = b' ';
            }
        }
        self.production = String::from_utf8_lossy(&bytes).into_owned();
        let lines: Vec<_> = regions.iter().map(|region| self.lines_of(region)).collect();
        let in_test = |line: usize| lines.iter().any(|lines| lines.contains(&line));
        self.literals.retain(|literal| !in_test(literal.line));
        self.production_lines = (1..=self.text.lines().count()).filter(|line| !in_test(*line)).count();
    }

    fn lines_of(&self, region: &Range<usize>) -> Range<usize> {
        self.line_of(region.start)..self.line_of(region.end.saturating_sub(1)) + 1
    }
}

/// The line on which byte `at` of `code` stands, from 1.
pub fn line_of(code: &str, at: usize) -> usize {
    1 + code.as_bytes()[..at.min(code.len())].iter().filter(|byte| **byte == b'\n').count()
}

/// Where each whole word `word` begins in `code`.
pub fn words<'a>(code: &'a str, word: &'a str) -> impl Iterator<Item = usize> + 'a {
    let bytes = code.as_bytes();
    code.match_indices(word).map(|(at, _)| at).filter(move |at| {
        let before = *at > 0 && mask::is_word(bytes[at - 1]);
        let after = bytes.get(at + word.len()).is_some_and(|byte| mask::is_word(*byte));
        !before && !after
    })
}

/// The end of the item that begins at or after `from`: past its `;`, or past the brace that closes its body.
/// The second value tells whether it has a body.
pub fn item_end(code: &str, from: usize) -> (usize, bool) {
    let mut inside = 0usize;
    for (at, byte) in code.bytes().enumerate().skip(from) {
        match byte {
            b'(' | b'[' => inside += 1,
            b')' | b']' => inside = inside.saturating_sub(1),
            b';' if inside == 0 => return (at + 1, false),
            b'{' if inside == 0 => return (closing_brace(code, at), true),
            _ => {}
        }
    }
    (code.len(), false)
}

fn closing_brace(code: &str, open: usize) -> usize {
    let mut depth = 0usize;
    for (at, byte) in code.bytes().enumerate().skip(open) {
        match byte {
            b'{' => depth += 1,
            b'}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return at + 1;
        }
    }
    code.len()
}

fn is_test_path(path: &Path) -> bool {
    let in_folder =
        path.components().any(|part| matches!(part.as_os_str().to_str(), Some("tests" | "benches" | "examples")));
    in_folder || path.file_name().is_some_and(|name| name == "tests.rs")
}

/// The items under `#[cfg(test)]` and `#[test]`, attributes included.
fn test_regions(code: &str) -> Vec<Range<usize>> {
    let mut regions: Vec<Range<usize>> = Vec::new();
    for start in ["#[cfg(test", "#[cfg(all(test", "#[test]"].iter().flat_map(|mark| code.match_indices(mark)) {
        let end = item_end(code, past_attributes(code, start.0)).0;
        regions.push(start.0..end);
    }
    regions.sort_by_key(|region| region.start);
    regions
}

fn past_attributes(code: &str, mut at: usize) -> usize {
    while code[at..].trim_start().starts_with("#[") {
        let open = at + code[at..].find('[').unwrap_or(0);
        let mut depth = 0usize;
        for (offset, byte) in code.bytes().enumerate().skip(open) {
            match byte {
                b'[' => depth += 1,
                b']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                at = offset + 1;
                break;
            }
        }
        if depth != 0 {
            return code.len();
        }
    }
    at
}

fn module_declared(item: &str) -> Option<String> {
    let at = words(item, "mod").next()?;
    let name = item[at + 3..].trim_end().strip_suffix(';')?.trim();
    name.bytes().all(mask::is_word).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Source {
        Source::parse(Path::new("crates/a/src/b.rs"), text)
    }

    #[test]
    fn test_modules_are_no_production() {
        let source = parse("fn a() {}\n#[cfg(test)]\nmod tests {\n    fn b() { x(\"l\") }\n}\nfn c() {}\n");
        assert_eq!(source.production_lines, 2);
        assert!(!source.production.contains("fn b") && source.production.contains("fn c"));
        assert!(source.literals.is_empty());
    }

    #[test]
    fn a_single_test_function_is_no_production() {
        let source = parse("#[test]\n#[ignore = \"x\"]\nfn a(x: [u8; 3]) {\n}\nfn c() {}\n");
        assert_eq!(source.production_lines, 1);
    }

    #[test]
    fn a_test_module_in_its_own_file_is_told() {
        assert_eq!(parse("#[cfg(test)]\nmod samples;\nmod other;").test_modules, ["samples"]);
    }

    #[test]
    fn folders_of_tests_are_tests() {
        let source = Source::parse(Path::new("crates/a/tests/all.rs"), "fn a() {}\n");
        assert_eq!(source.production_lines, 0);
    }
}
