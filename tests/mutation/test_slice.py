"""A slice of `make mutate`, in a process of its own: it forks for every mutant."""

import json
import subprocess
import sys

from tests.docs.pages import ROOT
from tests.mutation.families import FAMILIES

# STEP takes a second to load what reads it; its good, cut and hostile files are tested by kind.
QUICK = sorted(FAMILIES.keys() - {"step"})


def test_a_mutant_of_every_family_is_read_refused_or_survived():
    command = [sys.executable, "-W", "ignore", "-m", "tests.mutation", "--count", "1", "--family"]
    ended = subprocess.run(
        [*command, *QUICK], cwd=ROOT, capture_output=True, text=True, check=False
    )
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["not_fine"] == {} and ended.returncode == 0, ended.stdout + ended.stderr
    assert sorted(told["families"]) == QUICK
