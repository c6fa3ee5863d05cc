# Shell functions for cases about settings files: what skopeo and ours say they do with them.

# Makes the directories of a host that has no settings yet.
empty_host() {
    mkdir -p etc/containers/registries.conf.d run/containers/0 .config/containers/registries.conf.d .docker bin && touch etc/{passwd,hosts} variables options && echo '{main}/p/os:1' > image
}

# Writes a settings file, with addresses as in `configure`: settings FILE TEXT.
settings() { printf '%b\n' "$2" | configure "$1"; }

# Writes a credential file: credentials FILE KEY=right|wrong...
credentials() {
    local file=$1 entries='' entry
    for entry in "${@:2}"; do
        case $entry in
            *=right) entries+=",\"${entry%=*}\":{\"auth\":\"YW5uOnB3\"}" ;;
            *=wrong) entries+=",\"${entry%=*}\":{\"auth\":\"YW5uOngK\"}" ;;
        esac
    done
    settings "$file" "{\"auths\":{${entries#,}}}"
}

# Makes the credential helper ann: helper right|none|broken.
helper() {
    {
        echo '#!/bin/sh'
        case $1 in
            right) echo 'echo "{\"Username\":\"ann\",\"Secret\":\"pw\"}"' ;;
            none) echo 'echo "credentials not found in native keychain"; exit 1' ;;
            broken) echo 'echo "out of order"; exit 1' ;;
        esac
    } > bin/docker-credential-ann
    chmod +x bin/docker-credential-ann
}

# Runs a program on a host with etc and run from here, with the variables and options that the files of that name list.
on_the_host() {
    local variables options
    mapfile -t variables < variables
    mapfile -t options < options
    unshare -m bash -c 'mount --bind "$PWD/run" /run && mount --bind "$PWD/etc" /etc && exec env -u XDG_RUNTIME_DIR "$@"' - \
        "PATH=$PATH:$PWD/bin" "${variables[@]}" "$1" "${@:2}" "${options[@]}" "docker://$(configured_image)" 2>&1
}
configured_image() { configure image.name < image && cat image.name; }

# Which places skopeo asks for the image, each with its credentials and certificates, and whether it comes to an end.
skopeo_takes() {
    local line place='' who=none helper='' certificates=none code=0
    on_the_host skopeo --debug inspect --raw > skopeo.out || code=$?
    while read -r line; do
        case $line in
            *'msg="Trying to access '*)
                [ -z "$place" ] || echo "$place $who $certificates"
                place=${line#*access \\\"} place=${place%\\\"*} place=${place%@*} who=none helper='' certificates=none
                [[ ${place##*/} != *:* ]] || place=${place%:*}
                ;;
            *'Looking up in credential helper '*) helper=${line#*credential helper } helper="${helper%% *} of " ;;
            *'Not logged in to '*) helper='' ;;
            *'Error looking up credentials'*) who=failed ;;
            *'Found credentials for '*' in file '*) who=${line##* in file } who=$helper${who%\"} ;;
            *'Found credentials for '*) who=${line##* } who="${who%\"} of registries.conf" ;;
            *'Looking for TLS certificates'*) certificates=${line##* } certificates=$(present "${certificates%\"}") ;;
            *' is blocked in '*) place='' ;;
        esac
    done < skopeo.out
    [ -z "$place" ] || echo "$place $who $certificates"
    echo "exit $code"
}

# A directory as it is called on the host, if it is there.
present() {
    case $1 in
        /etc/*) [ -d ".$1" ] ;;
        *) [ -d "$1" ] ;;
    esac && echo "$1" || echo none
}

# The same of ours.
ours_takes() {
    local line place='' now who='' certificates=none code=0
    on_the_host ostree-container info --debug-auth > ours.out || code=$?
    while read -r line; do
        case $line in
            'certificates for '*) certificates=${line##*: } ;;
            'credentials for '*)
                now=${line#credentials for } now=${now%%: *}
                [ -z "$place" ] || [ "$place" = "$now" ] || echo "$place $who"
                place=$now who=${line#*: }
                case $who in
                    none,*) who=none ;;
                    'entry '*) who=${who##* of } who=${who% (*} ;;
                    *'(credential-helpers)'*) who=${who#docker-credential-} who="${who%% *} of registries.conf" ;;
                    *'(credHelpers of '*) who=${who#docker-credential-} who="${who%% *} of ${who##* of }" who=${who%%)*} ;;
                    *) who=failed ;;
                esac
                who+=" $certificates"
                ;;
        esac
    done < ours.out
    [ -z "$place" ] || echo "$place $who"
    echo "exit $code"
}
