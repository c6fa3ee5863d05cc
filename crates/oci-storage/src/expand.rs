//! Variables in the paths of a `storage.conf`, replaced as the storage's own programs do it (Go's `os.ExpandEnv`).

use std::ffi::OsString;
use std::path::PathBuf;

use crate::environment::Environment;

/// The path with its variables replaced: `$UID` by the number of the user, whatever comes behind it, then `$NAME` and
/// `${NAME}` by the variable, or by nothing where it is not set. A `$` that no name follows stands for itself.
pub(crate) fn expand(path: &str, environment: &Environment) -> PathBuf {
    let text = path.replace("$UID", &environment.user().to_string());
    let mut expanded = OsString::new();
    let mut rest = text.as_str();
    while let Some((before, behind)) = rest.split_once('$') {
        expanded.push(before);
        let (name, after) = name_of(behind);
        match name {
            Some(name) => expanded.push(environment.variable(name).unwrap_or_default()),
            None => expanded.push("$"),
        }
        rest = after;
    }
    expanded.push(rest);
    expanded.into()
}

/// The name that follows a `$`, and what follows the name. Braces that hold nothing, or do not end, are the empty name.
fn name_of(text: &str) -> (Option<&str>, &str) {
    if let Some(inside) = text.strip_prefix('{') {
        return match inside.split_once('}') {
            Some((name, after)) => (Some(name), after),
            None => (Some(""), inside),
        };
    }
    let is_special = |c: char| matches!(c, '*' | '#' | '$' | '@' | '!' | '?' | '-' | '0'..='9');
    let length = match text.starts_with(is_special) {
        true => 1,
        false => text.bytes().take_while(|byte| byte.is_ascii_alphanumeric() || *byte == b'_').count(),
    };
    match text.split_at_checked(length) {
        Some((name, after)) if length > 0 => (Some(name), after),
        _ => (None, text),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn as_the_storages_own_programs_do() {
        let variables = [("FOO", "foo"), ("BAR", "bar"), ("_FOO", "ufoo"), ("E", ""), ("D", "$FOO")];
        let environment = Environment::new(Path::new("/"), 7, &variables);
        let cases = [
            ("/a/b", "/a/b"),
            ("/$FOO/${BAR}x/$FOOx/$_FOO", "/foo/barx//ufoo"),
            ("/$UID/${UID}/$UIDX", "/7//7X"),
            ("/$NOPE.x/$E/$D", "/.x//$FOO"),
            ("/$$y/$1/${}/$-z/$12", "/y///z/2"),
            ("/a${b", "/ab"),
            ("/$/$.", "/$/$."),
            ("/\u{e9}$FOO\u{e9}", "/\u{e9}foo\u{e9}"),
            ("/x$", "/x$"),
        ];
        for (path, expected) in cases {
            assert_eq!(expand(path, &environment), Path::new(expected), "{path}");
        }
    }
}
