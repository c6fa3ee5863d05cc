//! Layers of images: names, kinds of entries, replacement, whiteouts, what is left out.

use ostree_tar::limits::MAX_EXTENSION_SIZE;
use ostree_tar::{LayerOptions, VarPlace, read_layer};
use testkit::memory_store::MemoryStore;

use crate::layer_support::{read, read_with, refusal, try_read};
use crate::support::Archive;

const FACTORY: LayerOptions<'_> =
    LayerOptions { var: VarPlace::Factory, allow_nonusr: false, skip_special: false, label: None, writers: 0 };
const ALL: LayerOptions<'_> = LayerOptions { allow_nonusr: true, var: VarPlace::Keep, ..FACTORY };
const SKIP: LayerOptions<'_> = LayerOptions { skip_special: true, var: VarPlace::Keep, ..FACTORY };

fn new() -> Archive {
    Archive::default()
}

#[test]
fn an_empty_layer_is_an_empty_tree() {
    for archive in [&[][..], &[0; 512], &[0; 1024], &[0; 10240]] {
        let layer = try_read(archive, &LayerOptions::default()).unwrap();
        assert_eq!(layer.paths.len(), 1);
        assert_eq!(layer.at("/"), "40755 0:0");
        assert_eq!(layer.contents.implicit.iter().collect::<Vec<_>>(), ["/"]);
    }
}

#[test]
fn etc_moves_and_var_as_told() {
    let archive = || new().dir("etc/", 0o750, 1, 2).file("etc/a", "1").file("/etc//b", "2").dir("./var", 0o700, 3, 3);
    let archive = || archive().file("var/lib/x", "3").file("./usr/./bin/y", "4");
    let layer = read(archive());
    assert_eq!(layer.listed(), ["/usr/bin/y", "/usr/etc/", "/usr/etc/a", "/usr/etc/b", "/var/", "/var/lib/x"]);
    assert_eq!(layer.at("/usr/etc/"), "40750 1:2");
    let implicit: Vec<_> = layer.contents.implicit.iter().map(String::as_str).collect();
    assert_eq!(implicit, ["/", "/usr", "/usr/bin", "/var/lib"]);
    let factory = read_with(archive(), &FACTORY);
    assert_eq!(factory.at("/usr/share/factory/var/"), "40700 3:3");
    assert!(factory.at("/usr/share/factory/var/lib/x").contains("'3'"));
    assert_eq!(factory.at("/var/"), "absent");
}

#[test]
fn long_and_odd_names_are_taken_as_they_are() {
    let long = format!("etc/{}/{}", "d".repeat(200), "n".repeat(255));
    let odd = "etc/back\\slash new\nline ü=%41";
    let target = format!("a//b/{}/", "t".repeat(150));
    let layer = read(
        new()
            .pax(&[("path", &long)])
            .file("etc/short", "1")
            .pax(&[("path", odd)])
            .file("x", "2")
            .add(b'L', "././@LongLink", (0, 0, 0), "", format!("./usr/{}\0", "g/".repeat(90) + "z").as_bytes())
            .file("usr/g", "3")
            .pax(&[("linkpath", &target)])
            .symlink("usr/s1", "x")
            .add(b'K', "././@LongLink", (0, 0, 0), "", format!("{target}\0").as_bytes())
            .symlink("usr/s2", "x")
            .symlink("usr/s3", "/")
            .symlink("usr/s4", "a//b/")
            .symlink("usr/s5", "..\\x \n"),
    );
    assert!(layer.at(&format!("/usr/{long}")).contains("'1'"));
    assert!(layer.at(&format!("/usr/{odd}")).contains("'2'"));
    assert!(layer.at(&format!("/usr/{}z", "g/".repeat(90))).contains("'3'"));
    for name in ["s1", "s2"] {
        assert_eq!(layer.at(&format!("/usr/{name}")), format!("120777 0:0 '-> {target}'"));
    }
    assert_eq!(layer.at("/usr/s3"), "120777 0:0 '-> /'");
    assert_eq!(layer.at("/usr/s4"), "120777 0:0 '-> a//b/'");
    assert_eq!(layer.at("/usr/s5"), "120777 0:0 '-> ..\\x \n'");
}

#[test]
fn names_that_cannot_be_are_refused_with_the_entry() {
    for name in ["../x", "usr/../x", "/..", "usr/bin/.."] {
        let message = refusal(new().file(name, ""));
        assert_eq!(message, format!("tar entry '{name}' at byte 0: Invalid path: {name}"));
    }
    let raw = |name: &[u8], link: &[u8], kind| refusal(new().add_raw(kind, (name, link), (0o644, 0, 0), 0, b""));
    assert!(raw(b"usr/a\xff", b"", b'0').ends_with("Invalid UTF-8 in filename usr/a\\xff"));
    assert_eq!(raw(b"usr/s", b"a\xff", b'2'), "tar entry 'usr/s' at byte 0: Non-utf8 symlink");
    assert!(raw(b"usr/l", b"a\xff", b'1').starts_with("tar entry 'usr/l' at byte 0"));
    assert_eq!(raw(b"usr/l", b"", b'1'), "tar entry 'usr/l' at byte 0: a hard link without target");
    assert!(raw(b"usr/l", b"../etc/shadow", b'1').ends_with("Invalid path: ../etc/shadow"));
    let long = format!("usr/{}", "n".repeat(256));
    assert!(refusal(new().pax(&[("path", &long)]).file("x", "")).ends_with("a file name of 256 bytes"));
    assert!(refusal(new().pax(&[("path", "usr/a\0b")]).file("x", "")).contains("NUL"));
    assert!(refusal(new().pax(&[("linkpath", "a\0b")]).symlink("usr/s", "x")).contains("NUL"));
    assert!(refusal(new().owned("usr/a", 0x1_0000_0000, 0)).ends_with("invalid uid 4294967296"));
    assert!(refusal(new().file(".", "")).ends_with("in the place of the root directory"));
    assert!(refusal(new().symlink("usr/s", "")).ends_with("Invalid symlink"));
}

#[test]
fn what_is_not_of_the_tree_is_counted_and_listed() {
    let archive = || {
        new()
            .dir("run", 0o755, 0, 0)
            .file("run/lock/x", "")
            .file("run/lock/y", "")
            .file("tmp/t", "")
            .dir("dev", 0o755, 0, 0)
            .add(b'3', "dev/null", (0o666, 0, 0), "", b"")
            .add(b'6', "dev/fifo", (0o666, 1 << 40, 0), "", b"")
            .dir("opt", 0o755, 0, 0)
            .file("/opt/a", "")
            .symlink("home", "var/home")
            .file("sysroot/ostree/repo/objects/aa/x", "")
            .dir("sysroot", 0o755, 0, 0)
            .symlink("ostree", "sysroot/ostree")
            .file("opt/.wh.b", "")
            .file(".wh.mnt", "")
            .link("opt/l", "opt/a")
            .dir("proc", 0o555, 0, 0)
    };
    let layer = read(archive());
    assert_eq!(layer.listed(), ["/dev/", "/proc/", "/run/"]);
    let counts = ".wh.mnt=1 fifo=1 home=1 lock=2 null=1 opt=4 ostree=1 sysroot=2 t=1";
    assert_eq!(layer.filtered(), counts);
    assert_eq!(layer.contents.filtered_paths.len(), 14);
    assert_eq!(layer.contents.filtered_paths[..2], ["/run/lock/x", "/run/lock/y"]);
    assert!(layer.contents.filtered_paths.contains(&"/opt/a".to_owned()));
    let layer = read_with(archive(), &ALL);
    let expected = [
        "/.wh.mnt",
        "/dev/",
        "/home",
        "/opt/",
        "/opt/.wh.b",
        "/opt/a",
        "/opt/l",
        "/ostree",
        "/proc/",
        "/run/",
        "/sysroot/",
    ];
    assert_eq!(layer.listed(), expected);
    assert_eq!(layer.filtered(), "fifo=1 lock=2 null=1 sysroot=1 t=1");
}

#[test]
fn special_files_are_refused_or_skipped() {
    let device = |kind, numbers: (u32, u32)| {
        let mut archive = new().add(kind, "usr/x", (0o600, 0, 0), "", b"").bytes().to_vec();
        let mut header = tar::Header::from_byte_slice(&archive).clone();
        header.set_device_major(numbers.0).unwrap();
        header.set_device_minor(numbers.1).unwrap();
        header.set_cksum();
        archive.copy_from_slice(header.as_bytes());
        Archive::of(archive)
    };
    let refused = |kind, numbers| {
        let message = refusal(device(kind, numbers));
        message.strip_prefix("tar entry 'usr/x' at byte 0: ").unwrap().to_owned()
    };
    assert_eq!(refused(b'3', (1, 3)), "a character device (1:3), which trees do not hold");
    assert_eq!(refused(b'3', (0, 0)), "an overlay whiteout (character device 0:0), which trees do not hold");
    assert_eq!(refused(b'4', (8, 1)), "a block device (8:1), which trees do not hold");
    assert_eq!(refused(b'6', (0, 0)), "a FIFO, which trees do not hold");
    let layer = read_with(device(b'3', (0, 0)).file("usr/y", "").add(b'6', "/etc/f", (0o600, 0, 0), "", b""), &SKIP);
    assert_eq!(layer.listed(), ["/usr/y"]);
    assert_eq!(layer.contents.skipped, ["/usr/x", "/etc/f"]);
    assert!(layer.contents.filtered.is_empty());
}

#[test]
fn the_last_entry_of_a_name_counts() {
    let cases: [(Archive, &str, &str); 12] = [
        (new().file("usr/a", "1").file("usr/a", "2"), "/usr/a", "100644 0:0 '2'"),
        (new().file("usr/a", "1").symlink("usr/a", "t"), "/usr/a", "120777 0:0 '-> t'"),
        (new().symlink("usr/a", "t").file("usr/a", "2"), "/usr/a", "100644 0:0 '2'"),
        (new().file("usr/a/b", "1").file("usr/a", "2"), "/usr/a", "100644 0:0 '2'"),
        (new().file("usr/a/b", "1").symlink("usr/a", "t"), "/usr/a", "120777 0:0 '-> t'"),
        (new().file("usr/a", "1").dir("usr/a", 0o711, 1, 1), "/usr/a/", "40711 1:1"),
        (new().symlink("usr/a", "/etc").dir("usr/a", 0o711, 1, 1), "/usr/a/", "40711 1:1"),
        (new().file("usr/a", "1").file("usr/a/b", "2"), "/usr/a/b", "100644 0:0 '2'"),
        (new().symlink("usr/a", "/etc").file("usr/a/b", "2"), "/usr/a/b", "100644 0:0 '2'"),
        (new().file("etc/a", "1").file("usr/etc/a", "2"), "/usr/etc/a", "100644 0:0 '2'"),
        (new().file("usr/etc/a", "1").file("etc/a", "2"), "/usr/etc/a", "100644 0:0 '2'"),
        (new().link("usr/a", "usr/b").file("usr/a", "2"), "/usr/a", "100644 0:0 '2'"),
    ];
    for (archive, path, expected) in cases {
        let layer = read(archive.clone());
        assert_eq!(layer.at(path), expected);
        assert_eq!(layer.files.len(), usize::from(!path.ends_with('/')), "{:?}", layer.paths);
        assert!(layer.contents.links.is_empty());
    }
}

#[test]
fn a_directory_over_a_directory_changes_its_metadata_alone() {
    let archive = new().file("usr/a/b", "1").dir("usr/a", 0o700, 1, 1).pax(&[("SCHILY.xattr.user.x", "v")]);
    let layer = read(archive.dir("usr/a/", 0o1777, 2, 3).dir("./", 0o751, 4, 5));
    assert_eq!(layer.at("/usr/a/"), "41777 2:3 user.x=v");
    assert_eq!(layer.at("/usr/a/b"), "100644 0:0 '1'");
    assert_eq!(layer.at("/"), "40751 4:5");
    assert_eq!(layer.contents.implicit.iter().collect::<Vec<_>>(), ["/usr"]);
    // What replaced the directory and went again leaves a fresh one.
    let layer = read(new().dir("usr/a", 0o700, 1, 1).file("usr/a", "").file("usr/a/b", ""));
    assert_eq!(layer.at("/usr/a/"), "40755 0:0");
    assert!(layer.contents.implicit.contains("/usr/a"));
}

#[test]
fn whiteouts_stay_where_they_apply() {
    let layer = read(
        new()
            .file(".wh.etc", "")
            .file(".wh.usr", "")
            .file("etc/.wh.x", "")
            .add(b'0', "etc/.wh..wh..opq", (0o600, 3, 4), "", b"")
            .file(".wh..wh..opq", "")
            .file("var/.wh.y", "")
            .file("usr/.wh..wh.aufs", "")
            .dir("usr/.wh..wh.plnk", 0o700, 0, 0)
            .file("usr/.wh..wh.plnk/1.2", "p")
            .dir("usr/.wh.d", 0o700, 0, 0)
            .link("usr/.wh.l", "usr/nowhere")
            .add(b'3', "usr/.wh.c", (0o600, 0, 0), "", b""),
    );
    let expected = [
        "/.wh..wh..opq",
        "/.wh.usr",
        "/usr/.wh.c",
        "/usr/.wh.d",
        "/usr/.wh.etc",
        "/usr/.wh.l",
        "/usr/etc/.wh..wh..opq",
        "/usr/etc/.wh.x",
        "/var/.wh.y",
    ];
    assert_eq!(layer.listed(), expected);
    assert_eq!(layer.at("/usr/etc/.wh..wh..opq"), "100600 3:4 ''");
    assert_eq!(layer.at("/usr/.wh.d"), "100644 0:0 ''");
    assert!(layer.contents.filtered.is_empty());
    let factory = read_with(new().file(".wh.var", ""), &FACTORY);
    assert_eq!(factory.listed(), ["/usr/share/factory/.wh.var"]);
    for name in ["usr/.wh.", "usr/.wh..", "usr/.wh..."] {
        assert!(refusal(new().file(name, "")).ends_with("names nothing"), "{name}");
    }
    assert!(refusal(new().file("usr/.wh.a/b", "")).ends_with("an entry below the whiteout '.wh.a'"));
}

#[test]
fn xattrs_and_modes_are_those_of_the_entry() {
    let layer = read(
        new()
            .pax_raw(&[
                (b"SCHILY.xattr.user.b", b"\n\0=\xff"),
                (b"SCHILY.xattr.security.capability", b"\x01\0\0\x02"),
                (b"SCHILY.xattr.user.\xfea\n", b""),
                (b"LIBARCHIVE.xattr.user.%3d", b"AP8"),
            ])
            .add(b'0', "usr/a", (0o4755, 7, 8), "", b"x")
            .pax(&[("SCHILY.xattr.user.s", "v")])
            .symlink("usr/s", "t")
            .add(b'0', "usr/b", (0o106_2711, 0x7fff_ffff_ffff_fffe, 0), "", b""),
    );
    let xattrs = "security.capability=\\x01\\x00\\x00\\x02 user.==\\x00\\xff user.b=\\n\\x00=\\xff user.\\xfea\\n=";
    assert_eq!(layer.at("/usr/a"), format!("104755 7:8 'x' {xattrs}"));
    assert_eq!(layer.at("/usr/s"), "120777 0:0 '-> t' user.s=v");
    assert_eq!(layer.at("/usr/b"), "102711 4294967294:0 ''");
    assert!(refusal(new().pax(&[("SCHILY.xattr.", "v")]).file("usr/a", "")).contains("invalid name"));
}

#[test]
fn sparse_files_of_every_format_are_expanded() {
    let map: &[(&str, &str)] =
        &[("GNU.sparse.name", "etc/p01"), ("GNU.sparse.size", "12"), ("GNU.sparse.map", "2,3,8,1,12,0")];
    let pairs: &[(&str, &str)] = &[
        ("GNU.sparse.size", "12"),
        ("GNU.sparse.numblocks", "3"),
        ("GNU.sparse.offset", "2"),
        ("GNU.sparse.numbytes", "3"),
        ("GNU.sparse.offset", "8"),
        ("GNU.sparse.numbytes", "1"),
        ("GNU.sparse.offset", "12"),
        ("GNU.sparse.numbytes", "0"),
    ];
    let one: &[(&str, &str)] = &[
        ("GNU.sparse.major", "1"),
        ("GNU.sparse.minor", "0"),
        ("GNU.sparse.name", "etc/p10"),
        ("GNU.sparse.realsize", "12"),
    ];
    let mut content = b"3\n2\n3\n8\n1\n12\n0\n".to_vec();
    content.resize(512, 0);
    content.extend_from_slice(b"abcd");
    let archive = new().pax(map).file("GNUSparseFile.0/x", "abcd").pax(pairs).file("etc/p00", "abcd");
    let archive = archive.pax(one).add(b'0', "GNUSparseFile.0/y", (0o644, 0, 0), "", &content);
    let layer = read(Archive::of([archive.bytes(), &old_gnu_sparse()].concat()).file("usr/after", "a"));
    for name in ["p00", "p01", "p10", "gnu"] {
        let shown = "100644 0:0 '\\x00\\x00abc\\x00\\x00\\x00d\\x00\\x00\\x00'";
        assert_eq!(layer.at(&format!("/usr/etc/{name}")), shown, "{name}");
    }
    assert_eq!(layer.at("/usr/after"), "100644 0:0 'a'");
    let lying = new().pax(&[("GNU.sparse.map", "5,3,0,2"), ("GNU.sparse.size", "9")]).file("usr/x", "abcde");
    assert!(refusal(lying).ends_with("malformed map of a sparse file"));
}

/// A sparse file in the form of GNU tar before PAX.
fn old_gnu_sparse() -> Vec<u8> {
    let mut archive = new().add(b'S', "etc/gnu", (0o644, 0, 0), "", b"abcd").bytes().to_vec();
    let numbers: [(usize, u64); 7] = [(386, 2), (398, 3), (410, 8), (422, 1), (434, 12), (446, 0), (483, 12)];
    for (at, number) in numbers {
        archive[at..at + 12].copy_from_slice(format!("{number:011o}\0").as_bytes());
    }
    archive[148..156].fill(b' ');
    let sum: u32 = archive[..512].iter().map(|byte| u32::from(*byte)).sum();
    archive[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    archive
}

#[test]
fn huge_extension_headers_are_refused() {
    let value = "v".repeat(MAX_EXTENSION_SIZE as usize);
    let message = refusal(new().pax(&[("SCHILY.xattr.user.a", &value)]).file("usr/a", ""));
    assert!(message.starts_with("malformed tar stream at byte"), "{message}");
    let long = new().add(b'L', "././@LongLink", (0, 0, 0), "", value.repeat(2).as_bytes()).file("usr/a", "");
    assert!(refusal(long).starts_with("malformed tar stream at byte"));
    // A size that is only said costs nothing.
    let said = new().add_raw(b'x', (b"pax", b""), (0o644, 0, 0), 1 << 40, b"");
    assert!(refusal(said).starts_with("malformed tar stream at byte"));
}

#[test]
fn streams_that_break_off_are_refused() {
    let archive = new().file("usr/a", "1").add(b'0', "usr/b", (0o644, 0, 0), "", &[7; 300_000]);
    let whole = archive.bytes();
    // Without an end mark the archive is whole all the same.
    assert!(try_read(whole, &LayerOptions::default()).is_ok());
    for cut in [1, 100, 600, 1200, 200_000, whole.len() - 1] {
        for writers in [0, 2] {
            let options = LayerOptions { writers, ..LayerOptions::default() };
            let error = read_layer(&whole[..cut], &MemoryStore::new(), &options).unwrap_err();
            assert!(error.to_string().starts_with("tar stream cut off at byte"), "{cut}: {error}");
        }
    }
    assert!(try_read(&b"PK\x03\x04 and no tar at all".repeat(100), &LayerOptions::default()).is_err());
}

#[test]
fn writers_change_nothing() {
    let archive = (0..300).fold(new(), |archive, at| {
        let archive = archive.file(&format!("etc/d{}/f{at}", at % 7), &at.to_string());
        archive.link(&format!("usr/l{at}"), &format!("etc/d{}/f{at}", at % 7))
    });
    let archive = archive.add(b'0', "usr/big", (0o644, 0, 0), "", &vec![7; 300_000]).end();
    let read = |writers| try_read(&archive, &LayerOptions { writers, ..LayerOptions::default() }).unwrap().files;
    assert_eq!(read(0).len(), 601);
    assert_eq!(read(0), read(1));
    assert_eq!(read(0), read(3));
}
