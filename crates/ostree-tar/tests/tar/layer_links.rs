//! Hard links of layers: in any order, to anything, over the rules that names follow.

use ostree_tar::{LayerOptions, LowerTarget, VarPlace};

use crate::layer_support::{read, read_with, refusal};
use crate::support::Archive;

const HEX: &str = "28af666cd8036303fcab1a13f2ef7f9c9e92b6a392206017d50b932c8ff4daf9";

fn new() -> Archive {
    Archive::default()
}

fn object() -> String {
    format!("sysroot/ostree/repo/objects/{}/{}.file", &HEX[..2], &HEX[2..])
}

#[test]
fn links_are_found_in_any_order() {
    let pairs = [("usr/b", "usr/a"), ("usr/c", "usr/b"), ("usr/z", "usr/c")];
    for order in [[0, 1, 2], [2, 1, 0], [1, 2, 0], [2, 0, 1]] {
        for file_at in 0..4 {
            let mut archive = new();
            for (at, pair) in order.iter().map(|at| pairs[*at]).enumerate() {
                if at == file_at {
                    archive = archive.add(b'0', "usr/a", (0o4711, 3, 4), "", b"data");
                }
                archive = archive.link(pair.0, pair.1);
            }
            if file_at == 3 {
                archive = archive.add(b'0', "usr/a", (0o4711, 3, 4), "", b"data");
            }
            let layer = read(archive);
            for path in ["/usr/a", "/usr/b", "/usr/c", "/usr/z"] {
                assert_eq!(layer.at(path), "104711 3:4 'data'", "{order:?} {file_at} {path}");
            }
            assert!(layer.contents.links.is_empty());
        }
    }
}

#[test]
fn targets_follow_the_same_map_as_names() {
    let spellings = ["etc/x", "/etc/x", "./etc/x", "//etc/./x", "usr/etc/x"];
    for spelling in spellings {
        let layer = read(new().file("etc/x", "1").link("usr/l", spelling));
        assert_eq!(layer.at("/usr/l"), "100644 0:0 '1'", "{spelling}");
    }
    let long = format!("etc/{}", "n".repeat(150));
    let layer = read(new().pax(&[("path", &long)]).file("x", "1").pax(&[("linkpath", &long)]).link("etc/l", "x"));
    assert_eq!(layer.at("/usr/etc/l"), "100644 0:0 '1'");
    let archive = new().file("var/lib/a", "1").link("var/lib/b", "var/lib/a").link("var/lib/c", "/var/lib/lower");
    let factory = LayerOptions { var: VarPlace::Factory, ..LayerOptions::default() };
    let layer = read_with(archive.clone(), &factory);
    assert_eq!(layer.at("/usr/share/factory/var/lib/b"), "100644 0:0 '1'");
    let path = |path: &str| LowerTarget::Path(path.to_owned());
    assert_eq!(layer.contents.links[0].target, path("/usr/share/factory/var/lib/lower"));
    let layer = read(archive);
    assert_eq!(layer.at("/var/lib/b"), "100644 0:0 '1'");
    assert_eq!(layer.contents.links[0].target, path("/var/lib/lower"));
}

#[test]
fn targets_of_lower_layers_are_handed_out() {
    let mut archive = new().link("etc/l", "/etc/lower").link("usr/m", "usr/l").link("usr/l", "opt/lower");
    for (at, start) in ["", "/", "./", "/./"].iter().enumerate() {
        archive = archive.pax(&[("linkpath", &format!("{start}{}", object()))]).link(&format!("usr/o{at}"), "x");
    }
    let archive = archive.link("usr/odd", "sysroot/ostree/repo/objects/28/x.file");
    let layer = read(archive);
    let lower = |path: &str| format!("Path(\"{path}\")");
    let object = format!("{:?}", LowerTarget::Object(HEX.parse().unwrap()));
    let mut expected = vec![
        ("/usr/etc/l".to_owned(), lower("/usr/etc/lower")),
        ("/usr/l".to_owned(), lower("/opt/lower")),
        ("/usr/m".to_owned(), lower("/opt/lower")),
    ];
    expected.extend((0..4).map(|at| (format!("/usr/o{at}"), object.clone())));
    expected.push(("/usr/odd".to_owned(), lower("/sysroot/ostree/repo/objects/28/x.file")));
    assert_eq!(layer.links(), expected);
    assert!(layer.files.is_empty());
    assert_eq!(layer.at("/usr/etc/"), "40755 0:0");
}

#[test]
fn objects_that_a_builder_changed_are_taken_from_the_layer() {
    for start in ["", "./", "/"] {
        for object_first in [true, false] {
            let entry = |archive: Archive| {
                let path = format!("{start}{}", object());
                let records = [("path", path.as_str()), ("SCHILY.xattr.security.capability", "cap")];
                archive.pax(&records).add(b'0', "x", (0o4755, 1, 2), "", b"changed")
            };
            let links = |archive: Archive| {
                let archive = archive.pax(&[("linkpath", &format!("/{}", object()))]).link("usr/bin/a", "x");
                archive.pax(&[("linkpath", &object())]).link("etc/b", "x").link("usr/c", "etc/b")
            };
            let layer = read(if object_first { links(entry(new())) } else { entry(links(new())) });
            for path in ["/usr/bin/a", "/usr/etc/b", "/usr/c"] {
                assert_eq!(layer.at(path), "104755 1:2 'changed' security.capability=cap", "{path}");
            }
            assert_eq!(layer.filtered(), "sysroot=1");
            assert!(layer.contents.links.is_empty());
        }
    }
}

#[test]
fn filtered_content_is_still_linked_to() {
    let layer = read(
        new()
            .link("usr/forward", "tmp/t")
            .file("opt/a", "1")
            .file("tmp/t", "2")
            .link("usr/l", "/opt/a")
            .link("opt/b", "opt/a")
            .link("usr/m", "opt/b")
            .symlink("opt/s", "there")
            .link("usr/s", "opt/s")
            .dir("usr/.wh..wh.plnk", 0o700, 0, 0)
            .file("usr/.wh..wh.plnk/7", "3")
            .link("usr/p", "usr/.wh..wh.plnk/7")
            .add(b'0', "opt/bad", (0o644, 1 << 40, 0), "", b"x"),
    );
    assert_eq!(layer.at("/usr/forward"), "100644 0:0 '2'");
    assert_eq!(layer.at("/usr/l"), "100644 0:0 '1'");
    assert_eq!(layer.at("/usr/m"), "100644 0:0 '1'");
    assert_eq!(layer.at("/usr/s"), "120777 0:0 '-> there'");
    assert_eq!(layer.at("/usr/p"), "100644 0:0 '3'");
    assert_eq!(layer.filtered(), "opt=4 t=1");
    assert!(layer.contents.links.is_empty());
}

#[test]
fn a_link_keeps_what_it_was_made_to() {
    let replaced = new().file("usr/a", "old").link("usr/b", "usr/a").file("usr/a", "new").link("usr/c", "usr/a");
    let layer = read(replaced);
    assert_eq!(layer.at("/usr/b"), "100644 0:0 'old'");
    assert_eq!(layer.at("/usr/c"), "100644 0:0 'new'");
    let gone = new().file("usr/d/a", "old").link("usr/b", "usr/d/a").file("usr/d", "file");
    assert_eq!(read(gone).at("/usr/b"), "100644 0:0 'old'");
    let itself = new().file("usr/a", "1").link("usr/a", "usr/a");
    assert_eq!(read(itself).at("/usr/a"), "100644 0:0 '1'");
    let below = new().file("usr/a/b", "1").link("usr/a", "usr/a/b");
    assert_eq!(read(below).at("/usr/a"), "100644 0:0 '1'");
    let symlink = new().symlink("usr/s", "t").link("usr/l", "usr/s");
    assert_eq!(read(symlink).at("/usr/l"), "120777 0:0 '-> t'");
    // What stands behind a symlink of this layer is not in this layer.
    let behind = new().symlink("usr/lib64", "lib").file("usr/lib/x", "1").link("usr/l", "usr/lib64/x");
    assert_eq!(read(behind).contents.links[0].target, LowerTarget::Path("/usr/lib64/x".to_owned()));
}

#[test]
fn links_with_content_keep_it() {
    let archive = new().file("usr/a", "data").pax(&[("SCHILY.xattr.user.x", "v")]);
    let layer = read(archive.add(b'1', "etc/b", (0o600, 1, 1), "usr/a", b"other").file("usr/after", "z"));
    assert_eq!(layer.at("/usr/etc/b"), "100600 1:1 'other' user.x=v");
    assert_eq!(layer.at("/usr/a"), "100644 0:0 'data'");
    assert_eq!(layer.at("/usr/after"), "100644 0:0 'z'");
}

#[test]
fn circles_and_directories_are_refused_by_path() {
    let itself = refusal(new().link("usr/a", "/usr/a"));
    assert_eq!(itself, "tar entry 'usr/a' at byte 0: a hard link that leads back to itself by way of 'usr/a'");
    let round = refusal(new().link("usr/a", "usr/b").link("usr/b", "etc/c").link("etc/c", "usr/a"));
    assert_eq!(round, "tar entry 'usr/a' at byte 0: a hard link that leads back to itself by way of 'usr/b'");
    for archive in
        [new().dir("usr/d", 0o755, 0, 0).link("usr/l", "usr/d"), new().link("usr/l", "usr/d").file("usr/d/x", "")]
    {
        assert!(refusal(archive).ends_with("Expected hardlink file target at \"usr/d\" but found a directory"));
    }
    assert!(refusal(new().link("usr/l", "/")).contains("but found a directory"));
    // Nobody asks for what a link that is left out leads to.
    assert_eq!(read(new().link("opt/a", "opt/b").link("opt/b", "opt/a")).filtered(), "opt=2");
}

#[test]
fn many_links_to_one_object_are_one_object() {
    let archive = (0..2000).fold(new().file("usr/a", "1"), |archive, at| archive.link(&format!("usr/l{at}"), "usr/a"));
    let layer = read(archive);
    assert_eq!(layer.files.len(), 2001);
    let ids: std::collections::BTreeSet<_> = layer.files.values().collect();
    assert_eq!(ids.len(), 1);
}
