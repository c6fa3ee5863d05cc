//! Key files as GLib writes them: groups of `key=value` lines. Comments and order survive an edit.

/// A key file. Groups and keys are looked up by name; of a key that stands twice the last one counts.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct KeyFile {
    lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Line {
    Group(String),
    Entry {
        key: String,
        value: String,
    },
    /// A comment or an empty line.
    Other(String),
}

impl KeyFile {
    /// Parses a key file; the error names the line.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut lines = Vec::new();
        let mut in_group = false;
        for (number, line) in text.lines().enumerate() {
            let trimmed = line.trim_start();
            let parsed = if trimmed.is_empty() || trimmed.starts_with('#') {
                Line::Other(line.to_owned())
            } else if let Some(name) = trimmed.strip_prefix('[') {
                in_group = true;
                let name =
                    name.trim_end().strip_suffix(']').ok_or_else(|| format!("line {}: bad group", number + 1))?;
                Line::Group(name.to_owned())
            } else {
                let (key, value) = trimmed.split_once('=').ok_or_else(|| format!("line {}: no '='", number + 1))?;
                if !in_group {
                    return Err(format!("line {}: a key before the first group", number + 1));
                }
                Line::Entry { key: key.trim_end().to_owned(), value: value.trim_start().trim_end().to_owned() }
            };
            lines.push(parsed);
        }
        Ok(Self { lines })
    }

    /// The names of the groups, in order, each once.
    pub fn groups(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for line in &self.lines {
            if let Line::Group(name) = line
                && !names.contains(&name.as_str())
            {
                names.push(name);
            }
        }
        names
    }

    /// The keys of a group, in order.
    pub fn keys(&self, group: &str) -> Vec<&str> {
        self.entries(group).map(|(key, _)| key).collect()
    }

    /// The raw value of a key.
    pub fn get(&self, group: &str, key: &str) -> Option<&str> {
        self.entries(group).filter(|(have, _)| *have == key).map(|(_, value)| value).last()
    }

    fn entries(&self, group: &str) -> impl Iterator<Item = (&str, &str)> {
        let mut inside = false;
        self.lines.iter().filter_map(move |line| match line {
            Line::Group(name) => {
                inside = name == group;
                None
            }
            Line::Entry { key, value } if inside => Some((key.as_str(), value.as_str())),
            _ => None,
        })
    }

    /// Sets a key where it stands last, which is the place that counts; adds the group at the end where it is missing.
    pub fn set(&mut self, group: &str, key: &str, value: &str) {
        let mut inside = false;
        let mut insert_at = None;
        let mut last = None;
        for (at, line) in self.lines.iter_mut().enumerate() {
            match line {
                Line::Group(name) => inside = name == group,
                Line::Entry { key: have, value: old } if inside && have == key => last = Some(old),
                Line::Other(text) if text.is_empty() => continue,
                _ => {}
            }
            if inside {
                insert_at = Some(at + 1);
            }
        }
        if let Some(old) = last {
            *old = value.to_owned();
            return;
        }
        let entry = Line::Entry { key: key.to_owned(), value: value.to_owned() };
        match insert_at {
            Some(at) => self.lines.insert(at, entry),
            None => {
                if !matches!(self.lines.last(), None | Some(Line::Other(_))) {
                    self.lines.push(Line::Other(String::new()));
                }
                self.lines.extend([Line::Group(group.to_owned()), entry]);
            }
        }
    }

    /// Removes a key; whether it was there.
    pub fn unset(&mut self, group: &str, key: &str) -> bool {
        let before = self.lines.len();
        let mut inside = false;
        self.lines.retain(|line| match line {
            Line::Group(name) => {
                inside = name == group;
                true
            }
            Line::Entry { key: have, .. } => !(inside && have == key),
            Line::Other(_) => true,
        });
        self.lines.len() != before
    }

    /// Removes a group with all its lines; whether it was there.
    pub fn remove_group(&mut self, group: &str) -> bool {
        let before = self.lines.len();
        let mut inside = false;
        self.lines.retain(|line| {
            if let Line::Group(name) = line {
                inside = name == group;
            }
            !inside
        });
        self.lines.len() != before
    }
}

impl std::fmt::Display for KeyFile {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for line in &self.lines {
            match line {
                Line::Group(name) => writeln!(f, "[{name}]")?,
                Line::Entry { key, value } => writeln!(f, "{key}={value}")?,
                Line::Other(text) => writeln!(f, "{text}")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_keep_comments_and_order() {
        let mut file = KeyFile::parse("# top\n[core]\nmode=bare\n\n[remote \"a\"]\nurl = http://x\n").unwrap();
        assert_eq!(file.get("core", "mode"), Some("bare"));
        assert_eq!(file.get("remote \"a\"", "url"), Some("http://x"));
        file.set("core", "fsync", "false");
        file.set("new", "k", "v");
        assert!(file.unset("core", "mode"));
        let expect = "# top\n[core]\nfsync=false\n\n[remote \"a\"]\nurl=http://x\n\n[new]\nk=v\n";
        assert_eq!(file.to_string(), expect);
        let mut twice = KeyFile::parse("[a]\nk=1\nk=2\n[b]\n[a]\nk=3\n").unwrap();
        twice.set("a", "k", "4");
        assert_eq!((twice.get("a", "k"), twice.to_string().matches("k=").count()), (Some("4"), 3));
        assert!(KeyFile::parse("a=b\n").is_err());
        assert!(KeyFile::parse("[x\n").is_err());
    }
}
