//! Labels of layers: every path has its own, and files with several are written for each.

use std::sync::Mutex;

use ostree_core::ObjectKind;
use ostree_tar::LayerOptions;

use crate::layer_support::{ReadLayer, read_with};
use crate::support::Archive;

fn new() -> Archive {
    Archive::default()
}

/// Labels what is below `/usr/etc` as one thing, `/usr/none` not at all, and the rest by its type.
fn label(path: &str, mode: u32) -> Option<String> {
    match path {
        "/usr/none" | "/usr/none2" => None,
        _ if path.starts_with("/usr/etc/") => Some("etc_t".to_owned()),
        _ => Some(format!("t{:o}", mode >> 12)),
    }
}

fn labelled(archive: Archive) -> ReadLayer {
    read_with(archive, &LayerOptions { label: Some(&label), writers: 1, ..LayerOptions::default() })
}

fn file_objects(layer: &ReadLayer) -> usize {
    layer.store.names().iter().filter(|name| name.kind == ObjectKind::File).count()
}

#[test]
fn everything_but_whiteouts_is_labelled() {
    let archive = new().file("usr/a", "1").symlink("usr/s", "t").file("etc/c", "2").file("usr/.wh.x", "");
    let layer = labelled(archive.dir("usr/d", 0o755, 0, 0).file("usr/.wh..wh..opq", ""));
    assert_eq!(layer.at("/usr/a"), "100644 0:0 '1' security.selinux=t10\\x00");
    assert_eq!(layer.at("/usr/s"), "120777 0:0 '-> t' security.selinux=t12\\x00");
    assert_eq!(layer.at("/usr/etc/c"), "100644 0:0 '2' security.selinux=etc_t\\x00");
    assert_eq!(layer.at("/usr/d/"), "40755 0:0 security.selinux=t4\\x00");
    for implicit in ["/", "/usr/", "/usr/etc/"] {
        assert_eq!(layer.at(implicit), "40755 0:0 security.selinux=t4\\x00", "{implicit}");
    }
    assert_eq!(layer.at("/usr/.wh.x"), "100644 0:0 ''");
    assert_eq!(layer.at("/usr/.wh..wh..opq"), "100644 0:0 ''");
    // The two whiteouts are one object.
    assert_eq!(file_objects(&layer), 4);
}

#[test]
fn the_labeller_sees_final_paths_and_whole_modes() {
    let seen = Mutex::new(Vec::new());
    let note = |path: &str, mode: u32| {
        seen.lock().unwrap().push(format!("{path} {mode:o}"));
        None
    };
    let archive = new().add(b'0', "etc/a", (0o4755, 0, 0), "", b"").dir("usr", 0o700, 0, 0).symlink("usr/s", "t");
    let archive = archive.file("opt/x", "").file("etc/.wh.y", "");
    read_with(archive, &LayerOptions { label: Some(&note), ..LayerOptions::default() });
    let expected = ["/usr/etc/a 104755", "/usr 40700", "/usr/s 120777", "/ 40755", "/usr/etc 40755"];
    assert_eq!(seen.into_inner().unwrap(), expected);
}

#[test]
fn a_label_wins_over_the_layers_own_where_there_is_one() {
    let own = [("SCHILY.xattr.security.selinux", "own"), ("SCHILY.xattr.user.z", "1")];
    let layer = labelled(new().pax(&own).file("usr/a", "").pax(&own).file("usr/none", ""));
    assert_eq!(layer.at("/usr/a"), "100644 0:0 '' security.selinux=t10\\x00 user.z=1");
    assert_eq!(layer.at("/usr/none"), "100644 0:0 '' security.selinux=own user.z=1");
}

#[test]
fn links_of_one_label_share_and_others_do_not() {
    let archive = new().file("usr/a", "1").link("usr/b", "usr/a").link("etc/c", "usr/a").link("etc/d", "usr/b");
    let layer = labelled(archive.link("usr/none", "usr/a").link("usr/none2", "usr/a"));
    assert_eq!(layer.at("/usr/b"), "100644 0:0 '1' security.selinux=t10\\x00");
    assert_eq!(layer.at("/usr/etc/d"), "100644 0:0 '1' security.selinux=etc_t\\x00");
    assert_eq!(layer.at("/usr/none"), "100644 0:0 '1'");
    assert_eq!(layer.files["/usr/a"], layer.files["/usr/b"]);
    assert_eq!(layer.files["/usr/etc/c"], layer.files["/usr/etc/d"]);
    assert_eq!(layer.files["/usr/none"], layer.files["/usr/none2"]);
    assert_eq!(file_objects(&layer), 3);
}

#[test]
fn the_layers_own_label_comes_back_where_none_is_given() {
    let own = [("SCHILY.xattr.security.selinux", "own")];
    let layer = labelled(new().link("usr/none", "usr/a").pax(&own).file("usr/a", "1"));
    assert_eq!(layer.at("/usr/none"), "100644 0:0 '1' security.selinux=own");
    assert_eq!(layer.at("/usr/a"), "100644 0:0 '1' security.selinux=t10\\x00");
}

#[test]
fn what_is_linked_from_outside_the_tree_is_labelled_where_it_ends_up() {
    let big = vec![7; 300_000];
    let archive = new().add(b'0', "opt/a", (0o644, 0, 0), "", &big).link("etc/a", "opt/a").link("usr/a", "opt/a");
    let archive = archive.symlink("opt/s", "t").link("usr/s", "opt/s").link("usr/f", "tmp/f").file("tmp/f", "f");
    let layer = labelled(archive);
    assert!(layer.at("/usr/etc/a").ends_with("' security.selinux=etc_t\\x00"));
    assert!(layer.at("/usr/a").ends_with("' security.selinux=t10\\x00"));
    assert_eq!(layer.at("/usr/s"), "120777 0:0 '-> t' security.selinux=t12\\x00");
    assert_eq!(layer.at("/usr/f"), "100644 0:0 'f' security.selinux=t10\\x00");
}

#[test]
fn a_replaced_home_does_not_keep_its_label_for_the_links() {
    let layer = labelled(new().file("usr/a", "1").link("etc/b", "usr/a").file("usr/a", "2"));
    assert_eq!(layer.at("/usr/etc/b"), "100644 0:0 '1' security.selinux=etc_t\\x00");
    assert_eq!(layer.at("/usr/a"), "100644 0:0 '2' security.selinux=t10\\x00");
}
