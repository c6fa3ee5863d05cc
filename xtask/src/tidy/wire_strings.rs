//! Rule `wire_strings`: a string of a format stands in one file, where its name can be looked up.

use std::path::Path;

use super::problem::Problem;
use super::source::Source;
use super::workspace::Workspace;

/// How a literal is recognised as a string of the format.
enum Is {
    Exactly(&'static str),
    Beginning(&'static str),
    Containing(&'static str),
}

/// Strings and the files that may hold them.
struct Home {
    is: Is,
    files: &'static [&'static str],
}

/// Labels, annotations, metadata keys and ref prefixes of the mapping.
const KEYS: &[&str] = &["keys.rs"];
/// Keys of ostree's own commits are a matter of the object model, where they are typed.
const METADATA: &[&str] = &["keys.rs", "metadata.rs"];
const MEDIA: &[&str] = &["media_type.rs"];
const PATHS: &[&str] = &["path.rs", "layout.rs", "keys.rs"];

const HOMES: &[Home] = &[
    Home { is: Is::Exactly("ostree.commit"), files: KEYS },
    Home { is: Is::Exactly("ostree.final-diffid"), files: KEYS },
    Home { is: Is::Exactly("ostree.components"), files: KEYS },
    Home { is: Is::Exactly("ostree.container-cmd"), files: METADATA },
    Home { is: Is::Beginning("ostree.container."), files: KEYS },
    Home { is: Is::Beginning("ostree.manifest"), files: KEYS },
    Home { is: Is::Exactly("ostree.importer.version"), files: KEYS },
    Home { is: Is::Exactly("ostree.tar-filtered"), files: KEYS },
    Home { is: Is::Beginning("ostree-ext.cached"), files: KEYS },
    Home { is: Is::Beginning("ostree/container/"), files: KEYS },
    Home { is: Is::Beginning("org.opencontainers.image."), files: KEYS },
    Home { is: Is::Exactly("ostree.linux"), files: METADATA },
    Home { is: Is::Exactly("ostree.bootable"), files: METADATA },
    Home { is: Is::Exactly("ostree.ref-binding"), files: METADATA },
    Home { is: Is::Exactly("ostree.collection-binding"), files: METADATA },
    Home { is: Is::Beginning("application/vnd."), files: MEDIA },
    Home { is: Is::Containing("sysroot/ostree/repo"), files: PATHS },
];

/// Every string of a format outside of its home.
pub fn check(workspace: &Workspace) -> Vec<Problem> {
    let product = workspace.packages.iter().filter(|package| package.is_product());
    product.flat_map(|package| &package.sources).flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Problem> {
    let mut problems = Vec::new();
    for literal in &source.literals {
        let home = HOMES.iter().find(|home| home.is.matches(&literal.text));
        if let Some(home) = home.filter(|home| !stands_in(&source.path, home.files)) {
            let message = format!("{:?} belongs into {}", literal.text, home.files.join(" or "));
            problems.push(Problem::new("wire_strings", &source.path, literal.line, message));
        }
    }
    problems
}

fn stands_in(path: &Path, files: &[&str]) -> bool {
    path.file_name().is_some_and(|name| files.iter().any(|file| name == *file))
}

impl Is {
    fn matches(&self, text: &str) -> bool {
        match self {
            Self::Exactly(whole) => text == *whole,
            Self::Beginning(start) => text.starts_with(start),
            Self::Containing(part) => text.contains(part),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::workspace::sample;
    use super::*;

    fn count(file: &str, text: &str) -> usize {
        check(&sample::workspace("ostree-container", &[(file, text)])).len()
    }

    #[test]
    fn strings_away_from_home_are_found() {
        let text =
            r#"f("ostree.commit", "ostree/container/image/", "application/vnd.oci.x", "/sysroot/ostree/repo/a")"#;
        assert_eq!(count("plan.rs", text), 4);
        assert_eq!(count("keys.rs", r#"f("ostree.commit", "ostree/container/image/")"#), 0);
        assert_eq!(count("media_type.rs", r#"f("application/vnd.oci.x")"#), 0);
    }

    #[test]
    fn sentences_and_comments_may_speak_of_them() {
        assert_eq!(count("plan.rs", "// \"ostree.commit\"\nf(\"the label ostree.commit is missing\")"), 0);
    }
}
