//! The sample trees cases work on, made with plain file-system calls.

use anyhow::{Context, Result, bail};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

/// One entry of a sample tree.
enum Entry {
    Dir(&'static str, u32),
    File(&'static str, u32, &'static [u8]),
    Link(&'static str, &'static str),
    Owner(&'static str, u32, u32),
    Attr(&'static str, &'static str, &'static [u8]),
}
use Entry::{Attr, Dir, File, Link, Owner};

/// Every kind of file and name that needs no privilege.
const PLAIN: &[Entry] = &[
    Dir("bin", 0o755),
    File("bin/tool", 0o755, b"#!/bin/sh\necho tool\n"),
    Link("bin/alias", "tool"),
    File("empty", 0o644, b""),
    File("empty-exec", 0o755, b""),
    File("readme", 0o644, b"hello\n"),
    File("readme-copy", 0o644, b"hello\n"),
    File("private", 0o600, b"secret\n"),
    File("readonly", 0o444, b"fixed\n"),
    File("zeros", 0o644, &[0; 70_000]),
    Dir("void", 0o755),
    Dir("closed", 0o700),
    File("closed/inner", 0o640, b"inner\n"),
    Dir("a", 0o755),
    Dir("a/b", 0o755),
    Dir("a/b/c", 0o755),
    File("a/b/c/deep", 0o644, b"deep\n"),
    File("a.b", 0o644, b"sorts between a and a/b\n"),
    File("a b\ttab", 0o644, b"blanks in the name\n"),
    File("Grüße-日本-🦀", 0o644, b"not ascii\n"),
    Dir("Ünïcode", 0o755),
    Link("Ünïcode/pointer", "../Grüße-日本-🦀"),
    Link("dangling", "/no/such//file"),
    Link("up", "../outside"),
    File("line\nbreak", 0o644, b"newline in the name\n"),
    File("back\\slash", 0o644, b"\\\n"),
    File("'quote\"", 0o644, b"quotes\n"),
];

/// Modes beyond the permission bits, as root makes them.
const MODES: &[Entry] = &[
    File("suid", 0o4755, b"suid\n"),
    File("sgid", 0o2755, b"sgid\n"),
    File("both", 0o6711, b"both\n"),
    File("sticky-file", 0o1644, b"sticky\n"),
    File("none", 0o000, b"none\n"),
    File("all", 0o7777, b"all\n"),
    File("group-write", 0o664, b"group\n"),
    File("world-write", 0o666, b"world\n"),
    File("empty-suid", 0o4755, b""),
    Dir("sticky", 0o1777),
    Dir("sgid-dir", 0o2775),
    Dir("no-access", 0o000),
    Dir("only-write", 0o222),
];

/// Owners other than root.
const OWNERS: &[Entry] = &[
    File("mine", 0o644, b"mine\n"),
    Owner("mine", 1000, 1000),
    File("far", 0o644, b"far\n"),
    Owner("far", 4_294_967_294, 2_147_483_648),
    Link("link", "mine"),
    Owner("link", 1000, 100),
    Dir("home", 0o750),
    Owner("home", 1000, 1001),
    File("home/file", 0o600, b"at home\n"),
    Owner("home/file", 1000, 1001),
    File("suid-other", 0o755, b"suid of another\n"),
    Owner("suid-other", 5, 6),
];

/// Attribute sets: user ones of every value, capabilities, on files and directories.
const XATTRS: &[Entry] = &[
    File("one", 0o644, b"one\n"),
    Attr("one", "user.foo", b"bar"),
    File("sorted", 0o644, b"sorted\n"),
    Attr("sorted", "user.b", b"2"),
    Attr("sorted", "user.a", b"1"),
    Attr("sorted", "user.B", b"3"),
    Attr("sorted", "user.a.b", b"4"),
    File("odd-values", 0o644, b"odd\n"),
    Attr("odd-values", "user.nul", b"\0"),
    Attr("odd-values", "user.inner-nul", b"a\0b\0"),
    Attr("odd-values", "user.newline", b"line\nbreak\n"),
    Attr("odd-values", "user.binary", &[0xff, 0xfe, 0x00, 0x80, 0x0a]),
    Attr("odd-values", "user.name with blank", b"=equals="),
    File("empty", 0o644, b""),
    Attr("empty", "user.on-empty", b"yes"),
    File("long", 0o644, b"long\n"),
    Attr("long", "user.long", &[b'x'; 1500]),
    Dir("dir", 0o755),
    Attr("dir", "user.dir", b"directory\0"),
    File("dir/plain", 0o644, b"plain\n"),
    Attr(".", "user.root", b"root"),
];

/// What only root may set: file capabilities and trusted attributes.
const PRIVILEGED_XATTRS: &[Entry] = &[
    File("ping", 0o755, b"ping\n"),
    Attr("ping", "security.capability", &[1, 0, 0, 2, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]),
    File("mixed", 0o755, b"mixed\n"),
    Attr("mixed", "user.x", b"y"),
    Attr("mixed", "trusted.z", b"\0\n\0"),
    Link("ping-link", "ping"),
    Attr("ping-link", "trusted.on-link", b"l"),
];

/// A small operating system tree of the shape images are made from.
const SYSTEM: &[Entry] = &[
    Dir("boot", 0o755),
    Dir("sysroot", 0o755),
    Link("ostree", "sysroot/ostree"),
    Dir("run", 0o755),
    Dir("tmp", 0o1777),
    Dir("var", 0o755),
    Dir("usr", 0o755),
    Dir("usr/bin", 0o755),
    File("usr/bin/bash", 0o755, b"#!the shell, as far as this tree goes\n"),
    File("usr/bin/sh-copy", 0o755, b"#!the shell, as far as this tree goes\n"),
    Link("usr/bin/sh", "bash"),
    File("usr/bin/sudo", 0o4755, b"sudo\n"),
    Dir("usr/etc", 0o755),
    File("usr/etc/passwd", 0o644, b"root:x:0:0:root:/root:/bin/sh\n"),
    File("usr/etc/shadow", 0o000, b"root:!::0:99999:7:::\n"),
    File("usr/etc/empty.conf", 0o644, b""),
    Dir("usr/etc/conf.d", 0o700),
    Dir("usr/etcetera", 0o755),
    File("usr/etcetera/note", 0o644, b"not etc\n"),
    Dir("usr/lib", 0o755),
    Dir("usr/lib/modules", 0o755),
    Dir("usr/lib/modules/6.1.0-test", 0o755),
    File("usr/lib/modules/6.1.0-test/vmlinuz", 0o644, b"kernel\n"),
    File("usr/lib/modules/6.1.0-test/initramfs.img", 0o600, b"initramfs\n"),
    Dir("usr/share", 0o755),
    Link("usr/share/a-link", "/usr//lib/../bin/bash"),
    Link("usr/share/b-link", "/usr//lib/../bin/sh"),
    Link("bin", "usr/bin"),
    Link("lib", "usr/lib"),
];

/// Makes the sample tree `name` at `dir`, which may exist.
///
/// # Errors
/// An unknown name, or an entry that cannot be made, with its path.
pub fn make(name: &str, dir: &Path) -> Result<()> {
    fs::create_dir_all(dir).with_context(|| format!("creating {}", dir.display()))?;
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755))?;
    match name {
        "plain" => {
            long_names(dir)?;
            make_entries(dir, PLAIN)
        }
        "modes" => make_entries(dir, MODES),
        "owners" => make_entries(dir, OWNERS),
        "xattrs" => {
            make_entries(dir, XATTRS)?;
            many_xattrs(dir)
        }
        "privileged-xattrs" => make_entries(dir, PRIVILEGED_XATTRS),
        "system" => {
            long_names(&dir.join("usr/share/long"))?;
            make_entries(dir, SYSTEM)
        }
        "many" => many_files(dir),
        _ => bail!("no sample tree is called {name}"),
    }
}

/// Sets an attribute whose value is given in hex, `-` for an empty one.
///
/// # Errors
/// A value that is no hex, or a file system that refuses it.
pub fn set_xattr(path: &Path, name: &str, hex: &str) -> Result<()> {
    let digits: Vec<char> = hex.trim_matches('-').chars().collect();
    let value = digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(&pair.iter().collect::<String>(), 16))
        .collect::<Result<Vec<u8>, _>>()
        .with_context(|| format!("attribute value {hex}"))?;
    write_xattr(path, name, &value)
}

fn write_xattr(path: &Path, name: &str, value: &[u8]) -> Result<()> {
    rustix::fs::lsetxattr(path, name, value, rustix::fs::XattrFlags::empty())
        .with_context(|| format!("setting {name} on {}", path.display()))
}

/// Modes of directories come last and deepest first, so that a closed one does not stop its own filling.
fn make_entries(root: &Path, entries: &[Entry]) -> Result<()> {
    for entry in entries {
        make_entry(root, entry)?;
    }
    for entry in entries.iter().rev() {
        if let Dir(path, mode) = entry {
            fs::set_permissions(root.join(path), fs::Permissions::from_mode(*mode))?;
        }
    }
    Ok(())
}

fn make_entry(root: &Path, entry: &Entry) -> Result<()> {
    match entry {
        Dir(path, _) => fs::create_dir_all(root.join(path)).with_context(|| format!("creating {path}")),
        File(path, mode, content) => write_file(&root.join(path), *mode, content),
        Link(path, target) => symlink(target, root.join(path)).with_context(|| format!("linking {path}")),
        Owner(path, uid, gid) => std::os::unix::fs::lchown(root.join(path), Some(*uid), Some(*gid))
            .with_context(|| format!("changing the owner of {path}")),
        Attr(path, name, value) => write_xattr(&root.join(path), name, value),
    }
}

fn write_file(path: &Path, mode: u32, content: &[u8]) -> Result<()> {
    fs::write(path, content).with_context(|| format!("writing {}", path.display()))?;
    fs::set_permissions(path, fs::Permissions::from_mode(mode))?;
    Ok(())
}

/// Names and link targets around every length at which a tar writer changes its ways.
fn long_names(dir: &Path) -> Result<()> {
    fs::create_dir_all(dir)?;
    for length in [99_usize, 100, 101, 155, 255] {
        let name = format!("{length}-{}", "n".repeat(length.saturating_sub(length.to_string().len() + 1)));
        write_file(&dir.join(&name), 0o644, name.as_bytes())?;
        // Every target is another one: the reference's exporter fails on two links of one object.
        let target = "t/".repeat(length / 2) + if length % 2 == 1 { "u" } else { "" };
        symlink(&target, dir.join(format!("link-{length}")))?;
    }
    Ok(())
}

fn many_xattrs(dir: &Path) -> Result<()> {
    let path = dir.join("many");
    write_file(&path, 0o644, b"many\n")?;
    for number in 0..40_u8 {
        write_xattr(&path, &format!("user.number-{number}"), &[number; 3])?;
    }
    Ok(())
}

/// Bytes that do not compress, the same in every run (an xorshift generator).
fn noise() -> impl FnMut(usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    move |length| {
        (0..length)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                state.to_le_bytes()[0]
            })
            .collect()
    }
}

/// Writes a file of `length` bytes that do not compress.
///
/// # Errors
/// The file cannot be written.
pub fn write_noise(path: &Path, length: usize) -> Result<()> {
    fs::write(path, noise()(length)).with_context(|| format!("writing {}", path.display()))
}

/// 400 files in 20 directories with contents that compress badly, and one file of 3 MiB.
fn many_files(dir: &Path) -> Result<()> {
    let mut noise = noise();
    for directory in 0..20 {
        let parent = dir.join(format!("d{directory:02}"));
        fs::create_dir_all(&parent)?;
        for file in 0..20 {
            write_file(&parent.join(format!("f{file:02}")), 0o644, &noise(64 + file * 300))?;
        }
    }
    write_file(&dir.join("large"), 0o644, &noise(3 << 20))
}
