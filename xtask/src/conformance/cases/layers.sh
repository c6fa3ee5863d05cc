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

# The same of a tree with a small SELinux policy, labelled by it if a second word is given: labelled_image DIR [selinux].
labelled_image() {
    labelled_tree t && small_policy t && mv t/etc/selinux t/usr/etc/ && rmdir t/etc && mkdir -p t/sysroot t/var &&
        encapsulated t "$1" ${2:+--selinux-policy-from-base} && plain_layer "$1"
}

# A tree as an image, by way of the repository `base.repo`: encapsulated TREE DIR [OPTION].
encapsulated() {
    ostree --repo=base.repo init --mode=bare-user &&
        ostree --repo=base.repo commit -b main --timestamp=@1700000000 --add-metadata-string=version=1 --owner-uid=0 --owner-gid=0 "${@:3}" "$1" > /dev/null &&
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

# Changes the tree at DIR at one place by chance, in one of many ways: change DIR TEXT.
change() {
    local dir=$1 old new names=(x y z '!q' '+r' .h ü 'a b' '#' '~t' .wg -m)
    # Drawn here: in a subshell, bash seeds its chance anew, and the seed would name no image.
    local chance=$RANDOM entry=$((RANDOM % 40 + 1)) parent=$((RANDOM % 12 + 1))
    old=$dir/$(cd "$dir" && find usr etc var -mindepth 1 | LC_ALL=C sort | sed -n "${entry}p")
    new=$dir/$(cd "$dir" && find usr etc var -type d | LC_ALL=C sort | sed -n "${parent}p")
    [ "$old" != "$dir/" ] && [ "$new" != "$dir/" ] || return 0
    new=$new/${names[$((RANDOM % ${#names[@]}))]}$((RANDOM % 3))
    case $((chance % 13)) in
        0) rm -rf "$old" ;;
        1) rm -rf "$old" && mkdir "$old" && echo "$2" > "$old/!fresh" ;;
        2) rm -rf "$old" && ln -s /nowhere "$old" ;;
        3) rm -rf "$old" && echo "$2" > "$old" ;;
        4) chown -h $((RANDOM % 5)):$((RANDOM % 5)) "$old" ;;
        5) [ -L "$old" ] || chmod $((RANDOM % 8))75$((RANDOM % 8)) "$old" ;;
        6) [ -L "$old" ] || [ ! -f "$old" ] || setfattr -n user.x -v $RANDOM "$old" ;;
        7) [ -L "$old" ] || [ ! -f "$old" ] || echo "$2" >> "$old" ;;
        8) [ -d "$new" ] || { rm -f "$new" && echo "$2" > "$new"; } ;;
        9) [ -e "$new" ] || [ -L "$new" ] || mkdir "$new" ;;
        10) [ -e "$new" ] || [ -L "$new" ] || ln -s "../$2" "$new" ;;
        11) [ -L "$old" ] || [ ! -f "$old" ] || [ -e "$new" ] || [ -L "$new" ] || ln "$old" "$new" ;;
        12) case $new in "$old"/*) ;; *) [ -e "$new" ] || [ -L "$new" ] || mv -T "$old" "$new" ;; esac ;;
    esac
}

# An image of five layers that change files by chance, and what the builder has in its tree: by_chance DIR TREE SEED [FROM].
by_chance() {
    local base dir layer number container
    base=$(mktemp -d -p "$([ -w /dev/shm ] && echo /dev/shm || echo /tmp)") || return
    (
        buildah() { command buildah --root "$base/root" --runroot "$base/run" --storage-driver vfs "$@" 2>> build.log; }
        container=$(buildah from "${4:-scratch}") && dir=$(buildah mount "$container") || exit
        RANDOM=$3
        # The encapsulated commit has not this directory, which every such layer has.
        rm -rf "$dir/var/tmp" && mkdir -p "$dir"/usr/{a,b,c/d} "$dir/etc/e" "$dir/var/v" || exit
        for number in 1 2 3 4 5 6 7 8 9; do
            for layer in usr/a usr/c/d etc/e var/v; do echo "$number" > "$dir/$layer/$number"; done
        done
        for layer in 1 2 3 4 5; do
            for number in {1..12}; do change "$dir" "$layer.$number" || exit; done
            buildah commit --quiet "$container" "oci:$PWD/$1.$layer" > /dev/null && buildah rm "$container" > /dev/null &&
                container=$(buildah from "oci:$PWD/$1.$layer") && dir=$(buildah mount "$container") || exit
        done
        rm -rf "$dir"/sysroot/ostree "$dir/ostree" "$dir/usr/etc" && cp -a "$dir" "$2" && mv "$2/etc" "$2/usr/etc"
        buildah rm "$container" > /dev/null && mv "$1.5" "$1"
    )
    number=$?
    rm -rf "$base"
    return $number
}

# All of a tree that an image can hold, but times.
all_of() {
    (
        cd "$1" || exit
        find . -mindepth 1 -printf '%y %m %U %G %P' \( -type f -printf ' %s' -o -type l -printf ' -> %l' -o -true \) -printf '\n' | sort
        find . -type f -print0 | sort -z | xargs -r0 md5sum
        find . -type f -print0 | sort -z | xargs -r0 getfattr --absolute-names -d -m user.
    )
}
