# Shell functions for case files.

# The newest commit of a ref of the repository `r`, read from its ref file.
tip() { cat "${2:-r}/refs/heads/$1"; }

# The loose object file of TYPE whose name starts with CHECKSUM: object REPO CHECKSUM TYPE.
object() { printf '%s/objects/%s/%s.%s' "$1" "${2:0:2}" "${2:2}" "$3"; }

# Inverts one byte of a file: flip FILE OFFSET.
flip() {
    local old
    old=$(od -An -tu1 -j "$2" -N 1 "$1")
    printf "\\x$(printf %x $((255 - old)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none
}

# Runs a command as the user nobody.
as_nobody() { setpriv --reuid=65534 --regid=65534 --clear-groups "$@"; }
