# Shell functions for cases about several registries and how they are reached.

# A registry on a free port, which NAME.port tells; its requests are in NAME.log: registry_at NAME [tls] [clients] [login] [token].
# With `tls` it has a certificate of the authority of `authority`, with `clients` it asks for one too, with `login` for
# the user ann and the password pw, and with `token` for a token of the server `tokens`. It stops by itself after a while.
registry_at() {
    local name=$1 port http='' auth='' tries
    mkdir -p "$name.d"
    case " $* " in *' tls '*) http=", tls: {certificate: $PWD/server.cert, key: $PWD/server.key}" ;; esac
    case " $* " in *' clients '*) http=", tls: {certificate: $PWD/server.cert, key: $PWD/server.key, clientcas: [$PWD/ca.crt]}" ;; esac
    case " $* " in *' login '*)
        echo 'ann:$2b$04$RjVPbSMFIofEboDrkT/nzej2jQ1L9lLec3inOd/KFWYs9xqtDQozG' > "$name.htpasswd"
        auth="auth: {htpasswd: {realm: r, path: $PWD/$name.htpasswd}}"
        ;;
    esac
    case " $* " in *' token '*)
        auth="auth: {token: {realm: 'http://$(cat tokens.port)/token', service: registry, issuer: issuer, rootcertbundle: $PWD/tokens.crt}}" ;;
    esac
    for tries in 1 2 3 4 5; do
        port=$((20000 + RANDOM % 20000))
        printf 'version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: %s}}\nhttp: {addr: "%s:%s"%s}\n%s\n' \
            "$PWD/$name.d" "${ADDRESS:-127.0.0.1}" $port "$http" "$auth" > "$name.yml"
        OTEL_TRACES_EXPORTER=none timeout 120 docker-registry serve "$name.yml" > "$name.log" 2>&1 &
        echo $! > "$name.pid"
        for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
            kill -0 "$(cat "$name.pid")" 2> /dev/null || break
            if grep -q "listening on" "$name.log"; then
                echo "${ADDRESS:-127.0.0.1}:$port" > "$name.port"
                return 0
            fi
            sleep 0.1
        done
    done
    return 1
}

# Stops registries: stop_registries NAME...
stop_registries() {
    local name
    for name in "$@"; do kill "$(cat "$name.pid")"; done
}

# Makes an authority, a server certificate of it for the loopback address and a client certificate.
authority() {
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj /CN=authority -days 3650 -keyout ca.key -out ca.crt 2> openssl.log || return
    local name
    for name in server client; do
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$name" -keyout "$name.key" -out "$name.csr" 2>> openssl.log || return
        printf 'subjectAltName=IP:127.0.0.1,IP:%s,DNS:localhost\n' "${ADDRESS:-127.0.0.1}" > "$name.ext"
        openssl x509 -req -in "$name.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -days 3650 -extfile "$name.ext" -out "$name.cert" 2>> openssl.log || return
    done
}

# Stores standard input as a blob of the OCI directory img and prints its descriptor: blob TYPE.
blob() {
    local digest
    cat > blob.new && digest=$(sha256sum blob.new | cut -d' ' -f 1) &&
        printf '{"mediaType":"application/vnd.oci.image.%s","digest":"sha256:%s","size":%s}' "$1" "$digest" "$(stat -c %s blob.new)" &&
        mv blob.new "img/blobs/sha256/$digest"
}

# A small image in the OCI directory img, of a layer with nothing in it.
empty_image() {
    local layer config
    mkdir -p img/blobs/sha256 && echo '{"imageLayoutVersion":"1.0.0"}' > img/oci-layout || return
    layer=$(head -c 1024 /dev/zero | blob layer.v1.tar)
    config=$(printf '{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":["%s"]}}' \
        "sha256:$(head -c 1024 /dev/zero | sha256sum | cut -d' ' -f 1)" | blob config.v1+json)
    printf '{"schemaVersion":2,"manifests":[%s]}' "$(printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":%s,"layers":[%s]}' \
        "$config" "$layer" | blob manifest.v1+json)" > img/index.json
}

# That image, pushed as p/os:1 to registries: pushed_to NAME...; options for skopeo in $PUSH.
pushed_to() {
    local name
    [ -d img ] || empty_image || return
    for name in "$@"; do
        skopeo copy --quiet --insecure-policy --preserve-digests ${PUSH:-} --dest-tls-verify=false "oci:$PWD/img" "docker://$(cat "$name.port")/p/os:1" || return
        asked "$name" > /dev/null
    done
}

# Writes registries.conf from standard input; NAME.port in braces stands for its address: configure [FILE].
configure() {
    local file=${1:-.config/containers/registries.conf} name text
    text=$(cat)
    for name in *.port; do text=${text//\{${name%.port}\}/$(cat "$name")}; done
    mkdir -p "$(dirname "$file")" && printf '%s\n' "$text" > "$file"
}

# Which manifests a registry was asked for since the last time, by whom and with what answer: asked NAME. That it wants to
# know who asks is left out: some ask for that beforehand.
asked() {
    # The registry writes its log after its answer.
    sleep 0.3
    grep -oE ' - [^ ]+ \[[^]]*\] "(GET|HEAD) /v2/[^ ]*/manifests/[^ ]* HTTP/[0-9.]+" [0-9]+' "$1.log" | tail -n "+$(($(cat "$1.seen" 2> /dev/null || echo 0) + 1))" |
        sed -E 's/^ - ([^ ]+) \[[^]]*\] "([A-Z]+) ([^ ]*) [^"]*" /\1 \2 \3 /;s/sha256:[0-9a-f]+/DIGEST/;/^- .* 401$/d' | sort -u
    grep -cE ' - [^ ]+ \[[^]]*\] "(GET|HEAD) /v2/[^ ]*/manifests/' "$1.log" > "$1.seen"
    true
}

# A way to the registry NAME that breaks, as `xtask broken-way` has it; WAY.port tells its address: broken_way WAY NAME [BREAK...].
broken_way() {
    "$XTASK" broken-way "$(cat "$2.port")" "$1.port" "${@:3}" > "$1.log" 2>&1 &
    echo $! > "$1.pid"
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ ! -s "$1.port" ] || return 0
        sleep 0.1
    done
    return 1
}

# A token server, as `xtask token-server` has it; tokens.port tells its address: token_server [OPTION...].
token_server() {
    openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=tokens -days 3650 -keyout tokens.key -out tokens.crt 2> openssl.log || return
    "$XTASK" token-server tokens.key tokens.crt tokens.port "$@" > tokens.log 2>&1 &
    echo $! > tokens.pid
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ ! -s tokens.port ] || return 0
        sleep 0.1
    done
    return 1
}

# What the token server was asked since the last time, without its order.
tokens_asked() {
    tail -n "+$(($(cat tokens.seen 2> /dev/null || echo 0) + 1))" tokens.log | sort -u
    wc -l < tokens.log > tokens.seen
}

# A tree DIR with a file of so many MB that nothing compresses: random_tree DIR MB.
random_tree() { mkdir -p "$1/usr" && head -c "${2}000000" /dev/urandom > "$1/usr/large"; }

# The answers of a registry to requests for blobs, as lines of status and bytes: blob_answers NAME.
blob_answers() {
    sleep 0.3
    grep -oE '"GET /v2/[^ ]*/blobs/sha256:[0-9a-f]+ HTTP/[0-9.]+" [0-9]+ [0-9]+' "$1.log" | sed 's/.*" //'
}

# How many bytes are kept of blobs whose transfer did not end: kept REPO.
kept() { stat -c %s "$1"/tmp/cache/blobs/* 2> /dev/null | sort -n | tail -n 1 | grep . || echo 0; }

# Pulls an image into `r`, kills that at ten points of its SIZE bytes, and lets the last run end; every run was given no more
# than was not kept by the one before it: pulled_with_kills NAME SIZE COMMAND...
pulled_with_kills() {
    local name=$1 size=$2 part process before=0
    shift 2
    for part in 1 3 5 7 9 11 13 15 17 19; do
        "$@" > killed.out 2>&1 &
        process=$!
        while [ "$(kept r)" -lt $((size / 20 * part)) ]; do
            kill -0 $process || { echo "it ended before $part twentieths"; return 1; }
            sleep 0.01
        done
        kill -9 $process
        wait $process 2> /dev/null
        echo "$before" >> before
        before=$(kept r)
    done
    echo "$before" >> before
    "$@" || return
    blob_answers "$name" | awk '$2 > 10000 { print $2 }' | paste - before | awk -v size="$size" '
        NF != 2 { print "not one request a run"; exit 1 }
        END { if (NR != 11) { print NR " requests of 11 runs"; exit 1 } }
        $1 > size - $2 + 2 * 1048576 { print $1 " bytes were given though " $2 " of " size " were kept"; exit 1 }'
}

# Content metadata that gives each file of a commit's /usr a layer of its own: chunk_each REPO REF.
chunk_each() {
    ostree --repo="$1" ls -C "$2" /usr | awk '$1 ~ /^-/ { print $5, $6 }' | jq -R -s '
        split("\n") | map(select(. != "") | split(" ")) |
        {version: 1, labels: {}, layers: (map({(.[1]): .[1]}) | add), mapping: (map({(.[0]): .[1]}) | add)}'
}

# Kills a command as soon as so many layers of the repository `r` are finished: killed_with_layers COUNT COMMAND...
killed_with_layers() {
    local count=$1 process
    shift
    "$@" > killed.out 2>&1 &
    process=$!
    until [ "$(settled_or_noted)" -ge "$count" ]; do
        kill -0 $process 2> /dev/null || { echo "it ended before $count layers"; cat killed.out; return 1; }
        sleep 0.05
    done
    kill -9 $process
    wait $process 2> /dev/null
    true
}

# How many layers of `r` are finished; where a reboot is to come, how many of their files are among the other objects.
settled_or_noted() {
    case $AGAIN in
        other-boot) find r/objects -name '*.file' -size +4M | wc -l ;;
        *) ls r/tmp/cache/layers 2> /dev/null | wc -l ;;
    esac
}

# How many bytes of the repository `r` need not be fetched again, of layers of SIZE bytes each: at_hand SIZE.
at_hand() {
    local blobs notes
    blobs=$(cat r/tmp/cache/blobs/sha256-* 2> /dev/null | wc -c)
    notes=$(grep -l chunk r/tmp/cache/layers/* 2> /dev/null | wc -l)
    echo $((blobs + notes * $1))
}

# How many sectors were written to the file system that is mounted at DIR, by its device's own count: sectors DIR.
sectors() { awk '{ print $7 }' "/sys/dev/block/$(mountpoint -d "$1")/stat"; }

# Runs a command where /tmp and /var/tmp have one MiB each; TMPDIR is as it says, or unset. The program itself may be in
# what is hidden then.
small_tmp() {
    mkdir -p near && cp "$(readlink -f "$(command -v "$1")")" "near/$1" || return
    PATH=$PWD/near:$PATH unshare -m bash -c 'for dir in /tmp /var/tmp; do mount -t tmpfs -o size=1m tmpfs $dir || exit; done
        [ "$TMPDIR" != none ] || unset TMPDIR; exec "$@"' - "$@"
}
