//! Images as the command line names them, before it is known what they mean.

use std::any::TypeId;

use clap::Command;
use oci_image::{ImageReference, OstreeImageReference};

use crate::exit::UsageError;

/// What an image to read may be.
const FORMS: &str = "An image is docker://NAME, oci:DIR[:TAG], oci-archive:FILE[:TAG], dir:DIR, docker-archive:FILE[:TAG], or in \
    the storage of podman and its relatives containers-storage:NAME, containers-storage:@ID, and [[DRIVER@]GRAPHROOT] before \
    either. For ostree-container by its own name, NAME alone is on a registry, too; a short one means what registries.conf (see \
    --tls-verify) says.\n\nWithout GRAPHROOT, a storage is where the file says that CONTAINERS_STORAGE_CONF names, else \
    /etc/containers/storage.conf or /usr/share/containers/storage.conf (for other users than root \
    $XDG_CONFIG_HOME/containers/storage.conf or ~/.config/containers/storage.conf). STORAGE_DRIVER and STORAGE_OPTS count \
    before the file.";

/// The long help of an argument that is an image to read.
pub fn help(what: &str) -> String {
    format!("{what}\n\n{FORMS}")
}

/// The word for an image; the other programs want `TRANSPORT:NAME`.
#[derive(Debug, Clone)]
pub struct ImageWord(pub String);

/// The word for an image; the other programs want `SCHEME:TRANSPORT:NAME`.
#[derive(Debug, Clone)]
pub struct SchemedWord(pub String);

impl From<String> for ImageWord {
    fn from(text: String) -> Self {
        Self(text)
    }
}

impl From<String> for SchemedWord {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// The command tree of a program that takes images by their full names only, and refuses others with the command line.
pub fn full_names_only(tree: Command) -> Command {
    let tree = tree.mut_args(|arg| {
        let kind = arg.get_value_parser().type_id();
        if kind == TypeId::of::<ImageWord>() {
            arg.value_parser(|text: &str| text.parse::<ImageReference>().map(|_| ImageWord(text.to_owned())))
        } else if kind == TypeId::of::<SchemedWord>() {
            arg.value_parser(|text: &str| text.parse::<OstreeImageReference>().map(|_| SchemedWord(text.to_owned())))
        } else {
            arg
        }
    });
    tree.mut_subcommands(full_names_only)
}

/// Refuses an image without a signature scheme in the words of [`full_names_only`], where it is one of several words.
pub fn require_scheme(word: &str, argument: &str) -> Result<(), UsageError> {
    let refuse = |problem| UsageError(format!("invalid value '{word}' for '<{argument}>': {problem}"));
    word.parse::<OstreeImageReference>().map(drop).map_err(refuse)
}
