# Shell functions for cases about signatures of images.

# Keys of these users in a keyring of the case's own, each exported as USER.gpg: gpg_users USER...
gpg_users() {
    local user
    mkdir -p -m 700 "$HOME/.gnupg" || return
    for user in "$@"; do
        gpg --batch --quiet --passphrase '' --quick-gen-key "$user@example.org" ed25519 sign never 2> gpg.log || return
        gpg --batch --quiet --export "$user@example.org" > "$user.gpg" || return
    done
}

# Where signatures of a registry are kept: in the directory sigs, and with `attached` beside the images: stores NAME [attached].
stores() {
    mkdir -p rd && printf 'docker:\n  %s:\n    lookaside: file://%s/sigs\n    use-sigstore-attachments: %s\n' \
        "$(cat "$1.port")" "$PWD" "$([ "${2:-}" = attached ] && echo true || echo false)" > rd/stores.yaml
}

# Pushes the image img as REFERENCE, signed by users: signed_push REFERENCE USER...
signed_push() {
    local reference=$1 user
    shift
    skopeo --insecure-policy copy --quiet --dest-tls-verify=false "oci:$PWD/img" "docker://$reference" || return
    for user in "$@"; do
        skopeo --insecure-policy --registries.d rd copy --quiet --src-tls-verify=false --dest-tls-verify=false \
            --sign-by "$user@example.org" "docker://$reference" "docker://$reference" || return
    done
}

# Serves a directory over HTTP on a loopback port, which files.port tells, for a while: serve_files DIRECTORY.
serve_files() {
    timeout 120 python3 -u -m http.server --bind 127.0.0.1 --directory "$1" 0 > files.log 2>&1 &
    echo $! > files.pid
    wait_for_port files 's/^Serving HTTP on ([0-9.]+) port ([0-9]+).*/\1:\2/p'
}

# Waits until NAME.log tells an address, which NAME.port is to hold: wait_for_port NAME SED-SCRIPT.
wait_for_port() {
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        sed -nE "$2" "$1.log" > "$1.port"
        [ -s "$1.port" ] && return 0
        sleep 0.2
    done
    return 1
}

# The digest of an image on a registry: digest_at REFERENCE.
digest_at() { skopeo inspect --tls-verify=false --raw "docker://$1" | sha256sum | sed 's/^/sha256:/;s/ .*//'; }

# Writes policy.json: policy DEFAULT [MEMBERS of transports].
policy() { printf '{"default":[%s],"transports":{%s}}' "$1" "${2:-}" > policy.json; }

ACCEPT='{"type":"insecureAcceptAnything"}'
REJECT='{"type":"reject"}'

# Requires a signature by a user: by USER [signedIdentity].
by() { printf '{"type":"signedBy","keyType":"GPGKeys","keyPath":"%s/%s.gpg"%s}' "$PWD" "$1" "${2:+,\"signedIdentity\":$2}"; }

# The same by sigstore: cosigned_by KEY [signedIdentity].
cosigned_by() {
    printf '{"type":"sigstoreSigned","keyPath":"%s/%s.pub","signedIdentity":%s}' "$PWD" "$1" "${2:-{\"type\":\"matchRepository\"\}}"
}

# What `skopeo copy` and what we make of an image under policy.json: `accepted` or `refused` twice: judged IMAGE [OPTION of
# skopeo...].
judged() {
    local theirs=accepted ours=accepted
    skopeo --policy policy.json --registries.d rd copy --quiet --src-tls-verify=false "${@:2}" "$1" "dir:$PWD/copied" > theirs.log 2>&1 || theirs=refused
    rm -rf copied
    verdict ${RETRIES:+--retries "$RETRIES"} "$1" > ours.log 2>&1 || ours=refused
    echo "$theirs $ours"
}

# What we make of an image under policy.json: verdict [OPTION...] IMAGE.
verdict() { ostree-container verify --policy policy.json --registries.d rd --tls-verify=false "$@"; }

# Pulls p/os:1 from main by SCHEME under policy.json and says the exit code and whether the repository r is as it was:
# try_pull VERB SCHEME; what is said is in the file log.
try_pull() {
    local code=0 image
    image=$2:docker://$(cat main.port)/p/os:1
    mkdir -p .config/containers && rm -rf .config/containers/registries.d && cp -r rd .config/containers/registries.d && cp policy.json .config/containers/ || return
    state_of r > before
    case $1 in
        pull) ostree-ext-cli container image pull r "$image" ;;
        unencapsulate) ostree-ext-cli container unencapsulate --repo r "$image" ;;
    esac > log 2>&1 || code=$?
    state_of r > after
    echo "$code $(cmp -s before after && echo unchanged || echo changed)"
}

# Every file of a repository but locks, and what its refs are.
state_of() { find "$1" ! -name '*.lock' ! -name .lock -type f -printf '%P %s\n' | sort; }

# A key for sigstore as NAME.pem and NAME.pub: sigstore_key NAME [KIND].
sigstore_key() {
    case ${2:-p256} in
        p256) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$1.pem" ;;
        p384) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$1.pem" ;;
        rsa) openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.pem" ;;
        ed25519) openssl genpkey -algorithm ED25519 -out "$1.pem" ;;
    esac 2> openssl.log && openssl pkey -in "$1.pem" -pubout -out "$1.pub"
}

# The signature of a file by a key: sign_file KEY FILE.
sign_file() {
    if grep -q 'BEGIN PUBLIC KEY' "$1.pub" && openssl pkey -in "$1.pem" -noout -text | grep -qi '^ed25519'; then
        openssl pkeyutl -sign -inkey "$1.pem" -rawin -in "$2"
    else
        openssl dgst -sha256 -sign "$1.pem" "$2"
    fi | base64 -w0
}

# Puts a file into the OCI directory attach; prints the members digest and size.
attach_blob() {
    local digest
    mkdir -p attach/blobs/sha256 && digest=$(sha256sum "$1" | cut -d' ' -f1) && cp "$1" "attach/blobs/sha256/$digest" &&
        printf '"digest":"sha256:%s","size":%s' "$digest" "$(stat -c %s "$1")"
}

# Pushes one layer as an image of its own beside REFERENCE, under TAG: attach REFERENCE TAG LAYER [MEMBERS of the manifest].
attach() {
    local repository=${1%:*}
    mkdir -p attach/blobs/sha256 && echo '{"imageLayoutVersion":"1.0.0"}' > attach/oci-layout && printf '{}' > attach.config || return
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.image.config.v1+json",%s},"layers":[%s]%s}' \
        "$(attach_blob attach.config)" "$3" "${4:-}" > attach.manifest
    printf '{"schemaVersion":2,"manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s}]}' "$(attach_blob attach.manifest)" > attach/index.json
    skopeo --insecure-policy copy --quiet --preserve-digests --dest-tls-verify=false "oci:$PWD/attach" "docker://$repository:$2"
}

# Signs an image as cosign does: cosign_push REFERENCE KEY [NAME in the signature] [DIGEST in the signature].
cosign_push() {
    local digest
    digest=$(digest_at "$1") || return
    printf '{"critical":{"identity":{"docker-reference":"%s"},"image":{"docker-manifest-digest":"%s"},"type":"cosign container image signature"},"optional":null}' \
        "${3:-${1%:*}}" "${4:-$digest}" > payload
    attach "$1" "${digest/:/-}.sig" "$(printf '{"mediaType":"application/vnd.dev.cosign.simplesigning.v1+json",%s,"annotations":{"dev.cosignproject.cosign/signature":"%s"}}' \
        "$(attach_blob payload)" "$(sign_file "$2" payload)")"
}

# Signs an image by a bundle that refers to it, found by a tag: bundle_push REFERENCE KEY.
bundle_push() {
    local digest statement
    digest=$(digest_at "$1") || return
    statement=$(printf '{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"%s"}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}' "${digest#sha256:}")
    printf 'DSSEv1 28 application/vnd.in-toto+json %s %s' ${#statement} "$statement" > dsse
    printf '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":{"publicKey":{"hint":""}},"dsseEnvelope":{"payload":"%s","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"%s"}]}}' \
        "$(printf %s "$statement" | base64 -w0)" "$(sign_file "$2" dsse)" > bundle.json
    attach "$1" bundle "$(printf '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",%s}' "$(attach_blob bundle.json)")" \
        ",\"subject\":{\"mediaType\":\"application/vnd.oci.image.manifest.v1+json\",\"digest\":\"$digest\",\"size\":1}" || return
    printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[{"mediaType":"application/vnd.oci.image.manifest.v1+json",%s,"artifactType":"application/vnd.dev.sigstore.bundle.v0.3+json"}]}' \
        "$(attach_blob attach.manifest)" > referrers
    curl -sf -X PUT -H 'Content-Type: application/vnd.oci.image.index.v1+json' --data-binary @referrers "http://${1%%/*}/v2/$(r=${1#*/}; echo "${r%:*}")/manifests/${digest/:/-}"
}

# A private key as cosign and skopeo write them, as fixed.key, with its public key fixed.pub; the passphrase is hunter2. Python
# and PyNaCl made it from a key by openssl.
fixed_sigstore_key() {
    cat > fixed.key << 'KEY'
-----BEGIN ENCRYPTED SIGSTORE PRIVATE KEY-----
eyJrZGYiOiB7Im5hbWUiOiAic2NyeXB0IiwgInBhcmFtcyI6IHsiTiI6IDMyNzY4
LCAiciI6IDgsICJwIjogMX0sICJzYWx0IjogIkpNT3JSTlZ2TEdadThyTGlmMGhQ
WFVvbWdoNktPSXhIU1V0bTB2bjZHVkU9In0sICJjaXBoZXIiOiB7Im5hbWUiOiAi
bmFjbC9zZWNyZXRib3giLCAibm9uY2UiOiAiTnNKMnl1NkxhSysxbkVRSlh2UDNq
OGRURWd5NEkrUksifSwgImNpcGhlcnRleHQiOiAiQUVmR1Q2NTdiMGZ0dkF1VEJM
ME5aUk9sT3RKRERoelorVnE0WUsrQ1NRVXVtRUVXcUgzWlBKalpJQ0lhMEZsSW9m
NDZSTHM2M3JmUUVjMENTWWxMUk1CYWpMMk5kS0RFNldFeTF0ZWxKQ0NwSUN6NlhY
eGlOanp3TWt4VFNvMFl0djVTdE5zZGZGM2dxSTl4bjFETi9mQ21QRVlXNE1iYXBE
bzlKaFN5dlR1bTA2UklMbmdrNUlBbHlSa2JsQnpTd1l1UFRXeU43V2cwSFE9PSJ9
-----END ENCRYPTED SIGSTORE PRIVATE KEY-----
KEY
    cat > fixed.pub << 'KEY'
-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEu32cP3nxNIHxYrK5T4xgVJE9KB3l
6b7uhRi2Y2daHXPZ1CD2yfvQCdk8FfOA+1OOt0E+dPioYhBahB+m7lp2Gg==
-----END PUBLIC KEY-----
KEY
}

# A registry in front of another, on a port that front.port tells: front NAME. Where the file referrers is there, it keeps lists
# of what refers to a manifest, of which that is every one; where the file kept is there, it keeps simple signatures itself.
front() {
    cat > front.py << 'PYTHON'
import http.client, http.server, os, sys
class Front(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    def give(self, status, kind, body, headers=()):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)
    def do_GET(self):
        if self.path == "/v2/" and os.path.exists("kept"):
            return self.give(200, "application/json", b"{}", [("X-Registry-Supports-Signatures", "1")])
        if self.path.startswith("/extensions/v2/") and os.path.exists("kept"):
            return self.give(200, "application/json", open("kept", "rb").read())
        if "/referrers/" in self.path and os.path.exists("referrers"):
            return self.give(200, "application/vnd.oci.image.index.v1+json", open("referrers", "rb").read())
        behind = http.client.HTTPConnection(sys.argv[1])
        accept = {"Accept": self.headers["Accept"]} if "Accept" in self.headers else {}
        behind.request(self.command, self.path, headers=accept)
        answer = behind.getresponse()
        kept = [(n, answer.headers[n]) for n in ("Docker-Content-Digest", "Docker-Distribution-Api-Version") if n in answer.headers]
        self.give(answer.status, answer.headers.get("Content-Type", "text/plain"), answer.read(), kept)
    do_HEAD = do_GET
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Front)
print("listening on 127.0.0.1:%d" % server.server_port, flush=True)
server.serve_forever()
PYTHON
    timeout 120 python3 front.py "$(cat "$1.port")" > front.log 2> front.errors &
    echo $! > front.pid
    wait_for_port front 's/^listening on //p'
}
