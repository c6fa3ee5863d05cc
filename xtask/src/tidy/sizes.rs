//! Rule `sizes`: files of at most 500 and functions of at most 80 lines, tests not counted.

use super::mask::is_word;
use super::problem::Problem;
use super::source::{Source, item_end, line_of, words};
use super::workspace::Workspace;

const RULE: &str = "sizes";
const MAX_FILE: usize = 500;
const MAX_FUNCTION: usize = 80;

/// A flat table may be long when this line says why it is one.
const TABLE_MARK: &str = "// tidy: a flat table: ";

/// Every file and function that is too long.
pub fn check(workspace: &Workspace) -> Vec<Problem> {
    workspace.packages.iter().flat_map(|package| &package.sources).flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Problem> {
    if source.text.lines().any(|line| line.strip_prefix(TABLE_MARK).is_some_and(|reason| !reason.trim().is_empty())) {
        return Vec::new();
    }
    let mut problems = long_functions(source);
    if source.production_lines > MAX_FILE {
        let lines = source.production_lines;
        let message = format!("{lines} lines outside of tests, {MAX_FILE} allowed: cut along a duty");
        problems.push(Problem::new(RULE, &source.path, 1, message));
    }
    problems
}

fn long_functions(source: &Source) -> Vec<Problem> {
    let code = &source.production;
    let mut problems = Vec::new();
    for at in words(code, "fn") {
        let name: String = code[at + 2..].trim_start().chars().take_while(|c| is_word(*c as u8)).collect();
        if name.is_empty() {
            continue;
        }
        let (end, has_body) = item_end(code, at);
        let lines = line_of(code, end) - line_of(code, at) + 1;
        if has_body && lines > MAX_FUNCTION {
            let message = format!("{name} has {lines} lines, {MAX_FUNCTION} allowed");
            problems.push(Problem::new(RULE, &source.path, line_of(code, at), message));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use super::super::workspace::sample;
    use super::*;

    fn check_text(text: &str) -> Vec<String> {
        check(&sample::workspace("a", &[("x.rs", text)])).into_iter().map(|problem| problem.message).collect()
    }

    #[test]
    fn a_long_file_is_found_and_its_tests_are_not_counted() {
        assert_eq!(check_text(&"const A: u8 = 1;\n".repeat(501)).len(), 1);
        let tests = format!("#[cfg(test)]\nmod tests {{\n{}}}\n", "const A: u8 = 1;\n".repeat(600));
        assert!(check_text(&tests).is_empty());
    }

    #[test]
    fn a_long_function_is_found_by_name() {
        let long = format!("fn short() {{}}\nfn long(a: [u8; 2]) {{\n{}}}\n", "    x();\n".repeat(80));
        assert_eq!(check_text(&long), ["long has 82 lines, 80 allowed"]);
    }

    #[test]
    fn a_table_needs_a_reason() {
        let table = "const A: u8 = 1;\n".repeat(501);
        assert!(check_text(&format!("// tidy: a flat table: codes of the format\n{table}")).is_empty());
        assert_eq!(check_text(&format!("// tidy: a flat table: \n{table}")).len(), 1);
    }
}
