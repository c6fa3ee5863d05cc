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

# Members of an export tar that both flavours have: everything but the attribute objects, names without `./` and `/`.
members() { tar --quoting-style=escape --numeric-owner -tvf "$1" | grep -v '\.file-xattrs' | sed 's, \./\(.\), \1,;s,\([^.]\)/$,\1,'; }

# A tree that can run a shell: bash, ls and cat of the host with their libraries, at DIR: shell_tree DIR [PROGRAM...].
shell_tree() {
    local program library
    mkdir -p "$1"/usr/{bin,lib,etc} "$1"/{var,run,proc,sys,dev} && install -d -m 1777 "$1/tmp"
    for program in bash ls cat "${@:2}"; do
        program=$(PATH=/bin:/sbin command -v "$program")
        cp "$program" "$1/usr/bin/"
        for library in $(ldd "$program" | grep -o '/lib[^ ]*'); do
            mkdir -p "$1/usr$(dirname "${library#/usr}")"
            cp -Lf "$library" "$1/usr$(dirname "${library#/usr}")/"
        done
    done
    ln -s bash "$1/usr/bin/sh"
    for library in bin lib lib64; do ln -s "usr/$library" "$1/$library"; done
}

# Runs a command in a container of the OCI directory image $1: in_container IMAGE COMMAND...
in_container() {
    local image=$1 base code
    shift
    # podman refuses a run directory whose path is longer than 50 characters, and remembers it in its storage.
    base=$(mktemp -d) || return
    podman --root "$base/root" --runroot "$base/run" --storage-driver vfs run --runtime runc \
        --network none --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 --rm --quiet "$image" "$@"
    code=$?
    rm -rf "$base"
    return $code
}

# A registry without TLS on a loopback port, written to the file `port`; it stops by itself after a while.
start_registry() {
    local tries
    mkdir -p registry
    for tries in 1 2 3 4 5; do
        echo $((20000 + RANDOM % 20000)) > port
        printf 'version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\nstorage: {filesystem: {rootdirectory: %s/registry}}\nhttp: {addr: "127.0.0.1:%s"}\n' \
            "$PWD" "$(cat port)" > registry.yml
        OTEL_TRACES_EXPORTER=none timeout 120 docker-registry serve registry.yml > registry.log 2>&1 &
        echo $! > registry.pid
        for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
            kill -0 "$(cat registry.pid)" 2> /dev/null || break
            if (: < "/dev/tcp/127.0.0.1/$(cat port)") 2> /dev/null; then
                mkdir -p .config/containers
                printf '[[registry]]\nlocation = "127.0.0.1:%s"\ninsecure = true\n' "$(cat port)" > .config/containers/registries.conf
                return 0
            fi
            sleep 0.1
        done
    done
    return 1
}
stop_registry() { kill "$(cat registry.pid)"; }

# What only ours must be told to push to a registry without TLS; the reference reads registries.conf.
insecure_push() { [ "$SUBJECT" = ours ] && echo --insecure-skip-tls-verification; true; }

# What only ours must be told to write attribute sets as ostree-ext 0.15.3 does.
shared_flavour() { [ "$SUBJECT" = ours ] && echo --format shared; true; }

# What only ours must be told to begin what cannot fit; the reference does not look.
unchecked() { [ "$SUBJECT" = ours ] && echo --skip-space-check; true; }

# The layer blobs of an OCI directory with one image, in order, as paths.
layers() { jq -r '.layers[].digest' "$1/blobs/sha256/$(manifest "$1")" | sed "s,^sha256:,$1/blobs/sha256/,"; }
manifest() { jq -r '.manifests[0].digest' "$1/index.json" | cut -d: -f 2; }
config_of() { jq -r '.config.digest' "$1/blobs/sha256/$(manifest "$1")" | cut -d: -f 2; }

# Replaces the manifest of an OCI directory by what a jq program makes of it: edit_manifest DIR PROGRAM.
edit_manifest() {
    local new digest
    new=$(jq -c "$2" "$1/blobs/sha256/$(manifest "$1")") || return
    digest=$(printf %s "$new" | sha256sum | cut -d' ' -f 1)
    printf %s "$new" > "$1/blobs/sha256/$digest"
    jq -c ".manifests[0].digest=\"sha256:$digest\" | .manifests[0].size=${#new}" "$1/index.json" > index.new
    mv index.new "$1/index.json"
}

# Replaces the config likewise, and the manifest's pointer to it.
edit_config() {
    local new digest
    new=$(jq -c "$2" "$1/blobs/sha256/$(config_of "$1")") || return
    digest=$(printf %s "$new" | sha256sum | cut -d' ' -f 1)
    printf %s "$new" > "$1/blobs/sha256/$digest"
    edit_manifest "$1" ".config.digest=\"sha256:$digest\" | .config.size=$(printf %s "$new" | wc -c)"
}

# Puts FILE (compressed already) in the place of the only layer of an OCI directory: replace_layer DIR FILE.
replace_layer() {
    local digest
    digest=$(sha256sum "$2" | cut -d' ' -f 1)
    cp "$2" "$1/blobs/sha256/$digest"
    edit_manifest "$1" ".layers[0].digest=\"sha256:$digest\" | .layers[0].size=$(stat -c %s "$2")"
}

# The same, with the config's diff-id made to fit: forge_layer DIR TAR.
forge_layer() {
    local diff_id
    diff_id=sha256:$(sha256sum "$2" | cut -d' ' -f 1)
    gzip -nc "$2" > forged.gz
    replace_layer "$1" forged.gz
    edit_config "$1" ".rootfs.diff_ids[0]=\"$diff_id\" | .config.Labels[\"ostree.final-diffid\"]=\"$diff_id\""
}

# Stores the only layer of an OCI directory uncompressed, so that its digest does not depend on the compressor.
plain_layer() {
    zcat "$(layers "$1")" > plain.tar || return
    replace_layer "$1" plain.tar
    edit_manifest "$1" '.layers[0].mediaType="application/vnd.oci.image.layer.v1.tar"'
}

# Puts a layer on top of the image in an OCI directory, uncompressed: add_layer DIR TAR CREATED_BY.
add_layer() {
    local digest
    digest=$(sha256sum "$2" | cut -d' ' -f 1)
    cp "$2" "$1/blobs/sha256/$digest"
    edit_manifest "$1" ".layers += [{mediaType: \"application/vnd.oci.image.layer.v1.tar\", digest: \"sha256:$digest\", size: $(stat -c %s "$2")}]"
    edit_config "$1" ".rootfs.diff_ids += [\"sha256:$digest\"] | .history += [{created_by: \"$3\"}]"
}

# A tar with one file: file_tar TAR PATH TEXT.
file_tar() {
    rm -rf layer.d && mkdir -p "layer.d/$(dirname "$2")" && printf '%s\n' "$3" > "layer.d/$2"
    tar -C layer.d --sort=name --owner=0 --group=0 --numeric-owner --mode=go-w --mtime=@1 --format=posix --pax-option=delete=atime,delete=ctime -cf "$1" usr
}

# The refs of layers and images of a repository, whatever directory the images are in.
stored_refs() { ostree refs --repo "$1" | sed -n 's,/oci_.*/,/IMAGE/,;/^ostree\/container\//p' | sort; }

# A system root at DIR with one deployment, which can be booted only for show: system_root DIR.
system_root() {
    mkdir -p "$1" d/usr/lib/modules/5.0 d/usr/etc d/usr/share d/{boot,dev,proc,sys,run,var,sysroot,tmp} && ln -s sysroot/ostree d/ostree && ln -s usr/lib d/lib &&
        echo k > d/usr/lib/modules/5.0/vmlinuz && echo i > d/usr/lib/modules/5.0/initramfs.img &&
        printf 'NAME=x\nID=x\nPRETTY_NAME=x\nVERSION_ID=1\n' > d/usr/lib/os-release || return
    ostree admin init-fs "$1" && ostree admin os-init --sysroot="$1" os || return
    ostree --repo="$1/ostree/repo" commit -b os --tree=dir=d --owner-uid=0 --owner-gid=0 && ostree admin deploy --sysroot="$1" --os=os os || return
    # Or the directory could not be deleted when the case is over.
    chattr -i "$1"/ostree/deploy/os/deploy/*.0
}

# Runs a command and kills it after so many seconds: killed_after SECONDS COMMAND...
killed_after() {
    local seconds=$1 process
    shift
    "$@" > killed.out 2>&1 &
    process=$!
    sleep "$seconds"
    kill -9 "$process" 2> /dev/null
    wait "$process" 2> /dev/null
    true
}

# Names below objects/ that no object has.
stray_objects() {
    find "$1/objects" -not -type d |
        grep -vE '/[0-9a-f]{2}/[0-9a-f]{62}\.(file|filez|dirtree|dirmeta|commit|commitmeta|tombstone-commit|payload-link|file-xattrs|file-xattrs-link)$' || true
}

# A Debian tree as an image builder would lay it out, at DIR; the archive is kept between runs.
debian_tree() {
    local archive=$CACHE/debian.tar
    if [ ! -e "$archive" ]; then
        mkdir -p "$CACHE"
        mmdebstrap --variant=minbase --include=systemd,linux-image-amd64 stable "$archive.new" > "$CACHE/mmdebstrap.log" 2>&1 || return
        mv "$archive.new" "$archive"
    fi
    mkdir "$1"
    tar -C "$1" --numeric-owner --xattrs --xattrs-include='*' --exclude='./dev/*' -xpf "$archive" || return
    mv "$1/etc" "$1/usr/etc" && rm -rf "$1/var" && mkdir "$1/var" "$1/sysroot"
}

# The root of a small SELinux policy, at DIR: small_policy DIR.
small_policy() {
    local dir=$1/etc/selinux/small
    mkdir -p "$dir/contexts/files" "$dir/policy"
    printf '# a comment\nSELINUX=permissive\nSELINUXTYPE=small\n' > "$1/etc/selinux/config"
    : > "$dir/policy/policy.33"
    {
        printf '/.*\tu:r:default:s0\n/usr(/.*)?\tu:r:usr:s0\n/usr/(.*/)?bin(/.*)?\tu:r:bin:s0\n'
        printf '/usr/(.*/)?lib(/.*)?\tu:r:lib:s0\n/usr/lib/.*\\.so(\\.[^/]*)*\t--\tu:r:so:s0\n'
        printf '/usr/lib/.*\t-l\tu:r:link:s0\n/usr/etc(/.*)?\tu:r:etc:s0\n/mnt\t-d\tu:r:mnt:s0\n'
        printf '/proc\t-d\t<<none>>\n/usr/none/.*\t<<none>>\n/usr/bin/exact\tu:r:exact:s0\n/usr/bin/ex.*\tu:r:ex:s0\n'
    } > "$dir/contexts/files/file_contexts"
    printf '/home/[^/]+/.+\tu:r:home:s0\n' > "$dir/contexts/files/file_contexts.homedirs"
    printf '/usr/bin/local.*\tu:r:local:s0\n' > "$dir/contexts/files/file_contexts.local"
    printf '/opt/alias /usr/bin\n' > "$dir/contexts/files/file_contexts.subs"
    printf '/lib64 /usr/lib\n/sbin /usr/bin\n' > "$dir/contexts/files/file_contexts.subs_dist"
}

# A tree with something for every line of that policy, at DIR.
labelled_tree() {
    mkdir -p "$1"/usr/{bin,lib/sub,libexec/bin,etc/d,none/deep} "$1"/{home/me/.x,proc,mnt,opt/alias,lib64,sbin}
    local file
    for file in usr/bin/{exact,exactly,local1,old} usr/lib/{a.so,b.so.1,sub/c.so} usr/libexec/bin/x usr/etc/d/conf \
        usr/none/{plain,deep/old} home/me/.x/y opt/alias/exact lib64/l.so sbin/local2; do
        echo "$file" > "$1/$file"
    done
    ln -s a.so "$1/usr/lib/link" && ln -s exact "$1/usr/bin/link"
}

# Debian's SELinux policy as its package installs it, at DIR; it is kept between runs.
debian_policy() {
    local made=$CACHE/selinux-policy new
    if [ ! -e "$made" ]; then
        # Cases run at the same time; whoever comes last finds it made.
        mkdir -p "$CACHE" && new=$(mktemp -d "$CACHE/selinux-policy-XXXXXX") && install_debian_policy "$new" || return
        mv -T "$new" "$made" 2> /dev/null || rm -rf "$new"
    fi
    cp -a "$made" "$1"
}

install_debian_policy() {
    local modules
    (cd "$1" && apt-get download -qq selinux-policy-default > download.log 2>&1 && dpkg -x ./*.deb .) || return
    mkdir -p "$1/var/lib/selinux/default/active/modules" "$1/var/lib/selinux/final/default"
    # Validating and precompiling the file contexts takes the longest, and nothing here needs it.
    printf 'module-store = direct\nexpand-check = 0\n[%s]\npath = /bin/true\nargs = $@\n[end]\n[%s]\npath = /bin/true\nargs = $@\n[end]\n' \
        sefcontext_compile setfiles > "$1/etc/selinux/semanage.conf"
    printf 'SELINUX=permissive\nSELINUXTYPE=default\n' > "$1/etc/selinux/config"
    mapfile -t modules < <(sed "s,.*,-i$1/usr/share/selinux/default/&.pp.bz2," "$1/usr/share/selinux/default/.modules")
    semodule -p "$1" -X 100 -n -s default "${modules[@]}" > "$1/semodule.log" 2>&1 || return
    rm -rf "$1/usr" "$1/var" "$1"/*.deb
}

# A tree at DIR with what the patterns of a file_contexts name, as far as simple rules can make names of them.
tree_of_patterns() {
    local path
    sed -e '/^#/d' -e 's/[ \t].*//' "$2" | sed -E -e 's,\(/\.\*\)\?,/sub/file,g' -e 's,\(\.\*/\)\?,deep/er/,g' -e 's,\(\[\^/\]\*/\)\?,one/,g' \
        -e 's,\[\^/\][*+]?,name,g' -e 's,\.[*+],more,g' -e 's,\[0-9\][*+]?,7,g' -e 's,\(([^()|]*)\)\?,\1,g' \
        -e 's,\(([^()|]*)\|[^()]*\),\1,g' -e 's,\\(.),\1,g' -e 's,[?$],,g' | grep -E '^/[A-Za-z0-9_./+@:~-]+$' | sort -u > "$1.paths"
    sed -e 's,/[^/]*$,,' -e "s,^,$1," "$1.paths" | sort -u | xargs -d '\n' mkdir -p || return
    while read -r path; do
        [ -d "$1$path" ] || echo "$path" > "$1$path"
    done < "$1.paths"
}
