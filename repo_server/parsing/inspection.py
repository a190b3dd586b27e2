"""One file is inspected: a child reads it, and what it found is checked and kept."""

import json
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from repo_server.blobs import Blob, BlobStore
from repo_server.parsing import KINDS, sandbox

_LOG = logging.getLogger(__name__)
MAX_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Findings:
    """What a parser found: figures, and a sentence when something is wrong with the file.

    Both may be there: an open mesh has a size, and cannot be made.
    """

    facts: dict[str, object] | None
    problem: str | None
    preview: Blob | None = None
    thumbnail: Blob | None = None


def inspect(path: Path, kind: str, blobs: BlobStore) -> Findings:
    """What is in the file. Whatever it holds, the answer is findings: facts or a problem.

    Preview and thumbnail are stored as blobs. Raises Unavailable or OSError when this computer
    cannot inspect any file now.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        child = ["-m", "repo_server.parsing.child", KINDS[kind].module, kind]
        trouble = sandbox.run_child(child, path, out)
        if trouble is not None:
            _LOG.warning("%s as %s: %s", path.name, kind, trouble)
            return Findings(None, f"this {kind.upper()} file {trouble}")
        answer = _answer(out / "answer.json")
        return Findings(
            facts=answer.get("facts"),
            problem=answer.get("problem"),
            preview=_kept(out / "preview", blobs),
            thumbnail=_kept(out / "thumbnail", blobs),
        )


def _answer(path: Path) -> dict[str, Any]:
    """What the child wrote. It read a stranger's file: its word is checked like a stranger's."""
    broken = {"problem": "the reader of this file gave no answer"}
    try:
        answer = json.loads(path.read_bytes()[:MAX_ANSWER_BYTES])
    except (OSError, ValueError, RecursionError):
        return broken
    facts, problem = answer.get("facts"), answer.get("problem")
    fits = isinstance(facts, dict | None) and isinstance(problem, str | None)
    return answer if fits and (facts or problem) else broken


def _kept(path: Path, blobs: BlobStore) -> Blob | None:
    if not path.is_file() or path.is_symlink():
        return None
    with path.open("rb") as file:
        return blobs.put(file)
