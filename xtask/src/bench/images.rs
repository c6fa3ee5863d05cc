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
use crate::units::hex;

/// How many groups the files are put in; with the commit's layer and an empty one that ostree-ext adds these are 64 layers.
const GROUPS: usize = 62;
/// How long a registry may take to answer.
const START: Duration = Duration::from_secs(20);

/// A registry on this machine; it ends with this value.
#[derive(Debug)]
pub struct Registry {
    process: Child,
    address: String,
    /// Its storage.
    home: PathBuf,
}

impl Registry {
    /// Serves the images that are pulled, after making those that are missing.
    ///
    /// # Errors
    /// A peer fails, or the registry does not start.
    pub fn start(place: &Place) -> Result<Self> {
        let registry = Self::serve(place, "registry")?;
        registry.fill(place)?;
        Ok(registry)
    }

    /// Serves what is in the input folder `name`, nothing if it is new.
    ///
    /// # Errors
    /// The registry does not start.
    pub fn serve(place: &Place, name: &str) -> Result<Self> {
        let home = place.home.join("input").join(name);
        fs::create_dir_all(&home).with_context(|| format!("make {}", home.display()))?;
        let address = TcpListener::bind("127.0.0.1:0").and_then(|socket| socket.local_addr())?.to_string();
        let config = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: '{}'}}}}\n\
             http: {{addr: '{address}'}}\n",
            text(&home)
        );
        let file = home.with_extension("yml");
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
        let registry = Self { process, address, home };
        registry.wait()?;
        Ok(registry)
    }

    /// Where it keeps which blobs a repository has; without it all must be sent again.
    pub fn repositories(&self) -> PathBuf {
        self.home.join("docker/registry/v2/repositories")
    }

    /// Where it listens.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// The reference of an image, as ostree-ext takes it.
    pub fn image(&self, tag: &str) -> String {
        image_at(&self.address, tag)
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

    fn fill(&self, place: &Place) -> Result<()> {
        let mark = self.home.join("filled");
        if mark.exists() {
            return Ok(());
        }
        println!("making the images that are pulled");
        let chunked = chunked(place)?;
        let update = update(place)?;
        let hundred = hundred(place)?;
        let images = [(&place.image(), "one"), (&chunked, "chunks"), (&update, "update"), (&hundred, "hundred")];
        for (dir, tag) in images {
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

/// The reference of an image on the registry at `address`, as ostree-ext takes it.
pub fn image_at(address: &str, tag: &str) -> String {
    format!("ostree-unverified-registry:{address}/os:{tag}")
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
    add_layers(place, &dir, &["usr/share/one-file".to_owned()])?;
    Ok(dir)
}

/// A commit of one file as an image, with a hundred layers of one file each on top.
fn hundred(place: &Place) -> Result<PathBuf> {
    let home = place.home.join("input/hundred");
    sh::remove_tree(&home)?;
    let (repo, tree, dir) = (home.join("repo"), home.join("tree"), home.join("image"));
    fs::create_dir_all(tree.join("usr/share")).with_context(|| format!("make {}", tree.display()))?;
    fs::write(tree.join("usr/share/base"), "base\n")?;
    let at = format!("--repo={}", text(&repo));
    place.ostree(&["init", &at, "--mode=bare"]).read()?;
    place.ostree(&["commit", &at, "-b", REF, &format!("--tree=dir={}", text(&tree))]).read()?;
    place.ostree_ext(&["encapsulate", &at, REF, &format!("oci:{}", text(&dir))]).read()?;
    add_layers(place, &dir, &(0..100).map(|number| format!("usr/share/file{number}")).collect::<Vec<_>>())?;
    Ok(dir)
}

/// Puts a layer with one file for each of `files` on top of the image in `dir`.
fn add_layers(place: &Place, dir: &Path, files: &[String]) -> Result<()> {
    let (mut index, mut image) = manifest(dir)?;
    let mut config: Value = serde_json::from_slice(&fs::read(blob(dir, image["config"]["digest"].as_str())?)?)?;
    for file in files {
        let layer = layer_of(&place.home.join("input/one-file"), file)?;
        let digest = put(dir, &layer)?;
        push(&mut config["rootfs"]["diff_ids"], json!(digest))?;
        push(&mut config["history"], json!({ "created_by": file }))?;
        let media_type = "application/vnd.oci.image.layer.v1.tar";
        push(&mut image["layers"], json!({ "mediaType": media_type, "digest": digest, "size": layer.len() }))?;
    }
    let config = config.to_string();
    image["config"]["digest"] = json!(put(dir, config.as_bytes())?);
    image["config"]["size"] = json!(config.len());
    let image = image.to_string();
    index["manifests"][0]["digest"] = json!(put(dir, image.as_bytes())?);
    index["manifests"][0]["size"] = json!(image.len());
    // It may be a link to another image's.
    let file = dir.join("index.json");
    fs::remove_file(&file).and_then(|()| fs::write(&file, index.to_string())).context("write the index")
}

/// A tar of one file that holds its own name.
fn layer_of(scratch: &Path, file: &str) -> Result<Vec<u8>> {
    sh::remove_tree(scratch)?;
    let path = scratch.join(file);
    fs::create_dir_all(path.parent().unwrap_or(scratch)).with_context(|| format!("make {}", scratch.display()))?;
    fs::write(&path, file)?;
    let tar = cmd("tar").args(["-C", &text(scratch), "--owner=0", "--group=0", "-cf", "-", file]).output()?;
    if !tar.status.success() {
        bail!("tar: {}", tar.error_tail());
    }
    Ok(tar.stdout)
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

fn push(list: &mut Value, item: Value) -> Result<()> {
    list.as_array_mut().context("not a list")?.push(item);
    Ok(())
}
