#!/bin/sh
# Install the senders that bench/streaming.py measures itself against, into var/peers alone.
# Does nothing, and needs no network, when they are there. What cannot be installed is said here
# and counts as missing in the bench: it fails rather than measure against fewer.
set -u
cd "$(dirname "$0")/.."
peers=bench/peers
failed=0

say() { printf 'bench-peers: %s\n' "$*" >&2; }

command -v cc >/dev/null 2>&1 || { say "cc is missing: the simulated machine is written in C"; failed=1; }

# printcore and grbl-streamer. Printrun's own requirements (a window system) are left out.
if ! cmp -s $peers/requirements.lock var/peers/venv/installed.lock; then
    say "printcore and grbl-streamer (once)"
    if python3 -m venv var/peers/venv &&
        var/peers/venv/bin/python -m pip install -q --disable-pip-version-check --no-deps \
            --require-hashes -r $peers/requirements.lock >&2; then
        cp $peers/requirements.lock var/peers/venv/installed.lock
    else
        say "printcore and grbl-streamer could not be installed"
        failed=1
    fi
fi

if ! cmp -s $peers/node/package-lock.json var/peers/node/installed.json; then
    say "cncjs, some 230 MB (once)"
    mkdir -p var/peers/node
    cp $peers/node/package.json $peers/node/package-lock.json var/peers/node/
    if command -v npm >/dev/null 2>&1 &&
        npm ci --prefix var/peers/node --no-audit --no-fund --omit=optional --loglevel=error >&2; then
        cp $peers/node/package-lock.json var/peers/node/installed.json
    else
        say "cncjs could not be installed: it needs node 18 or newer and npm"
        failed=1
    fi
fi
# OR-Tools for bench/scheduling.py; what it needs besides is not in our environment either.
if ! cmp -s $peers/solver.lock var/peers/solver/installed.lock; then
    say "OR-Tools, some 80 MB (once)"
    rm -rf var/peers/solver
    if .venv/bin/python -m pip install -q --disable-pip-version-check --no-deps \
        --require-hashes --target var/peers/solver -r $peers/solver.lock >&2; then
        cp $peers/solver.lock var/peers/solver/installed.lock
    else
        say "OR-Tools could not be installed: bench/scheduling.py does without"
        failed=1
    fi
fi
# admesh as Debian has it, unpacked beside the others and not installed.
if [ ! -x var/peers/admesh/usr/bin/admesh ]; then
    say "admesh (once)"
    mkdir -p var/peers/admesh
    if (cd var/peers/admesh && apt-get download -q admesh libadmesh1 >&2 &&
        for package in *.deb; do dpkg -x "$package" . || exit 1; done); then
        :
    else
        say "admesh could not be unpacked: bench/parsing.py does without"
        failed=1
    fi
fi
exit $failed
