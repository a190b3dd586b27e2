#!/bin/sh
# Install what is missing and say why. Run by `make setup` (run) and `make setup-tests` (test).
# Does nothing, and needs no network, when all is there.
set -eu
cd "$(dirname "$0")/.."

say() { printf 'setup: %s\n' "$*" >&2; }

as_root() {
    if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi
}

has_browser() {
    command -v chromium || command -v chromium-browser || command -v google-chrome
} >/dev/null 2>&1

has_postgres() {
    command -v initdb || ls /usr/lib/postgresql/*/bin/initdb
} >/dev/null 2>&1

# Packages of the distribution that are missing, each with its reason.
missing=""
want() { say "$1 is missing: $2"; missing="$missing $1"; }

command -v prusa-slicer >/dev/null 2>&1 || want prusa-slicer "slices printed parts"
command -v openscad >/dev/null 2>&1 || want openscad "renders parametric sources"
command -v bwrap >/dev/null 2>&1 || want bubblewrap "keeps strangers' files away from this machine"
ls /usr/lib/*/libseccomp.so.2 /lib/*/libseccomp.so.2 >/dev/null 2>&1 ||
    want libseccomp2 "lets a child that reads strangers' files start nothing else"
python3 -c 'import ensurepip, venv' 2>/dev/null || want python3-venv "makes the .venv folders"
if [ "$1" = test ]; then
    has_browser || want chromium "opens the pages in the tests"
    has_postgres || want postgresql "the tests run on PostgreSQL too"
    ls /usr/lib/*/libsodium.so.23 /lib/*/libsodium.so.23 >/dev/null 2>&1 ||
        want libsodium23 "Moonraker, which the tests print with, signs with it"
fi

if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        say "this system has no apt; install these with its own tool and run me again:$missing"
        exit 1
    fi
    [ "$(id -u)" = 0 ] || say "installing packages needs sudo:$missing"
    as_root apt-get update -qq
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends $missing >&2
fi

# Ubuntu since 23.10 lets only programs with an AppArmor profile make a sandbox as a plain user.
can_sandbox() { bwrap --unshare-all --ro-bind / / true 2>/dev/null; }
if ! can_sandbox && grep -qs 1 /proc/sys/kernel/apparmor_restrict_unprivileged_userns; then
    say "this system forbids bubblewrap to make a sandbox; /etc/apparmor.d/bwrap will allow it"
    printf 'abi <abi/4.0>,\nprofile bwrap /usr/bin/bwrap flags=(unconfined) {\n  userns,\n}\n' |
        as_root tee /etc/apparmor.d/bwrap >/dev/null
    as_root apparmor_parser -r /etc/apparmor.d/bwrap
fi
if ! can_sandbox; then
    say "bubblewrap cannot make a sandbox here, and without one no stranger's file is opened:"
    bwrap --unshare-all --ro-bind / / true || exit 1
fi

if ! python3 -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    say "Python 3.11 or newer is needed; this is $(python3 --version)"
    exit 1
fi

# One virtual environment holds exactly what its lock file names; a stamp remembers which.
environment() { # folder, lock file
    if cmp -s "$2" "$1/installed.lock"; then
        return 1
    fi
    say "installing $2 into $1 (a minute or two, once)"
    [ -x "$1/bin/python" ] || python3 -m venv "$1"
    "$1/bin/python" -m pip install -q --disable-pip-version-check --require-hashes -r "$2" >&2
}

if environment .venv requirements.lock; then
    .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps \
        --no-build-isolation -e . >&2
    cp requirements.lock .venv/installed.lock
fi
# OctoPrint pins an older Flask than ours, so it lives by itself.
if environment .venv-octoprint requirements-octoprint.lock; then
    cp requirements-octoprint.lock .venv-octoprint/installed.lock
fi
# So does Moonraker, which only the tests need.
if [ "$1" = test ] && environment .venv-moonraker requirements-moonraker.lock; then
    cp requirements-moonraker.lock .venv-moonraker/installed.lock
fi
