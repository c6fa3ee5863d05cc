//! One ordinary layer of an image as a tree: what somebody's build laid over a base, or a layer of any other image.
//!
//! [`read_layer`] reads a layer's tar stream once and gives a tree together with what a tree cannot say: which directories
//! the layer does not describe itself, which hard links lead to lower layers, what was left out.
//!
//! Whiteouts (`.wh.NAME` and `.wh..wh..opq`) stand in the tree as the files they are in the layer; whoever lays the tree
//! over lower ones interprets them. Other names that begin with `.wh..wh.` are what the aufs driver leaves behind, and are
//! no part of the tree.
//!
//! Where a name goes is decided by its first component, as ostree-ext decides it:
//!
//! - `usr` stays. `etc` becomes `usr/etc`. `var` stays or becomes `usr/share/factory/var`, see [`VarPlace`].
//! - `run`, `tmp`, `proc`, `sys` and `dev` stay, what is in them is left out.
//! - All else stays with [`LayerOptions::allow_nonusr`] and is left out without. The object store of an encapsulated commit,
//!   `sysroot/ostree/repo`, is left out either way.
//!
//! A whiteout goes where what it hides would go. Files that are left out are written to the store nevertheless: a hard link
//! that stays may lead to them, and often comes later in the stream.

mod finish;
mod labels;
mod links;
mod name;
mod namespace;
mod place;
mod read;
mod report;
mod types;

pub use read::read_layer;
pub use types::{Labeller, LayerContents, LayerOptions, LowerLink, LowerTarget, VarPlace};
