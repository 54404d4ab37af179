# Sourced by scripts that need Debian's packages: `unpack` fetches some into a folder, `emulators`
# the emulators of qemu, without root and without dpkg's database. For Debian and its derivatives on
# x86-64; DEBIAN_MIRROR names the archive, where the machine's own sources are another
# distribution's. It goes after environment.sh, and `work` is the script's own folder under build.

suite=bookworm

say() {
    printf '%s: %s\n' "$script" "$1" >&2
}

# done_before STEP KEY: was this step, a path, done with this key? If not, `finished STEP KEY` says so
# later; until then the step counts as not done at all.
done_before() {
    test -f "$1.key" && test "$(cat -- "$1.key")" = "$2" && return
    rm -f -- "$1.key"
    return 1
}

finished() {
    printf '%s\n' "$2" >"$1.key"
}

# Runs a command silently; if it fails, shows its output.
quietly() {
    if ! "$@" >"$work/log" 2>&1; then
        cat -- "$work/log" >&2
        return 1
    fi
}

# archive ARCHITECTURE: sets up a separate apt in $work/apt for `from_archive`, and sets `mirror`.
archive() {
    for command in apt-get dpkg-deb; do
        command -v $command >/dev/null ||
            fail "no $command: this script is for Debian and its kin"
    done
    mirror=${DEBIAN_MIRROR:-$(
        apt-get indextargets --format '$(ORIGIN) $(COMPONENT) $(SITE)' 'Created-By: Packages' |
            sed -n '/-security$/d; s/^Debian main //p' | head -n 1
    )}
    test -n "$mirror" ||
        fail "this machine's sources name no archive of Debian: name one in DEBIAN_MIRROR"
    keyring=/usr/share/keyrings/debian-archive-keyring.gpg
    test -f $keyring || fail "no $keyring: apt-get install debian-archive-keyring"
    rm -rf -- "$work/apt"
    mkdir -p -- "$work/apt/lists/partial" "$work/apt/cache/archives/partial"
    : >"$work/apt/status"
    for kind in deb deb-src; do
        echo "$kind [signed-by=$keyring] $mirror $suite main"
    done >"$work/apt/sources.list"
    cat >"$work/apt/apt.conf" <<END
Dir::State "$work/apt";
Dir::State::Lists "$work/apt/lists";
Dir::State::status "$work/apt/status";
Dir::Cache "$work/apt/cache";
Dir::Etc::SourceList "$work/apt/sources.list";
Dir::Etc::SourceParts "/dev/null";
Dir::Etc::Preferences "/dev/null";
Dir::Etc::PreferencesParts "/dev/null";
APT::Architecture "$1";
APT::Architectures { "$1"; };
APT::Default-Release "";
APT::Install-Recommends "false";
APT::Sandbox::User "";
APT::Update::Error-Mode "any";
Acquire::Languages "none";
Debug::NoLocking "true";
END
    from_archive update || fail "no list of packages could be had from $mirror: the lines above say why"
}

# Runs apt-get there; what it downloads stays there.
from_archive() {
    APT_CONFIG=$work/apt/apt.conf quietly apt-get -q -y --download-only "$@"
}

# unpack ARCHITECTURE FOLDER PACKAGE...: these and their dependencies.
unpack() {
    architecture=$1 folder=$2
    shift 2
    archive "$architecture"
    from_archive install "$@" ||
        fail "the packages for $architecture could not be had from $mirror: the lines above say why"
    rm -rf -- "$folder"
    mkdir -p -- "$folder"
    for package in "$work"/apt/cache/archives/*.deb; do
        quietly dpkg-deb -x "$package" "$folder" || fail "cannot unpack $package"
    done
    rm -rf -- "$work/apt"
}

# sources FOLDER PACKAGE...: their upstream sources, a folder each.
sources() {
    folder=$1
    shift
    archive amd64
    rm -rf -- "$folder"
    for package in "$@"; do
        mkdir -p -- "$folder/$package" "$work/apt/$package"
        (cd -- "$work/apt/$package" && from_archive --tar-only source "$package") ||
            fail "the source of $package could not be had from $mirror: the lines above say why"
        quietly tar -xf "$work/apt/$package"/*.orig.tar.* -C "$folder/$package" \
            --strip-components=1 || fail "cannot unpack the source of $package"
    done
    rm -rf -- "$work/apt"
}

# Sets `emulators`, the folder with qemu-aarch64-static, qemu-x86_64-static and the like.
emulators() {
    emulators=$root/build/emulators/usr/bin
    key="$suite: qemu-user-static"
    done_before "$root/build/emulators" "$key" && return
    say "unpacking the emulators: a few seconds, this once"
    unpack amd64 "$root/build/emulators" qemu-user-static
    finished "$root/build/emulators" "$key"
}
