#!/bin/bash
# Makes the files of this directory anew, with gpg and openssl: keys, and signatures of the image h.example/p/os:1.
set -eu
cd "$(dirname "$0")"
dir=$(mktemp -d)
trap 'gpgconf --homedir "$dir/gpg" --kill all; rm -rf "$dir"' EXIT
b64() { base64 -w0 "$@"; }

# Keys and signatures over the text `hello`.
printf hello > "$dir/hello"
for kind in 'p256 EC ec_paramgen_curve:P-256' 'p384 EC ec_paramgen_curve:P-384' 'p521 EC ec_paramgen_curve:P-521' 'rsa RSA rsa_keygen_bits:2048' 'ed25519 ED25519'; do
    read -r name algorithm option <<< "$kind"
    openssl genpkey -algorithm "$algorithm" ${option:+-pkeyopt "$option"} -out "$dir/$name.pem" 2> /dev/null
    openssl pkey -in "$dir/$name.pem" -pubout -out "$name.pub"
    case $name in
        ed25519) openssl pkeyutl -sign -inkey "$dir/$name.pem" -rawin -in "$dir/hello" -out "$name.sig" ;;
        *) openssl dgst -sha256 -sign "$dir/$name.pem" -out "$name.sig" "$dir/hello" ;;
    esac
done

# The image and what is said of it.
printf '{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"x","digest":"sha256:%064d","size":1},"layers":[]}' 0 > manifest.json
digest=$(sha256sum manifest.json | cut -d' ' -f1)
payload() { printf '{"critical":{"type":"%s","image":{"docker-manifest-digest":"sha256:%s"},"identity":{"docker-reference":"%s"}},"optional":%s}' "$1" "$digest" "$2" "$3"; }

# Simple signatures: by alice, and by mallory.
mkdir -m 700 "$dir/gpg"
export GNUPGHOME=$dir/gpg
for user in alice mallory; do
    gpg --batch --quiet --passphrase '' --quick-gen-key "$user@example.org" ed25519 sign never
    gpg --batch --quiet --export "$user@example.org" > "$user.gpg"
    payload 'atomic container signature' h.example/p/os:1 '{"creator":"make.sh","timestamp":1700000000}' |
        gpg --batch --quiet --yes -u "$user@example.org" -s -o "simple-$user.sig" -
done

# A signature of sigstore by the key p256, without and with the promise of a log.
payload 'cosign container image signature' h.example/p/os null > cosign.payload
openssl dgst -sha256 -sign "$dir/p256.pem" cosign.payload | b64 > cosign.sig
openssl ecparam -name prime256v1 -genkey -noout -out "$dir/log.pem"
openssl ec -in "$dir/log.pem" -pubout -out log.pub 2> /dev/null
# The promise about a signature in $1 by whoever is in the PEM file $2.
promise() {
    local body time=${3:-1700000300} id index=7
    body=$(printf '{"apiVersion":"0.0.1","kind":"hashedrekord","spec":{"data":{"hash":{"algorithm":"sha256","value":"%s"}},"signature":{"content":"%s","publicKey":{"content":"%s"}}}}' \
        "$(sha256sum cosign.payload | cut -d' ' -f1)" "$(cat "$1")" "$(b64 "$2")" | b64)
    id=$(openssl pkey -pubin -in log.pub -outform DER | sha256sum | cut -d' ' -f1)
    printf '{"body":"%s","integratedTime":%s,"logID":"%s","logIndex":%s}' "$body" $time "$id" $index > "$dir/signed"
    printf '{"SignedEntryTimestamp":"%s","Payload":{"body":"%s","integratedTime":%s,"logIndex":%s,"logID":"%s"}}' \
        "$(openssl dgst -sha256 -sign "$dir/log.pem" "$dir/signed" | b64)" "$body" $time $index "$id"
}
promise cosign.sig p256.pub > cosign.promise

# The same by somebody with a certificate that was valid for ten minutes.
cat > "$dir/ca.cnf" <<'C'
[ca]
default_ca = own
[own]
database = index
serial = serial
new_certs_dir = .
default_md = sha256
policy = any
unique_subject = no
copy_extensions = none
[any]
commonName = optional
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,keyCertSign
[between]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign
extendedKeyUsage = codeSigning
[leaf]
keyUsage = critical,digitalSignature
extendedKeyUsage = codeSigning
subjectAltName = critical,email:alice@example.org,DNS:h.example
1.3.6.1.4.1.57264.1.1 = DER:68747470733a2f2f6964702e6578616d706c65
1.3.6.1.4.1.57264.1.8 = ASN1:UTF8String:https://idp.example
C
(
    cd "$dir"
    : > index
    echo 01 > serial
    for name in root between leaf; do
        openssl ecparam -name prime256v1 -genkey -noout -out $name.pem
        openssl req -new -key $name.pem -subj /CN=$name -out $name.csr
    done
        openssl ca -batch -notext -config ca.cnf -selfsign -keyfile root.pem -in root.csr -startdate 20230101000000Z -enddate 20500101000000Z -extensions root -out root.crt
    openssl ca -batch -notext -config ca.cnf -selfsign -keyfile root.pem -in root.csr -startdate 20230101000000Z -enddate 20490101000000Z -extensions root -out root.crt
    openssl ca -batch -notext -config ca.cnf -cert root.crt -keyfile root.pem -in between.csr -startdate 20230101000000Z -enddate 20490101000000Z -extensions between -out between.crt
    openssl ca -batch -notext -config ca.cnf -cert between.crt -keyfile between.pem -in leaf.csr -startdate 20231114221500Z -enddate 20231114222500Z -extensions leaf -out leaf.crt
) 2> /dev/null
cp "$dir/root.crt" "$dir/between.crt" "$dir/leaf.crt" .
openssl dgst -sha256 -sign "$dir/leaf.pem" cosign.payload | b64 > leaf.sig
promise leaf.sig leaf.crt > leaf.promise
promise leaf.sig leaf.crt 1700009999 > leaf-late.promise

# A bundle by the key p256.
statement=$(printf '{"_type":"https://in-toto.io/Statement/v1","subject":[{"digest":{"sha256":"%s"}}],"predicateType":"https://sigstore.dev/cosign/sign/v1","predicate":{}}' "$digest")
printf 'DSSEv1 28 application/vnd.in-toto+json %s %s' ${#statement} "$statement" > "$dir/dsse"
# A bundle with a signature by the PEM file $1 and this material: bundle KEY MATERIAL.
bundle() {
    printf '{"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json","verificationMaterial":%s,"dsseEnvelope":{"payload":"%s","payloadType":"application/vnd.in-toto+json","signatures":[{"sig":"%s"}]}}' \
        "$2" "$(printf %s "$statement" | b64)" "$(cat "$1")"
}
# What a log says about a signature in $1 by whoever is in the PEM file $2, as bundles have it.
entry() {
    local body time=1700000300 index=8 id
    id=$(openssl pkey -pubin -in log.pub -outform DER | sha256sum | cut -d' ' -f1)
    body=$(printf '{"apiVersion":"0.0.1","kind":"dsse","spec":{"envelopeHash":{"algorithm":"sha256","value":"%064d"},"payloadHash":{"algorithm":"sha256","value":"%s"},"signatures":[{"signature":"%s","verifier":"%s"}]}}' \
        0 "$(printf %s "$statement" | sha256sum | cut -d' ' -f1)" "$(cat "$1")" "$(b64 "$2")" | b64)
    printf '{"body":"%s","integratedTime":%s,"logID":"%s","logIndex":%s}' "$body" $time "$id" $index > "$dir/signed"
    printf '[{"logIndex":"%s","logId":{"keyId":"%s"},"kindVersion":{"kind":"dsse","version":"0.0.1"},"integratedTime":"%s","inclusionPromise":{"signedEntryTimestamp":"%s"},"canonicalizedBody":"%s"}]' \
        $index "$(openssl pkey -pubin -in log.pub -outform DER | openssl dgst -sha256 -binary | b64)" $time "$(openssl dgst -sha256 -sign "$dir/log.pem" "$dir/signed" | b64)" "$body"
}
for key in p256 leaf; do openssl dgst -sha256 -sign "$dir/$key.pem" "$dir/dsse" | b64 > "$dir/$key.dsse"; done
bundle "$dir/p256.dsse" '{"publicKey":{"hint":""}}' > bundle.json
bundle "$dir/p256.dsse" "{\"publicKey\":{\"hint\":\"\"},\"tlogEntries\":$(entry "$dir/p256.dsse" p256.pub)}" > bundle-logged.json
bundle "$dir/leaf.dsse" "{\"certificate\":{\"rawBytes\":\"$(openssl x509 -in leaf.crt -outform DER | b64)\"},\"tlogEntries\":$(entry "$dir/leaf.dsse" leaf.crt)}" > bundle-leaf.json
