//! The case files, and the names of their components.

use super::case::Case;
use super::parse::parse;
use anyhow::Result;

/// Component and text of every case file.
const FILES: &[(&str, &str)] = &[
    ("codec", include_str!("codec.cases")),
    ("repo", include_str!("repo.cases")),
    ("refs", include_str!("refs.cases")),
    ("commit", include_str!("commit.cases")),
    ("selinux", include_str!("selinux.cases")),
    ("sign", include_str!("sign.cases")),
    ("checkout", include_str!("checkout.cases")),
    ("tar", include_str!("tar.cases")),
    ("image", include_str!("image.cases")),
    ("derived", include_str!("derived.cases")),
    ("layered", include_str!("layered.cases")),
    ("stored", include_str!("stored.cases")),
    ("reexport", include_str!("reexport.cases")),
    ("registry", include_str!("registry.cases")),
    ("tokens", include_str!("tokens.cases")),
    ("settings", include_str!("settings.cases")),
    ("storage", include_str!("storage.cases")),
    ("faults", include_str!("faults.cases")),
    ("plan", include_str!("plan.cases")),
    ("trust", include_str!("trust.cases")),
    ("newer", include_str!("newer.cases")),
];

/// Every case of every file.
///
/// # Errors
/// A line that is no statement.
pub fn all() -> Result<Vec<Case>> {
    let mut cases = Vec::new();
    for (component, text) in FILES {
        cases.extend(parse(component, text)?);
    }
    Ok(cases)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn every_file_parses_and_names_are_unique() {
        let cases = super::all().expect("case files parse");
        let names: BTreeSet<&str> = cases.iter().map(|case| case.name.as_str()).collect();
        assert_eq!(names.len(), cases.len());
    }
}
