# Shell functions for case files about the storage of podman and its relatives.

# The storage NAME of a case as a reference has it, to be followed by an image's name: store NAME DRIVER.
store() { echo "containers-storage:[$2@$PWD/$1+$PWD/$1.run]"; }

# Copies an image into the storage NAME under the name localhost/os:1: stored SOURCE NAME DRIVER.
stored() { skopeo copy -q --insecure-policy "$1" "$(store "$2" "$3")localhost/os:1"; }

# The image localhost/os:1 of a storage in the form that the program can read: the reference needs a newer skopeo to read the
# storage itself, and gets what skopeo reads there: readable NAME DRIVER.
readable() {
    case $SUBJECT in
        ours) echo "$(store "$1" "$2")localhost/os:1" ;;
        *) skopeo copy -q --insecure-policy "$(store "$1" "$2")localhost/os:1" "oci:$PWD/$1.oci" && echo "oci:$PWD/$1.oci" ;;
    esac
}

# Takes away what the overlay driver mounts over its own directory: release NAME...
release() {
    local name
    for name in "$@"; do
        while umount "$PWD/$name/overlay" 2> /dev/null; do :; done
    done
}

# The directory of the files of the layer with the diff-id of FILE: diff_of NAME DRIVER FILE.
diff_of() {
    local id
    id=$(jq -r --arg digest "sha256:$(sha256sum "$3" | cut -d' ' -f 1)" '.[] | select(."diff-digest" == $digest) | .id' "$1/$2-layers/layers.json")
    case $2 in vfs) echo "$1/vfs/dir/$id" ;; *) echo "$1/overlay/$id/diff" ;; esac
}

# An image of a few ordinary layers, compressed, in an OCI directory: storable_image DIR.
storable_image() {
    small_image plain &&
        layer plain 'd usr' 'f usr/a text=a' 'h usr/b to=usr/a' 'l usr/l to=a' 'f etc/shadow text=secret mode=400' 'f usr/.wh.old' 'f usr/Gr%C3%BC%C3%9Fe text=6 pax' &&
        layer plain 'f usr/bin/.wh.old' 'f usr/late text=late' &&
        skopeo copy -q --insecure-policy --dest-compress oci:plain "oci:$1"
}

# Runs a command as a user of its own, who is known to the host that long only: as_user FILE-OF-SUBORDINATE-IDS COMMAND...
# The user's home is the directory `home`.
as_user() {
    local run code
    mkdir -p home users && chown 7654:7654 home && cp /etc/passwd users/passwd &&
        echo "user:x:7654:7654::$PWD/home:/bin/sh" >> users/passwd || return
    # The programs refuse a run directory whose path is longer than 50 characters.
    run=$(mktemp -d -p /tmp) && chown 7654:7654 "$run" || return
    unshare --mount bash -c 'mount --bind users/passwd /etc/passwd && mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid &&
        exec setpriv --reuid=7654 --regid=7654 --clear-groups env HOME="$PWD/home" USER=user XDG_RUNTIME_DIR="$1" "${@:2}"' "$1" "$run" "${@:2}"
    code=$?
    rm -rf "$run"
    return $code
}

# The same with the ids 7000000 to 7065535.
as_rootless() { echo user:7000000:65536 > ids && as_user ids "$@"; }
