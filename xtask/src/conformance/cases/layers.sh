# Shell functions for case files about images with layers on top of a commit.

# An image to derive from, in the OCI directory DIR, of a tree in which RUN lines work: base_image DIR.
base_image() {
    shell_tree t rm mv ln mkdir rmdir chmod chown touch cp setcap &&
        mkdir -p t/usr/lib/{dir/sub,other,closed} t/usr/etc/conf.d t/usr/share t/sysroot &&
        for file in usr/bin/{tool,old} usr/lib/dir/{a,sub/b} usr/lib/other/c usr/lib/closed/d usr/etc/{conf,conf.d/e} usr/share/f; do
            echo "base $file" > "t/$file" || return
        done &&
        ln -s tool t/usr/bin/alias && ln -s dir t/usr/lib/link && ln -s ../etc/conf t/usr/lib/conf && encapsulated t "$1"
}

# A small image to put layers on, likewise: small_image DIR. Its layer is not compressed.
small_image() {
    mkdir -p t/usr/{bin,lib/dir/sub,etc/d,share} t/{sysroot,var} &&
        for file in usr/bin/{tool,old} usr/lib/dir/{a,sub/b} usr/etc/{conf,d/e} usr/share/f; do
            echo "base $file" > "t/$file" || return
        done &&
        ln -s tool t/usr/bin/alias && ln -s dir t/usr/lib/link && encapsulated t "$1" && plain_layer "$1"
}

# A tree as an image, by way of the repository `base.repo`: encapsulated TREE DIR.
encapsulated() {
    ostree --repo=base.repo init --mode=bare-user &&
        ostree --repo=base.repo commit -b main --timestamp=@1700000000 --add-metadata-string=version=1 --owner-uid=0 --owner-gid=0 "$1" > /dev/null &&
        ostree-ext-cli container encapsulate --repo base.repo $(shared_flavour) main "oci:$PWD/$2" > /dev/null
}

# Builds an image from the file `Containerfile` in an OCI directory: build BUILDER DIR [OPTION...].
build() {
    local base code
    # The programs refuse a run directory whose path is longer than 50 characters.
    base=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)") || return
    "$1" --root "$base/root" --runroot "$base/run" --storage-driver vfs build --isolation chroot --quiet "${@:3}" \
        -t "oci:$PWD/$2" -f Containerfile . > build.log 2>&1
    code=$?
    rm -rf "$base"
    [ "$code" = 0 ] || cat build.log >&2
    return $code
}

# Puts a packed layer on top likewise: add_packed DIR FILE TAR gzip|zstd.
add_packed() {
    local digest
    digest=$(sha256sum "$2" | cut -d' ' -f 1)
    cp "$2" "$1/blobs/sha256/$digest"
    edit_manifest "$1" ".layers += [{mediaType: \"application/vnd.oci.image.layer.v1.tar+$4\", digest: \"sha256:$digest\", size: $(stat -c %s "$2")}]"
    edit_config "$1" ".rootfs.diff_ids += [\"sha256:$(sha256sum "$3" | cut -d' ' -f 1)\"] | .history += [{created_by: \"packed\"}]"
}

# An archive of the entries described, on top of the image in an OCI directory: layer DIR ENTRY...
layer() {
    "$XTASK" layer-tar made.tar "${@:2}" && add_layer "$1" made.tar made
}

# The first image stored in a repository, its tree with all metadata, with names and owners alone, and a file of it.
image_ref() { ostree refs --repo "$1" | grep -m 1 ^ostree/container/image/; }
merge_of() { ostree --repo="$1" rev-parse "$(image_ref "$1")"; }
tree_of() { ostree --repo="$1" ls -RCX "$(image_ref "$1")" ${2:+"$2"}; }
names_of() { ostree --repo="$1" ls -R "$(image_ref "$1")" ${2:+"$2"}; }
text_of() { ostree --repo="$1" cat "$(image_ref "$1")" "$2"; }

# What the trees of the reference and of ours have in common: it keeps what builders inject, as empty files.
same_tree() {
    tree_of "$1" | sed -E -e '/ \/usr\/etc\/(hostname|resolv\.conf)$/d' -e 's/^(d[0-9]+ +[0-9]+ +[0-9]+ +[0-9]+) [0-9a-f]{64} /\1 /'
}

# What only ours must be told to put /var where the reference does with libostree before 2024.3.
older_var() { [ "$SUBJECT" = ours ] && echo --var=factory; true; }
