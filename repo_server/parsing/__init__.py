"""Strangers' files: each opened in a limited child process, and nowhere else.

This module and `sandbox` run in the server and import no parser. `child` runs in the child
process and imports the one module that the table below names for the kind of file.
"""

import json
import logging
import tempfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from repo_server.blobs import Blob, BlobStore
from repo_server.parsing import sandbox

_LOG = logging.getLogger(__name__)
_MAX_ANSWER_BYTES = 64 * 1024


@dataclass(frozen=True, slots=True)
class Parser:
    """The module that reads a kind of file. A greater `version` reads all of them again."""

    module: str
    version: int
    preview_type: str | None = None


_MESH = Parser("mesh", version=1, preview_type="model/gltf-binary")
_DRAWING = Parser("drawing", version=1, preview_type="image/svg+xml")
_IMAGE = Parser("image", version=1)

# A kind is the ending of a file's name.
KINDS = {
    "stl": _MESH,
    "3mf": _MESH,
    "obj": _MESH,
    "dxf": _DRAWING,
    "svg": _DRAWING,
    "png": _IMAGE,
    "jpg": _IMAGE,
    "jpeg": _IMAGE,
    "webp": _IMAGE,
}


@dataclass(frozen=True, slots=True)
class Findings:
    """What a parser found: figures, and a sentence when something is wrong with the file.

    Both may be there: an open mesh has a size, and cannot be made.
    """

    facts: dict[str, object] | None
    problem: str | None
    preview: Blob | None = None
    thumbnail: Blob | None = None


def kind_of(path: str) -> str | None:
    """The kind of file that a parser of ours reads; None for all others."""
    kind = PurePosixPath(path).suffix.lower().removeprefix(".")
    return kind if kind in KINDS else None


def inspect(path: Path, kind: str, blobs: BlobStore) -> Findings:
    """What is in the file. Whatever it holds, the answer is findings: facts or a problem.

    Preview and thumbnail are stored as blobs. Raises OSError when the disk is full.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        trouble = sandbox.run_child(path, KINDS[kind].module, kind, out)
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
        answer = json.loads(path.read_bytes()[:_MAX_ANSWER_BYTES])
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
