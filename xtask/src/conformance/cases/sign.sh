# Shell functions for the cases about signatures.

# Keys made in 2020, kept between runs: `keys` with the secret parts, which signs on the first of January 2026, and
# `trusted.gpg` with all public parts but Mallory's. Alice and Bob are good, Carol's key expired, Dave's was revoked, Erin signs
# with a key that belongs to hers.
signing_keys() {
    local made=$CACHE/signing-keys-2 new
    if [ ! -e "$made" ]; then
        # Cases run at the same time; whoever comes last finds it made.
        mkdir -p "$CACHE" && new=$(mktemp -d /tmp/signing-XXXXXX) && make_signing_keys "$new" > "$new.log" 2>&1 || return
        rm "$new.log" && { mv -T "$new" "$made" 2> /dev/null || rm -rf "$new"; }
    fi
    cp -a "$made/keys" "$made/trusted.gpg" "$made/mallory.gpg" .
}

make_signing_keys() {
    local gpg name
    install -d -m 700 "$1/keys"
    printf 'faked-system-time 20200101T000000!\n' > "$1/keys/gpg.conf"
    gpg="gpg --homedir $1/keys --batch --yes --quiet --no-tty --pinentry-mode loopback"
    for name in Alice:ed25519:0 Bob:rsa2048:20y Carol:ed25519:1m Dave:ed25519:0 Mallory:nistp256:0; do
        IFS=: read -r name algorithm expiry <<< "$name"
        $gpg --passphrase '' --quick-generate-key "$name <${name,,}@example.org>" "$algorithm" sign "$expiry" || return
    done
    $gpg --passphrase '' --quick-generate-key 'Erin <erin@example.org>' ed25519 cert 0 || return
    $gpg --passphrase '' --quick-add-key "$(fingerprint "$1/keys" erin)" rsa2048 sign 20y || return
    $gpg --export mallory@example.org > "$1/mallory.gpg"
    # What the directory that signs does not know.
    cp -a "$1/keys" "$1/revoking"
    sed 's/^:-----/-----/' "$1/keys/openpgp-revocs.d/$(fingerprint "$1/keys" dave).rev" | gpg --homedir "$1/revoking" --batch --quiet --import || return
    gpg --homedir "$1/revoking" --batch --export {alice,bob,carol,dave,erin}@example.org > "$1/trusted.gpg" || return
    gpgconf --homedir "$1/keys" --kill gpg-agent; gpgconf --homedir "$1/revoking" --kill gpg-agent
    rm -rf "$1/revoking" "$1"/keys/S.* "$1"/keys/*.lock
    printf 'faked-system-time 20260101T120000!\n' > "$1/keys/gpg.conf"
}

# The fingerprint of a name's key: fingerprint HOMEDIR NAME.
fingerprint() { gpg --homedir "$1" --batch --with-colons --list-keys "$2@example.org" 2> /dev/null | awk -F: '/^fpr/ { print $10; exit }'; }

# A repository `s` with a commit on `main` that is signed as STATE says, by the system's own tools: signed_repo STATE.
signed_repo() {
    signing_keys || return
    mkdir -p t && echo content > t/file && ostree --repo=s init --mode=archive && ostree --repo=s commit -b main t > main.commit || return
    local sign="ostree --repo=s gpg-sign --gpg-homedir=$PWD/keys main"
    case $1 in
    none) ;;
    good) $sign alice@example.org ;;
    subkey) $sign erin@example.org ;;
    several) $sign mallory@example.org bob@example.org ;;
    wrong) $sign mallory@example.org ;;
    revoked) $sign dave@example.org ;;
    expired-key) at 20200115T120000 && $sign carol@example.org ;;
    expired-signature) at 20200115T120000 && echo 'default-sig-expire 3d' >> keys/gpg.conf && $sign alice@example.org ;;
    other-commit)
        # The signature is one over another commit.
        echo other > t/file && ostree --repo=s commit -b other t > other.commit && ostree --repo=s gpg-sign --gpg-homedir="$PWD/keys" other alice@example.org &&
            cp "$(object s "$(cat other.commit)" commitmeta)" "$(object s "$(cat main.commit)" commitmeta)"
        ;;
    stripped) $sign alice@example.org && rm "$(object s "$(cat main.commit)" commitmeta)" ;;
    esac || return
    gpgconf --homedir keys --kill gpg-agent
}

at() { printf 'faked-system-time %s!\n' "$1" > keys/gpg.conf; }

# Output of `show` without the times at which signatures were made.
undated() { sed 's/made .* using/made then using/'; }

# The signature of a kind in detached metadata that has nothing else, as bytes: signature_of KEY FILE.
signature_of() {
    local start=$(((${#1} + 8) / 8 * 8)) size rest=7
    size=$(stat -c %s "$2") || return
    # Offsets have two bytes where one is not enough.
    [ "$size" -lt 256 ] || rest=10
    tail -c +$((start + 1)) "$2" | head -c $((size - start - rest))
}

# Detached metadata with one signature of less than 128 bytes: detached_metadata KEY FILE.
detached_metadata() {
    local size key=$((${#1} + 1)) start
    size=$(stat -c %s "$2") && start=$(((key + 7) / 8 * 8)) || return
    printf %s "$1" && head -c $((start - key + 1)) /dev/zero && cat "$2" && printf "\\x$(printf %x "$size")\\0aay" &&
        printf "\\x$(printf %x "$key")\\x$(printf %x $((start + size + 6)))"
}

# A raw ed25519 key pair of openssl: `ed25519.pem`, and in base64 `ed25519.public` (32 bytes) and `ed25519.secret` (seed and public key).
raw_key() {
    openssl genpkey -algorithm ed25519 -out ed25519.pem && openssl pkey -in ed25519.pem -pubout -outform DER | tail -c 32 > raw.public &&
        openssl pkey -in ed25519.pem -outform DER | tail -c 32 > raw.seed && base64 -w0 raw.public > ed25519.public && cat raw.seed raw.public | base64 -w0 > ed25519.secret
}

# A key pair of openssl for spki: `KIND.pem` and `KIND.pub.pem`.
spki_key() {
    case $1 in
    ed25519) openssl genpkey -algorithm ed25519 -out "$1.pem" ;;
    p256) openssl ecparam -name prime256v1 -genkey -noout -out "$1.pem" ;;
    p384) openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-384 -out "$1.pem" ;;
    rsa) openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$1.pem" ;;
    esac && openssl pkey -in "$1.pem" -pubout -out "$1.pub.pem"
}

# The files of repositories' objects, and what else a refusal might leave behind.
leftovers() { find "$1/objects" "$1/state" "$1/tmp" "$1/refs" -mindepth 1 -not -type d -not -name '*lock' | sort; }
