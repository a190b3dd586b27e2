#!/bin/sh
# Install atheris, which `make fuzz` hunts with, into var/fuzzing alone: no package needs it, and
# there are wheels of it for CPython 3.11 to 3.13 on x86-64 Linux only. Does nothing when it is there.
set -eu
cd "$(dirname "$0")/.."
lock=tests/fuzzing/requirements.lock
site=var/fuzzing/site
cmp -s $lock $site/installed.lock && exit 0
printf 'fuzzer: atheris, 35 MB (once)\n' >&2
rm -rf $site
.venv/bin/python -m pip install -q --disable-pip-version-check --no-deps --only-binary :all: \
    --require-hashes --target $site -r $lock >&2
cp $lock $site/installed.lock
