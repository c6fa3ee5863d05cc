//! The images that are pulled, and the registry that serves them.

use std::collections::BTreeMap;
use std::fs;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::place::{Place, REF, text};
use crate::sh::{self, cmd};

/// How many groups the files are put in; with the commit's layer and an empty one that ostree-ext adds these are 64 layers.
const GROUPS: usize = 62;
/// How long a registry may take to answer.
const START: Duration = Duration::from_secs(20);

/// A registry on this machine; it ends with this value.
#[derive(Debug)]
pub struct Registry {
    process: Child,
    address: String,
}

impl Registry {
    /// Serves what is below `place`, after putting the images there that are missing.
    ///
    /// # Errors
    /// A peer fails, or the registry does not start.
    pub fn start(place: &Place) -> Result<Self> {
        let home = place.home.join("input/registry");
        fs::create_dir_all(&home).with_context(|| format!("make {}", home.display()))?;
        let address = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr())?.to_string();
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: '{}'}}}}\nhttp: {{addr: '{address}'}}\n",
            text(&home)
        );
        let file = place.home.join("input/registry.yml");
        fs::write(&file, config).with_context(|| format!("write {}", file.display()))?;
        let process = cmd("docker-registry")
            .arg("serve")
            .arg(&file)
            .env("OTEL_TRACES_EXPORTER", "none")
            .command()
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("start docker-registry")?;
        let registry = Self { process, address };
        registry.wait()?;
        registry.fill(place, &home)?;
        Ok(registry)
    }

    /// The reference of an image, as ostree-ext takes it.
    pub fn image(&self, tag: &str) -> String {
        format!("ostree-unverified-registry:{}/os:{tag}", self.address)
    }

    fn wait(&self) -> Result<()> {
        let begin = Instant::now();
        while TcpStream::connect(&self.address).is_err() {
            if begin.elapsed() > START {
                bail!("docker-registry does not answer on {}", self.address);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }

    fn fill(&self, place: &Place, home: &Path) -> Result<()> {
        let mark = home.join("filled");
        if mark.exists() {
            return Ok(());
        }
        println!("making the images that are pulled");
        let chunked = chunked(place)?;
        let update = update(place)?;
        for (dir, tag) in [(&place.image(), "one"), (&chunked, "chunks"), (&update, "update")] {
            let target = format!("docker://{}/os:{tag}", self.address);
            cmd("skopeo").args(["copy", "--dest-tls-verify=false", &format!("oci:{}", text(dir)), &target]).read()?;
        }
        fs::write(&mark, "").with_context(|| format!("write {}", mark.display()))
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        // It holds nothing that is not on disk.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The ref of the layer that the update adds, as ostree-ext names it.
///
/// # Errors
/// The update's manifest cannot be read.
pub fn update_layer_ref(place: &Place) -> Result<String> {
    let (_, manifest) = manifest(&place.home.join("input/update"))?;
    let layers = manifest["layers"].as_array().context("no layers")?;
    let digest = layers.last().and_then(|layer| layer["digest"].as_str()).context("no digest")?;
    Ok(format!("ostree/container/blob/{}", digest.replace(':', "_3A_")))
}

/// The commit as an image of 64 layers, by ostree-ext.
fn chunked(place: &Place) -> Result<PathBuf> {
    let dir = place.home.join("input/chunked");
    sh::remove_tree(&dir)?;
    let repo = format!("--repo={}", text(&place.repo()));
    let listing = cmd("ostree").args(["ls", &repo, "-R", "-C", REF]).read()?;
    let mut mapping = BTreeMap::new();
    for line in listing.lines().filter(|line| !line.starts_with('d')) {
        let checksum = line.split_whitespace().find(|word| word.len() == 64).context("no checksum in the listing")?;
        let group = usize::from_str_radix(&checksum[..4], 16)? % GROUPS;
        mapping.insert(checksum.to_owned(), format!("group{group:02}"));
    }
    let layers: BTreeMap<String, String> =
        (0..GROUPS).map(|group| (format!("group{group:02}"), format!("Group {group}"))).collect();
    let file = place.home.join("input/contentmeta.json");
    fs::write(&file, json!({ "version": 1, "layers": layers, "mapping": mapping }).to_string())?;
    place
        .ostree_ext(&["encapsulate", &repo, "--contentmeta", &text(&file), REF, &format!("oci:{}", text(&dir))])
        .read()?;
    Ok(dir)
}

/// The image with a layer of one file on top.
fn update(place: &Place) -> Result<PathBuf> {
    let dir = place.home.join("input/update");
    sh::remove_tree(&dir)?;
    cmd("cp").args(["-al", &text(&place.image()), &text(&dir)]).read()?;
    let root = place.home.join("input/one-file");
    sh::remove_tree(&root)?;
    fs::create_dir_all(root.join("usr/share"))?;
    fs::write(root.join("usr/share/one-file"), "one file\n")?;
    let tar = place.home.join("input/one-file.tar");
    cmd("tar").args(["-C", &text(&root), "--owner=0", "--group=0", "-cf", &text(&tar), "usr/share/one-file"]).read()?;
    let (index, mut image) = manifest(&dir)?;
    let mut config: Value = serde_json::from_slice(&fs::read(blob(&dir, image["config"]["digest"].as_str())?)?)?;
    let layer = fs::read(&tar)?;
    let diff_id = put(&dir, &layer)?;
    push(&mut config["rootfs"]["diff_ids"], json!(diff_id))?;
    push(&mut config["history"], json!({ "created_by": "one file" }))?;
    push(
        &mut image["layers"],
        json!({ "mediaType": "application/vnd.oci.image.layer.v1.tar", "digest": diff_id, "size": layer.len() }),
    )?;
    let config = config.to_string();
    image["config"]["digest"] = json!(put(&dir, config.as_bytes())?);
    image["config"]["size"] = json!(config.len());
    let image = image.to_string();
    let mut index = index;
    index["manifests"][0]["digest"] = json!(put(&dir, image.as_bytes())?);
    index["manifests"][0]["size"] = json!(image.len());
    // The file is linked with the other image's.
    fs::remove_file(dir.join("index.json"))?;
    fs::write(dir.join("index.json"), index.to_string())?;
    Ok(dir)
}

/// The index of an OCI directory, and the manifest it names first.
fn manifest(dir: &Path) -> Result<(Value, Value)> {
    let index: Value = serde_json::from_slice(&fs::read(dir.join("index.json"))?)?;
    let manifest = fs::read(blob(dir, index["manifests"][0]["digest"].as_str())?)?;
    Ok((index, serde_json::from_slice(&manifest)?))
}

fn blob(dir: &Path, digest: Option<&str>) -> Result<PathBuf> {
    let hex = digest.and_then(|digest| digest.strip_prefix("sha256:")).context("no digest")?;
    Ok(dir.join("blobs/sha256").join(hex))
}

fn put(dir: &Path, bytes: &[u8]) -> Result<String> {
    let digest = format!("sha256:{}", hex(&Sha256::digest(bytes)));
    let file = blob(dir, Some(&digest))?;
    fs::write(&file, bytes).with_context(|| format!("write {}", file.display()))?;
    Ok(digest)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn push(list: &mut Value, item: Value) -> Result<()> {
    list.as_array_mut().context("not a list")?.push(item);
    Ok(())
}
