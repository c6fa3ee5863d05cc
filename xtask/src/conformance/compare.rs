//! Compares two transcripts of one case, step by step.

use std::fmt::Write as _;

/// What one step left to compare.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// The step, as its file and line and text.
    pub label: String,
    /// The comparable outcome.
    pub text: String,
}

/// Everything one run of a case left to compare.
pub type Transcript = Vec<Record>;

/// At most this many differing lines are shown of one step.
const SHOWN_LINES: usize = 8;

/// The first step at which `found` is not `expected`, as a short report.
pub fn difference(expected: &Transcript, found: &Transcript) -> Option<String> {
    for (index, wanted) in expected.iter().enumerate() {
        let Some(got) = found.get(index) else {
            return Some(format!("{}\n  was not reached", wanted.label));
        };
        if got != wanted {
            return Some(format!("{}\n{}", wanted.label, differing_lines(&wanted.text, &got.text)));
        }
    }
    found.get(expected.len()).map(|extra| format!("{}\n  only in this run", extra.label))
}

/// The differing middle of two texts, as `-` (expected) and `+` (found) lines.
fn differing_lines(expected: &str, found: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), found.lines().collect());
    let common = old.iter().zip(&new).take_while(|(a, b)| a == b).count();
    let rest = old.len().min(new.len()) - common;
    let tail = old.iter().rev().zip(new.iter().rev()).take(rest).take_while(|(a, b)| a == b).count();
    let mut text = String::new();
    // Where no line was added or lost, lines that agree in between are left out as well.
    let paired = old.len() == new.len();
    for (mark, lines, others) in [('-', &old, &new), ('+', &new, &old)] {
        let middle = lines.get(common..lines.len() - tail).unwrap_or_default();
        let differs = |(at, line): &(usize, &&str)| !paired || others.get(common + at) != Some(line);
        let middle: Vec<&str> = middle.iter().enumerate().filter(differs).map(|(_, line)| *line).collect();
        for line in middle.iter().take(SHOWN_LINES) {
            writeln!(text, "  {mark} {line}").expect("writing to a string cannot fail");
        }
        if middle.len() > SHOWN_LINES {
            writeln!(text, "  {mark} … {} more lines", middle.len() - SHOWN_LINES)
                .expect("writing to a string cannot fail");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(label: &str, text: &str) -> Record {
        Record { label: label.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn equal_and_unequal() {
        let one = vec![record("a", "1\n2\n3\n"), record("b", "x\n")];
        assert_eq!(difference(&one, &one.clone()), None);
        let two = vec![record("a", "1\nnew\n3\n"), record("b", "x\n")];
        assert_eq!(difference(&one, &two).as_deref(), Some("a\n  - 2\n  + new\n"));
        let far = vec![record("a", "x\n2\ny\n")];
        assert_eq!(difference(&one[..1].to_vec(), &far).as_deref(), Some("a\n  - 1\n  - 3\n  + x\n  + y\n"));
        assert_eq!(difference(&one, &one[..1].to_vec()).as_deref(), Some("b\n  was not reached"));
        assert_eq!(difference(&one[..1].to_vec(), &one).as_deref(), Some("b\n  only in this run"));
    }
}
