"""Files are inspected: a child reads them, and what it found is checked and kept."""

import json
import logging
import tempfile
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from pydantic import AwareDatetime, BaseModel, TypeAdapter

from commons.errors import InvalidInput
from repo_server.blobs import Blob, BlobStore
from repo_server.parsing import KINDS, REPAIR, SHAPE_CHANGE, sandbox

_LOG = logging.getLogger(__name__)
MAX_ANSWER_BYTES = 64 * 1024
MAX_EVENTS_BYTES = 1024**2


class CalendarEvent(BaseModel):
    """A time that a calendar keeps busy; each of a recurrence is one."""

    uid: str
    title: str
    begins_at: AwareDatetime
    ends_at: AwareDatetime


_EVENTS = TypeAdapter(list[CalendarEvent])


@dataclass(frozen=True, slots=True)
class Findings:
    """What a parser found: figures, and a sentence when something is wrong with the file.

    Both may be there: an open mesh has a size, and cannot be made. `mesh` is a 3MF that machines
    can be fed with instead of the file; the fact of that name tells its hash and size, too.
    """

    facts: dict[str, object] | None
    problem: str | None
    preview: Blob | None = None
    thumbnail: Blob | None = None
    mesh: Blob | None = None


@dataclass(frozen=True, slots=True)
class Repaired:
    """The copy with what is different in it, or the sentence why there is none."""

    facts: dict[str, object] | None
    problem: str | None
    copy: Blob | None = None


def inspect(path: Path, kind: str, blobs: BlobStore) -> Findings:
    """What is in the file. Whatever it holds, the answer is findings: facts or a problem.

    Preview and thumbnail are stored as blobs. Raises Unavailable or OSError when this computer
    cannot inspect any file now.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        facts, problem = _asked(KINDS[kind].module, kind, path, out)
        mesh = _kept(out / "mesh", blobs)
        return Findings(
            facts=_with_mesh(facts, mesh),
            problem=problem,
            preview=_kept(out / "preview", blobs),
            thumbnail=_kept(out / "thumbnail", blobs),
            mesh=mesh,
        )


def repair(path: Path, kind: str, blobs: BlobStore) -> Repaired:
    """A repaired copy of the mesh, stored as a blob. Raises as `inspect` does."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        facts, problem = _asked(REPAIR.module, kind, path, out)
        copy = _kept(out / REPAIR.file, blobs) if problem is None else None
        if problem is None and copy is None:
            return Repaired(None, f"the repair of this {kind.upper()} file left no copy")
        return Repaired(facts, problem, copy)


def compare(before: Path, after: Path, kinds: str, blobs: BlobStore) -> Findings:
    """What is different between two meshes, and a GLB that shows where; `kinds` is that of both,
    `stl+3mf`. Raises as `inspect` does."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        facts, problem = _asked(SHAPE_CHANGE.module, kinds, before, out, other=after)
        return Findings(facts, problem, _kept(out / SHAPE_CHANGE.file, blobs))


def read_calendar(path: Path, begins: datetime, ends: datetime, zone: str) -> list[CalendarEvent]:
    """What the calendar keeps busy between two moments; InvalidInput says what is wrong with it.

    `zone` is that of days and times which tell none. Raises as `inspect` does.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        kind = f"ics,{begins.isoformat()},{ends.isoformat()},{zone}"
        child = ["-m", "repo_server.parsing.child", "calendar", kind]
        trouble = sandbox.run_child(child, path, out)
        problem = trouble and f"this calendar {trouble}"
        problem = problem or _answer(out / "answer.json").get("problem")
        if problem:
            raise InvalidInput(problem)
        try:
            told = (out / "events.json").read_bytes()[:MAX_EVENTS_BYTES]
            return _EVENTS.validate_json(told)
        except (OSError, ValueError) as error:
            raise InvalidInput("the reader of this calendar gave no answer") from error


def _asked(
    module: str, kind: str, path: Path, out: Path, *, other: Path | None = None
) -> tuple[dict[str, object] | None, str | None]:
    """Facts and problem that a child answered; a problem when it did not end well."""
    child = ["-m", "repo_server.parsing.child", module, kind]
    trouble = sandbox.run_child(child, path, out, other=other)
    if trouble is not None:
        _LOG.warning("%s as %s for %s: %s", path.name, kind, module, trouble)
        return None, f"this {kind.upper()} file {trouble}"
    answer = _answer(out / "answer.json")
    return answer.get("facts"), answer.get("problem")


def _with_mesh(facts: dict[str, Any] | None, mesh: Blob | None) -> dict[str, Any] | None:
    """The facts, which name that mesh alone which the reader has left."""
    if facts is None:
        return None
    about = facts.pop("mesh", None)
    if mesh is None or not isinstance(about, dict):
        return facts
    return facts | {"mesh": about | {"sha256": mesh.sha256, "size": mesh.size}}


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
