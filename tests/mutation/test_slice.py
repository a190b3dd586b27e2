"""A slice of `make mutate`, in a process of its own: it forks for every mutant."""

import json
import subprocess
import sys

from tests.docs.pages import ROOT
from tests.mutation.families import families


def test_a_mutant_of_every_family_is_read_refused_or_survived():
    command = [sys.executable, "-W", "ignore", "-m", "tests.mutation", "--count", "1"]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    told = json.loads(ended.stdout.splitlines()[-1])
    assert told["not_fine"] == {} and ended.returncode == 0, ended.stdout + ended.stderr
    assert set(told["families"]) == set(families())
