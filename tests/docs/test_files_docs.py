"""docs/files.md names every kind of file that a parser reads, and no other."""

import re

from repo_server.parsing import KINDS
from tests.docs.pages import ROOT


def test_every_kind_of_file_that_is_read_is_documented_and_no_other() -> None:
    rows = re.findall(r"^\| (`[^|]*)\|", (ROOT / "docs/files.md").read_text(), re.MULTILINE)
    assert {kind for row in rows for kind in re.findall(r"`(\w+)`", row)} == set(KINDS)
