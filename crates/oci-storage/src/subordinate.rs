//! The subordinate ids that the host gives a user for its containers: `/etc/subuid` and `/etc/subgid`.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use crate::environment::Environment;
use crate::limits::MAX_USERS;

/// Ids one after the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Range {
    first: u32,
    count: u32,
}

/// The ranges in `file`, one of the two, that are the user's, in their order. The reason is given when there are none.
pub(crate) fn ranges(environment: &Environment, file: &str) -> Result<Vec<Range>, String> {
    let user = environment.own_user();
    let mut names = names_of(environment, user);
    if names.is_empty() {
        // Users of a directory service are in no file; what they say of themselves is checked by whoever maps the ids.
        names.extend(environment.text("USER").map(str::to_owned));
    }
    names.insert(user.to_string());
    let mut ranges: Vec<Range> = Vec::new();
    each_line(&environment.host_file(file), |line| {
        let mut fields = line.split(':');
        let (Some(owner), Some(first), Some(count)) = (fields.next(), fields.next(), fields.next()) else { return };
        let (Ok(first), Ok(count)) = (first.parse(), count.trim_end().parse()) else { return };
        let range = Range { first, count };
        // The kernel takes no id twice.
        if names.contains(owner) && range.is_sound() && ranges.iter().all(|other| !other.overlaps(range)) {
            ranges.push(range);
        }
    })
    .map_err(|error| format!("{file}: {error}"))?;
    match ranges.is_empty() {
        true => Err(format!("{file} gives user {user} no subordinate ids")),
        false => Ok(ranges),
    }
}

/// The words for `newuidmap` or `newgidmap`, as podman maps ids: 0 is the user's own id, the others follow.
pub(crate) fn mapping(own: u32, ranges: &[Range]) -> Vec<String> {
    let mut words = vec!["0".to_owned(), own.to_string(), "1".to_owned()];
    let mut inside = 1_u32;
    for range in ranges {
        let Some(next) = inside.checked_add(range.count) else { break };
        words.extend([inside, range.first, range.count].map(|number| number.to_string()));
        inside = next;
    }
    words
}

impl Range {
    fn is_sound(self) -> bool {
        self.count > 0 && self.first.checked_add(self.count).is_some()
    }

    fn overlaps(self, other: Self) -> bool {
        let end = |range: Self| u64::from(range.first) + u64::from(range.count);
        u64::from(self.first) < end(other) && u64::from(other.first) < end(self)
    }
}

/// The names of a user in `/etc/passwd`.
fn names_of(environment: &Environment, user: u32) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    let user = user.to_string();
    let read = each_line(&environment.host_file("/etc/passwd"), |line| {
        let mut fields = line.split(':');
        if let (Some(name), Some(_), Some(id)) = (fields.next(), fields.next(), fields.next())
            && id == user
        {
            names.insert(name.to_owned());
        }
    });
    // A host without the file has the number.
    read.map_or_else(|_| BTreeSet::new(), |()| names)
}

fn each_line(path: &Path, mut take: impl FnMut(&str)) -> std::io::Result<()> {
    for line in BufReader::new(File::open(path)?.take(MAX_USERS)).split(b'\n') {
        take(&String::from_utf8_lossy(&line?));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(subuid: &str, variables: &[(&str, &str)]) -> Result<Vec<(u32, u32)>, String> {
        let host = tempfile::tempdir().unwrap();
        std::fs::create_dir(host.path().join("etc")).unwrap();
        std::fs::write(host.path().join("etc/passwd"), "root:x:0:0::/:/bin/sh\nu:x:7:7::/h:/bin/sh\nbad\n").unwrap();
        std::fs::write(host.path().join("etc/subuid"), subuid).unwrap();
        let user = if variables.is_empty() { 7 } else { 8 };
        let ranges = ranges(&Environment::new(host.path(), user, variables), "/etc/subuid")?;
        Ok(ranges.into_iter().map(|range| (range.first, range.count)).collect())
    }

    #[test]
    fn entries_are_by_name_or_number() {
        let file = "v:1:2\nu:100:10\n7:200:5\n7:105:5\nu:x:1\nu:300:0\nu:4294967295:9\nu\nw:400:1";
        assert_eq!(found(file, &[]).unwrap(), [(100, 10), (200, 5)]);
        assert_eq!(found(file, &[("USER", "w")]).unwrap(), [(400, 1)]);
        assert!(found("v:1:2", &[]).unwrap_err().contains("user 7 no subordinate ids"));
    }

    #[test]
    fn a_mapping_has_the_user_first() {
        let ranges = [(100, 10), (200, 5), (9, u32::MAX), (300, 1)].map(|(first, count)| Range { first, count });
        assert_eq!(mapping(7, &ranges).join(" "), "0 7 1 1 100 10 11 200 5");
    }
}
