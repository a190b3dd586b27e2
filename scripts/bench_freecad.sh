#!/bin/sh
# FreeCAD, which bench/cam.py measures itself beside: Debian's packages are unpacked into
# var/peers/freecad (230 MB to fetch, 1.2 GB unpacked) and nothing is installed. Does nothing when
# it is there.
set -eu
cd "$(dirname "$0")/.."
there=$PWD/var/peers/freecad
[ -e "$there/complete" ] && exit 0
command -v apt-get >/dev/null 2>&1 || { echo "bench-freecad: needs apt-get (Debian, Ubuntu)" >&2; exit 1; }
rm -rf "$there"
mkdir -p "$there/packages"
cd "$there/packages"
names=$(apt-get install -s --no-install-recommends freecad-python3 | awk '/^Inst/ {print $2}')
# shellcheck disable=SC2086  # one word a package
apt-get download -q $names >&2
for package in *.deb; do dpkg -x "$package" "$there"; done
rm -r "$there/packages"
touch "$there/complete"
