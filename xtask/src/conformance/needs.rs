//! What a host must offer for a case, and the reason said aloud where it does not.

use super::case::{Case, Pairing, Role};
use super::subject::{FACES, Subject};
use crate::sh::{cmd, which};
use std::path::Path;

/// What this host offers, probed once.
#[derive(Clone, Debug)]
pub struct Host {
    root: bool,
    xattrs: bool,
    trusted_xattrs: bool,
    mount: bool,
    loop_devices: bool,
    user_namespaces: bool,
    slow: bool,
}

impl Host {
    /// Probes the host; `scratch` is the directory the cases will work in.
    pub fn probe(scratch: &Path, slow: bool) -> Self {
        let root = rustix::process::geteuid().is_root();
        let probe = scratch.join("probe");
        let file = std::fs::write(&probe, b"probe").is_ok();
        let can_set =
            |name: &str| file && rustix::fs::lsetxattr(&probe, name, b"probe", rustix::fs::XattrFlags::empty()).is_ok();
        let (xattrs, trusted_xattrs) = (can_set("user.probe"), can_set("trusted.probe"));
        let (mount, user_namespaces) = (root && can_mount(scratch), root && users_have_namespaces());
        let loop_devices = mount && cmd("losetup").args(["--find"]).succeeds();
        Self { root, xattrs, trusted_xattrs, mount, loop_devices, user_namespaces, slow }
    }

    /// Why the case cannot run here, if it cannot.
    pub fn obstacle(&self, case: &Case) -> Option<String> {
        if case.slow && !self.slow {
            return Some("runs only with --slow".to_owned());
        }
        case.needs.iter().find_map(|need| self.lacks(need))
    }

    fn lacks(&self, need: &str) -> Option<String> {
        let reason = match need {
            "root" if !self.root => "needs root",
            "xattrs" if !self.xattrs => "the file system takes no user.* attributes",
            "trusted-xattrs" if !self.trusted_xattrs => "the file system takes no trusted.* attributes",
            "mount" if !self.mount => "may not mount file systems",
            "loop-devices" if !self.loop_devices => "has no loop devices",
            "user-namespaces" if !self.user_namespaces => "users get no user namespaces",
            "root" | "xattrs" | "trusted-xattrs" | "mount" | "loop-devices" | "user-namespaces" => return None,
            program => return which(program).is_none().then(|| format!("{program} is not installed")),
        };
        Some(reason.to_owned())
    }
}

/// Why this pairing of a case cannot run with these subjects, if it cannot.
pub fn missing_face(case: &Case, pairing: Pairing, reference: &Subject, ours: Option<&Subject>) -> Option<String> {
    let missing = |subject: &Subject, roles: &[Role], who: &str| {
        let absent = |face: &&str| case.names_program(face, roles) && !subject.programs.iter().any(|name| name == face);
        FACES.iter().find(|face| absent(face)).map(|face| format!("no {face} as {who}"))
    };
    let roles = pairing.roles_of_ours();
    let lacks_ours = match ours {
        None if !roles.is_empty() => Some("our binary is not built".to_owned()),
        None => None,
        Some(subject) => missing(subject, roles, "ours"),
    };
    lacks_ours.or_else(|| missing(reference, pairing.roles_of_reference(), "the reference"))
}

fn can_mount(scratch: &Path) -> bool {
    let point = scratch.join("mount-probe");
    std::fs::create_dir(&point).is_ok()
        && cmd("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&point).succeeds()
        && cmd("umount").arg(&point).succeeds()
}

/// Whether somebody who is not root may be root in a namespace.
fn users_have_namespaces() -> bool {
    let user = ["--reuid=65534", "--regid=65534", "--clear-groups"];
    cmd("setpriv").args(user).args(["unshare", "--user", "--map-root-user", "true"]).succeeds()
}
