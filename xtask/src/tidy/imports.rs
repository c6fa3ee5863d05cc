//! The paths by which one file reaches into another: `use` declarations and paths written out in code.

use super::mask::is_word;
use super::source::{line_of, words};

/// One path, as written: `["crate", "a", "B"]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Import {
    /// The line on which the declaration or path begins, from 1.
    pub line: usize,
    /// Its segments; a glob ends in `*`.
    pub path: Vec<String>,
    /// The name it goes by in the file: the last segment, or what follows `as`.
    pub name: String,
    /// Whether it is a `pub use` of any visibility.
    pub public: bool,
    /// Whether it is a path in code and not a `use`.
    pub in_code: bool,
}

/// Every import of `code`, in which comments and literals are blank.
pub fn imports(code: &str) -> Vec<Import> {
    let mut found = Vec::new();
    let mut rest = code.as_bytes().to_vec();
    for at in words(code, "use") {
        let body = &code[at + 3..];
        let Some(end) = body.find(';').filter(|_| !body.trim_start().starts_with('<')) else { continue };
        let line = line_of(code, at);
        let public = is_public(&code[..at]);
        for (path, name) in expand(&body[..end]) {
            found.push(Import { line, path, name, public, in_code: false });
        }
        rest[at..at + 3 + end].fill(b' ');
    }
    // Line numbers are counted in `code`: the blanks above may have swallowed line ends.
    found.extend(paths_in_code(&String::from_utf8_lossy(&rest), code));
    found
}

fn is_public(before: &str) -> bool {
    let before = before.trim_end();
    let bare = match before.strip_suffix(')') {
        Some(inside) => inside.rsplit_once('(').map_or(inside, |(start, _)| start).trim_end(),
        None => before,
    };
    words(bare, "pub").last().is_some_and(|at| at + 3 == bare.len())
}

/// `a::{b, c::{self, d as e}}` as its single paths, each with the name it goes by.
fn expand(tree: &str) -> Vec<(Vec<String>, String)> {
    let tree = tree.trim();
    let Some(open) = tree.find('{') else {
        let (path, alias) = tree.split_once(" as ").map_or((tree, None), |(path, alias)| (path, Some(alias.trim())));
        let path = segments(path);
        let name = alias.map(str::to_owned).or_else(|| path.last().cloned()).unwrap_or_default();
        return if path.is_empty() { Vec::new() } else { vec![(path, name)] };
    };
    let prefix = segments(&tree[..open]);
    let inside = tree[open + 1..].trim_end().trim_end_matches('}');
    let close = tree.rfind('}').unwrap_or(tree.len());
    let inside = tree.get(open + 1..close).unwrap_or(inside);
    let mut found = Vec::new();
    for (mut path, mut name) in split_commas(inside).into_iter().flat_map(expand) {
        if path == ["self"] {
            path.clear();
            if name == "self" {
                name = prefix.last().cloned().unwrap_or_default();
            }
        }
        found.push((prefix.iter().cloned().chain(path).collect(), name));
    }
    found
}

fn segments(path: &str) -> Vec<String> {
    path.split("::").map(str::trim).filter(|segment| !segment.is_empty()).map(str::to_owned).collect()
}

fn split_commas(list: &str) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut depth, mut start) = (0usize, 0);
    for (at, byte) in list.bytes().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                parts.push(&list[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[start..]);
    parts
}

/// Paths of at least two segments that begin with a word, such as `crate::a::b` or `child::f`.
fn paths_in_code(rest: &str, code: &str) -> Vec<Import> {
    let bytes = rest.as_bytes();
    let mut found = Vec::new();
    let mut at = 0;
    while at < bytes.len() {
        if !is_word(bytes[at]) {
            at += 1;
            continue;
        }
        let follows_path = rest[..at].ends_with("::") || rest[..at].ends_with('.');
        let (path, end) = path_at(rest, at);
        if path.len() > 1 && !follows_path {
            let name = path.last().cloned().unwrap_or_default();
            found.push(Import { line: line_of(code, at), path, name, public: false, in_code: true });
        }
        at = end;
    }
    found
}

fn path_at(text: &str, start: usize) -> (Vec<String>, usize) {
    let bytes = text.as_bytes();
    let mut path = Vec::new();
    let mut at = start;
    loop {
        let end = at + bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
        path.push(text[at..end].to_owned());
        let next_is_word = bytes.get(end + 2).is_some_and(|byte| is_word(*byte));
        if !text[end..].starts_with("::") || !next_is_word {
            return (path, end);
        }
        at = end + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(code: &str) -> Vec<String> {
        imports(code).iter().map(|import| import.path.join("::")).collect()
    }

    #[test]
    fn trees_are_expanded() {
        let found = paths("use crate::{a::{self, B}, c::d as e,\n f::*};");
        assert_eq!(found, ["crate::a", "crate::a::B", "crate::c::d", "crate::f::*"]);
    }

    #[test]
    fn names_and_visibility_are_kept() {
        let found = imports("pub(crate) use a::B as C;\nuse d::{self};\nfn f() -> impl X + use<'a> {}");
        let seen: Vec<_> = found.iter().map(|import| (import.name.as_str(), import.public, import.line)).collect();
        assert_eq!(seen, [("C", true, 1), ("d", false, 2)]);
    }

    #[test]
    fn paths_in_code_are_found_with_their_line() {
        let found = imports("use a::\n  b;\nfn f() { crate::x::y::<u8>(child::Z) }");
        assert_eq!(found[1].path, ["crate", "x", "y"]);
        assert_eq!((found[2].path.join("::"), found[2].line), ("child::Z".into(), 3));
    }
}
