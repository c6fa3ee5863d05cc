//! Rule `unsafety`: no unsafe block, and no way around the lint that denies it.

use super::problem::Problem;
use super::source::words;
use super::workspace::Workspace;

/// Every use of `unsafe`, tests included.
pub fn check(workspace: &Workspace) -> Vec<Problem> {
    let mut problems = Vec::new();
    for source in workspace.packages.iter().flat_map(|package| &package.sources) {
        let blocks = words(&source.code, "unsafe");
        let allowances =
            ["allow(unsafe_code", "expect(unsafe_code"].into_iter().flat_map(|way| source.code.match_indices(way));
        for at in blocks.chain(allowances.map(|(at, _)| at)) {
            let message = "no unsafe code here: use a crate that wraps it";
            problems.push(Problem::new("unsafety", &source.path, source.line_of(at), message));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::workspace::sample;
    use super::*;

    #[test]
    fn blocks_and_allowances_are_found() {
        let text = "#![allow(unsafe_code)]\nfn f() { unsafe { g() } } // unsafe\n";
        assert_eq!(check(&sample::workspace("a", &[("x.rs", text)])).len(), 2);
    }
}
