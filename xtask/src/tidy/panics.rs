//! Rule `panics`: nothing in the product ends the process because of its input.

use super::mask::is_word;
use super::problem::Problem;
use super::source::Source;
use super::workspace::Workspace;

/// What must not stand in production code, and what to do instead.
const FORBIDDEN: &[(&str, &str)] = &[
    (".unwrap()", "return the error, or use `expect` with the reason why it holds"),
    (".unwrap_err()", "match on the result"),
    ("panic!", "return an error"),
    ("unreachable!", "make the case impossible by type, or return an error"),
    ("todo!", "finish it"),
    ("unimplemented!", "finish it"),
];

/// Every way to panic that gives no reason.
pub fn check(workspace: &Workspace) -> Vec<Problem> {
    let product = workspace.packages.iter().filter(|package| package.is_product());
    product.flat_map(|package| &package.sources).flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Problem> {
    let code = &source.production;
    let problem = |at: usize, message: String| Problem::new("panics", &source.path, source.line_of(at), message);
    let mut problems = Vec::new();
    for (word, instead) in FORBIDDEN {
        for (at, _) in code.match_indices(word).filter(|(at, _)| word.starts_with('.') || starts_word(code, *at)) {
            problems.push(problem(at, format!("`{}`: {instead}", word.trim_start_matches('.'))));
        }
    }
    for (at, call) in code.match_indices(".expect(") {
        if !gives_reason(code[at + call.len()..].trim_start()) {
            problems.push(problem(at, "`expect` needs a literal or a constant that says why it holds".into()));
        }
    }
    problems
}

/// A literal that is not empty, or a constant that holds one for several places. A call with more than one argument
/// is a method of our own by the same name.
fn gives_reason(arguments: &str) -> bool {
    let (argument, more) = first_argument(arguments);
    let literal = argument.starts_with('"') && !argument.starts_with("\"\"");
    let name = argument.rsplit("::").next().unwrap_or_default();
    literal || more || (!name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
}

/// The first argument of a call, and whether others follow it.
fn first_argument(arguments: &str) -> (&str, bool) {
    let mut depth = 0usize;
    for (at, byte) in arguments.bytes().enumerate() {
        match byte {
            b'(' | b'[' | b'{' => depth += 1,
            b')' if depth == 0 => return (arguments[..at].trim(), false),
            b')' | b']' | b'}' => depth = depth.saturating_sub(1),
            b',' if depth == 0 => {
                let more = !arguments[at + 1..].trim_start().starts_with(')');
                return (arguments[..at].trim(), more);
            }
            _ => {}
        }
    }
    (arguments, false)
}

fn starts_word(code: &str, at: usize) -> bool {
    at == 0 || !is_word(code.as_bytes()[at - 1])
}

#[cfg(test)]
mod tests {
    use super::super::workspace::sample;
    use super::*;

    fn count(name: &str, text: &str) -> usize {
        check(&sample::workspace(name, &[("x.rs", text)])).len()
    }

    #[test]
    fn panics_are_found_in_production_only() {
        assert_eq!(count("oci-image", "fn f() { a.unwrap(); panic!(); unreachable!(); todo!() }"), 4);
        assert_eq!(
            count("oci-image", "#[test]\nfn f() { a.unwrap(); }\n// a.unwrap()\nconst A: &str = \"panic!\";"),
            0
        );
        assert_eq!(count("testkit", "fn f() { a.unwrap(); }"), 0);
        assert_eq!(count("oci-image", "my_panic!()"), 0);
    }

    #[test]
    fn expect_needs_its_reason() {
        assert_eq!(count("oci-image", "fn f() { a.expect(why); a.expect(\"\"); a.expect(&format!(\"x\")) }"), 3);
        assert_eq!(count("oci-image", "fn f() { a.expect(\n    \"the length was checked above\") }"), 0);
        assert_eq!(count("oci-image", "fn f() { a.expect(CHECKED); a.expect(limits::WHY) }"), 0);
        assert_eq!(count("oci-image", "fn f() { session.expect(send(a, b), &[200]) }"), 0);
    }
}
