//! Reads case files: the text form of conformance cases (its grammar stands in `cases/README.md`).

use super::case::{Case, Demand, Expect, Judge, LockKind, Look, Pairing, Role, Step};
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;

/// One case as written, before its variants are spelled out.
struct Draft {
    name: String,
    axes: Vec<(String, Vec<String>)>,
    needs: Vec<String>,
    slow: bool,
    pairings: Vec<Pairing>,
    judge: Judge,
    steps: Vec<(usize, Step)>,
}

impl Draft {
    fn new(name: String) -> Self {
        Self {
            name,
            axes: Vec::new(),
            needs: Vec::new(),
            slow: false,
            pairings: Pairing::ALL.to_vec(),
            judge: Judge::Reference,
            steps: Vec::new(),
        }
    }

    /// Every variant as a case of its own.
    fn expand(&self) -> Vec<Case> {
        let mut variants: Vec<BTreeMap<String, String>> = vec![BTreeMap::new()];
        for (key, values) in &self.axes {
            variants = variants
                .iter()
                .flat_map(|known| {
                    values.iter().map(|value| {
                        let mut variant = known.clone();
                        variant.insert(key.clone(), value.clone());
                        variant
                    })
                })
                .collect();
        }
        variants.into_iter().map(|variables| self.variant(variables)).collect()
    }

    fn variant(&self, variables: BTreeMap<String, String>) -> Case {
        let values: Vec<&str> =
            self.axes.iter().filter_map(|(key, _)| variables.get(key)).map(String::as_str).collect();
        let name = if values.is_empty() { self.name.clone() } else { format!("{}[{}]", self.name, values.join(",")) };
        Case {
            name,
            needs: self.needs.clone(),
            slow: self.slow,
            pairings: self.pairings.clone(),
            judge: self.judge.clone(),
            steps: self.steps.clone(),
            variables,
        }
    }
}

/// Every case of one file; `component` goes before each name.
///
/// # Errors
/// A line that is no statement, with its number.
pub fn parse(component: &str, text: &str) -> Result<Vec<Case>> {
    let mut drafts: Vec<Draft> = Vec::new();
    for (number, line) in logical_lines(text) {
        if let Some(name) = line.strip_prefix("## ") {
            drafts.push(Draft::new(format!("{component}/{}", name.trim())));
            continue;
        }
        let at = || format!("{component}.cases line {number}: {line}");
        let draft = drafts.last_mut().with_context(|| format!("statement before the first case: {}", at()))?;
        if let Some(directive) = line.strip_prefix('@') {
            apply_directive(draft, directive).with_context(at)?;
        } else {
            draft.steps.push((number, parse_step(&line).with_context(at)?));
        }
    }
    Ok(drafts.iter().flat_map(Draft::expand).collect())
}

/// Lines without comments and blanks; an indented line goes on with the one before it.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut lines: Vec<(usize, String)> = Vec::new();
    for (index, raw) in text.lines().enumerate() {
        if raw.trim().is_empty() || raw.starts_with("# ") || raw == "#" {
            continue;
        }
        match lines.last_mut() {
            Some((_, last)) if raw.starts_with("  ") => {
                // An option goes on with its command; anything else is a line of its own.
                last.push(if raw.trim_start().starts_with('-') { ' ' } else { '\n' });
                last.push_str(raw.trim());
            }
            _ => lines.push((index + 1, raw.trim_end().to_owned())),
        }
    }
    lines
}

fn apply_directive(draft: &mut Draft, directive: &str) -> Result<()> {
    let (word, rest) = directive.split_once(' ').unwrap_or((directive, ""));
    let words: Vec<String> = rest.split_whitespace().map(str::to_owned).collect();
    match word {
        "each" => {
            let (key, values) = words.split_first().context("@each wants a variable and its values")?;
            draft.axes.push((key.clone(), values.to_vec()));
        }
        "needs" => draft.needs.extend(words),
        "slow" => draft.slow = true,
        "pairs" => draft.pairings = words.iter().map(|word| parse_pairing(word)).collect::<Result<_>>()?,
        "defect" => draft.judge = Judge::Defect(rest.to_owned()),
        "demands" => draft.judge = Judge::Demands(rest.to_owned()),
        _ => bail!("unknown directive @{word}"),
    }
    Ok(())
}

fn parse_pairing(word: &str) -> Result<Pairing> {
    Pairing::ALL.into_iter().find(|pairing| pairing.word() == word).with_context(|| format!("unknown pairing {word}"))
}

fn parse_step(line: &str) -> Result<Step> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let rest = rest.trim();
    let run = |role, demand| Step::Run { role, demand, command: rest.to_owned() };
    Ok(match word {
        "$" => run(Role::Neutral, Demand::SucceedQuietly),
        "+" => parse_make(rest)?,
        "=" => Step::Look(parse_look(rest)?),
        ">" => Step::Expect(Expect::Contains(rest.to_owned())),
        ">=" => Step::Expect(Expect::Equals(rest.to_owned())),
        ">!" => Step::Expect(Expect::Lacks(rest.to_owned())),
        "2>" => Step::Expect(Expect::ErrorContains(rest.to_owned())),
        _ => {
            let mut letters = word.chars();
            let role = match letters.next() {
                Some('w') => Role::Writer,
                Some('r') => Role::Reader,
                _ => bail!("unknown statement {word}"),
            };
            run(role, parse_demand(letters.as_str())?)
        }
    })
}

fn parse_demand(mark: &str) -> Result<Demand> {
    Ok(match mark {
        "" => Demand::Succeed,
        "q" => Demand::SucceedQuietly,
        "!" => Demand::FailAlike,
        "~" => Demand::Fail,
        "?" => Demand::Any,
        _ => bail!("unknown mark {mark}"),
    })
}

fn parse_make(rest: &str) -> Result<Step> {
    let words: Vec<&str> = rest.split_whitespace().collect();
    Ok(match words.as_slice() {
        ["sample", name, dir] => Step::Sample { name: (*name).to_owned(), dir: (*dir).to_owned() },
        ["xattr", path, name, hex] => {
            Step::Xattr { path: (*path).to_owned(), name: (*name).to_owned(), hex: (*hex).to_owned() }
        }
        ["noise", path, length] => Step::Noise { path: (*path).to_owned(), length: length.parse()? },
        ["lock", kind, repo] => Step::Lock { repo: (*repo).to_owned(), kind: Some(parse_lock(kind)?) },
        ["unlock", repo] => Step::Lock { repo: (*repo).to_owned(), kind: None },
        _ => bail!("unknown thing to make"),
    })
}

fn parse_lock(word: &str) -> Result<LockKind> {
    Ok(match word {
        "shared" => LockKind::Shared,
        "exclusive" => LockKind::Exclusive,
        _ => bail!("unknown lock {word}"),
    })
}

fn parse_look(rest: &str) -> Result<Look> {
    let (word, tail) = rest.split_once(' ').unwrap_or((rest, ""));
    let words: Vec<&str> = tail.split_whitespace().collect();
    Ok(match (word, words.as_slice()) {
        ("sh", _) => Look::Shell(tail.to_owned()),
        ("objects", [repo]) => Look::Objects { repo: (*repo).to_owned(), mtime: true },
        ("objects", [repo, "untimed"]) => Look::Objects { repo: (*repo).to_owned(), mtime: false },
        ("refs", [repo]) => Look::Refs((*repo).to_owned()),
        ("skeleton", [repo]) => Look::Skeleton((*repo).to_owned()),
        ("tree", [dir]) => Look::Tree { dir: (*dir).to_owned(), mtime: false },
        ("tree", [dir, "mtime"]) => Look::Tree { dir: (*dir).to_owned(), mtime: true },
        ("links", [dir, repo]) => Look::Links { dir: (*dir).to_owned(), repo: (*repo).to_owned() },
        ("file", [path]) => Look::File((*path).to_owned()),
        ("oci", [dir]) => Look::Oci((*dir).to_owned()),
        _ => bail!("unknown look"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variants_and_continuations() {
        let text = "# note\n## init\n@each MODE bare archive\n@needs root\nw ostree --repo=r init\n    --mode=$MODE\n  true\n= objects r\n";
        let cases = parse("repo", text).expect("sound text");
        assert_eq!(cases.len(), 2);
        assert_eq!(cases[1].name, "repo/init[archive]");
        assert_eq!(cases[1].needs, ["root"]);
        let Step::Run { role, command, .. } = &cases[0].steps[0].1 else { panic!("a run") };
        assert_eq!((*role, command.as_str()), (Role::Writer, "ostree --repo=r init --mode=$MODE\ntrue"));
    }

    #[test]
    fn nonsense_is_refused_with_its_line() {
        let problem = parse("repo", "## x\nz ostree\n").expect_err("no statement");
        assert!(format!("{problem:#}").contains("line 2"), "{problem:#}");
        assert!(parse("repo", "## x\n= nothing r\n").is_err());
        assert!(parse("repo", "w ostree\n").is_err());
    }
}
