"""`python -m tests.fuzzing.keep [NAME …]`: of what hunts have found, the few small files that reach
most of what the good ones do not reach are kept in the corpus that the tests replay.

What a file reaches are the steps from one line of our own to the next. A file with a name of its
own was a finding: it stays, whatever it reaches.
"""

import re
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FrameType
from typing import Any

from tests.fuzzing.target import CORPUS, TARGETS, Target, kept, target

VAR = Path("var/fuzzing")
MOST_FILES, MOST_BYTES = 20, 2048
ROOT = Path(__file__).parents[2]
OURS = tuple(str(ROOT / package) + "/" for package in ("commons", "repo_server", "fab_agent"))
_OF_A_HUNT = re.compile(r"[0-9a-f]{12}")

Step = tuple[str, int, int]


def steps(aim: Target, data: bytes) -> frozenset[Step]:
    """The steps that the target takes through our lines with these bytes."""
    found: set[Step] = set()
    before: dict[FrameType, int] = {}

    def trace(frame: FrameType, event: str, _: Any) -> Any:
        if not frame.f_code.co_filename.startswith(OURS):
            return None
        if event == "line":
            last = before.get(frame, 0)
            found.add((frame.f_code.co_filename, last, frame.f_lineno))
            before[frame] = frame.f_lineno
        return trace

    with TemporaryDirectory() as folder:
        sys.settrace(trace)
        try:
            aim.holds(data, Path(folder))
        finally:
            sys.settrace(None)
    return frozenset(found)


def keep(name: str) -> int:
    """The corpus of the target is chosen anew; how many files it has."""
    aim = target(name)
    named = [path for path in kept(name) if not _OF_A_HUNT.fullmatch(path.name)]
    known: set[Step] = set()
    for data in (*aim.good, *(path.read_bytes() for path in named)):
        known |= steps(aim, data)
    hunted = [path for path in (VAR / name).glob("*") if path.stat().st_size <= MOST_BYTES]
    candidates = {path.read_bytes() for path in (*hunted, *kept(name)) if path not in named}
    reached = {data: steps(aim, data) for data in sorted(candidates)}
    chosen: list[bytes] = []
    while reached and len(chosen) < MOST_FILES:
        best = max(reached, key=lambda data: (len(reached[data] - known), -len(data)))
        if not reached[best] - known:
            break
        known |= reached.pop(best)
        chosen.append(best)
    for path in kept(name):
        if path not in named:
            path.unlink()
    (CORPUS / name).mkdir(parents=True, exist_ok=True)
    for data in chosen:
        (CORPUS / name / sha256(data).hexdigest()[:12]).write_bytes(data)
    return len(named) + len(chosen)


if __name__ == "__main__":
    for one in sys.argv[1:] or TARGETS:
        print(f"{one:16} {keep(one)} files")
