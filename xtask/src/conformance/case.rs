//! What a conformance case is: a short list of steps, who runs each, and what is looked at afterwards.

use std::collections::BTreeMap;

/// Who runs a command of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The program that produces repositories, trees and images.
    Writer,
    /// The program that reads what the writer produced.
    Reader,
    /// The system's own tools, the same ones in every run; the outcome is not compared.
    Neutral,
}

/// What a command must do, and how much of its outcome must equal the reference's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Demand {
    /// Exit code 0; standard output is compared.
    Succeed,
    /// Exit code 0; standard output is not compared.
    SucceedQuietly,
    /// A failure; exit code and the `error:` text are compared.
    FailAlike,
    /// A failure with one `error:` text; only the exit code is compared.
    Fail,
    /// Any outcome; only the exit code is compared.
    Any,
}

/// The two locks of a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockKind {
    /// Several may hold it.
    Shared,
    /// Only one may.
    Exclusive,
}

/// Something looked at by the suite itself, not by either program.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Look {
    /// Every object of a repository: name, mode, owner, content, attributes.
    Objects {
        /// The repository.
        repo: String,
        /// Whether zero and non-zero modification times of content are told apart.
        mtime: bool,
    },
    /// Every ref of a repository.
    Refs(String),
    /// Directories and config text of a repository.
    Skeleton(String),
    /// Every entry of a file tree; `mtime` adds whether times are zero.
    Tree {
        /// The tree's root.
        dir: String,
        /// Whether zero and non-zero modification times are told apart.
        mtime: bool,
    },
    /// Which object each file of a tree shares its inode with.
    Links {
        /// The tree's root.
        dir: String,
        /// The repository that may share inodes with it.
        repo: String,
    },
    /// A file's text.
    File(String),
    /// An OCI directory: manifest and config without what may differ (blob sizes, history times).
    Oci(String),
    /// Standard output of a command of the system's own tools, which must succeed.
    Shell(String),
}

/// A demand on the last command's output that holds whoever ran it, the reference included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Standard output (or the last look) contains this text.
    Contains(String),
    /// Standard output (or the last look) does not contain this text.
    Lacks(String),
    /// Standard output (or the last look), trimmed, is this text.
    Equals(String),
    /// Standard error contains this text.
    ErrorContains(String),
}

/// One step of a case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Run a shell command.
    Run {
        /// Who runs it.
        role: Role,
        /// What it must do.
        demand: Demand,
        /// The command, for `bash`.
        command: String,
    },
    /// Make one of the sample trees.
    Sample {
        /// The sample's name.
        name: String,
        /// Where to make it.
        dir: String,
    },
    /// Write a file that does not compress, the same bytes every time.
    Noise {
        /// The file.
        path: String,
        /// Its length in bytes.
        length: usize,
    },
    /// Set an extended attribute on a file; the value is given in hex.
    Xattr {
        /// The file, not followed.
        path: String,
        /// The attribute's name.
        name: String,
        /// The value, in hex.
        hex: String,
    },
    /// Hold the lock of a repository until another step changes it, as a process of its own would.
    Lock {
        /// The repository.
        repo: String,
        /// Which lock; none to let go.
        kind: Option<LockKind>,
    },
    /// Look at the state.
    Look(Look),
    /// Demand something of the last output.
    Expect(Expect),
}

/// Which program plays which role in one run of a case.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Pairing {
    /// The reference writes and reads: shows that the case itself is sound.
    ReferenceAlone,
    /// Ours writes and reads.
    OursAlone,
    /// Ours writes, the reference reads.
    OursToReference,
    /// The reference writes, ours reads.
    ReferenceToOurs,
}

impl Pairing {
    /// All four, the judge first.
    pub const ALL: [Self; 4] = [Self::ReferenceAlone, Self::OursAlone, Self::OursToReference, Self::ReferenceToOurs];

    /// The two-letter word used in case files and directory names (writer first).
    pub fn word(self) -> &'static str {
        match self {
            Self::ReferenceAlone => "rr",
            Self::OursAlone => "oo",
            Self::OursToReference => "or",
            Self::ReferenceToOurs => "ro",
        }
    }

    /// The roles the reference plays in it.
    pub fn roles_of_reference(self) -> &'static [Role] {
        match self {
            Self::ReferenceAlone => &[Role::Writer, Role::Reader],
            Self::OursAlone => &[],
            Self::OursToReference => &[Role::Reader],
            Self::ReferenceToOurs => &[Role::Writer],
        }
    }

    /// The roles ours plays in it.
    pub fn roles_of_ours(self) -> &'static [Role] {
        match self {
            Self::ReferenceAlone => &[],
            Self::OursAlone => &[Role::Writer, Role::Reader],
            Self::OursToReference => &[Role::Writer],
            Self::ReferenceToOurs => &[Role::Reader],
        }
    }

    /// What the report calls it.
    pub fn title(self) -> &'static str {
        match self {
            Self::ReferenceAlone => "reference alone",
            Self::OursAlone => "ours alone",
            Self::OursToReference => "ours writes, reference reads",
            Self::ReferenceToOurs => "reference writes, ours reads",
        }
    }
}

/// How a case is judged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Judge {
    /// The reference's own run is the expected outcome of every other run.
    Reference,
    /// The case's own demands alone; the reference cannot do this at all (the reason says why).
    Demands(String),
    /// The case's own demands; the reference is known to miss them, and must be seen to (the reason says how).
    Defect(String),
}

/// One case, ready to run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// `component/what[variant]`, unique.
    pub name: String,
    /// Shell variables of this variant.
    pub variables: BTreeMap<String, String>,
    /// What the host must offer.
    pub needs: Vec<String>,
    /// Whether it runs only with `--slow`.
    pub slow: bool,
    /// The runs it makes.
    pub pairings: Vec<Pairing>,
    /// How it is judged.
    pub judge: Judge,
    /// What it does, with the line of the case file each step stands in.
    pub steps: Vec<(usize, Step)>,
}

impl Case {
    /// Whether any of the commands of one of these roles names this program.
    pub fn names_program(&self, program: &str, roles: &[Role]) -> bool {
        self.steps.iter().any(|(_, step)| match step {
            Step::Run { role, command, .. } => roles.contains(role) && command.contains(program),
            _ => false,
        })
    }
}
