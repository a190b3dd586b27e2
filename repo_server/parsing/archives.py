"""An archive becomes files: unpacked by a child, each stored under its own hash."""

import json
import logging
import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from commons.errors import InvalidInput
from repo_server.parsing import sandbox

MAX_BYTES = 256 * 1024**2
_LOG = logging.getLogger(__name__)
_MAX_ANSWER_BYTES = 4 * 1024**2


def open_archive(path: Path, keep: Callable[[str, IO[bytes]], None]) -> None:
    """`keep` got every file of the zip or tar.gz, with its path below the archive's root folder.

    InvalidInput, in one sentence, when the archive is damaged or made to harm. Paths are as a
    stranger wrote them: they name files nowhere here.
    """
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder)
        trouble = sandbox.run_child(["-m", "repo_server.parsing.unpack"], path, out)
        if trouble is not None:
            _LOG.warning("archive: %s", trouble)
            raise InvalidInput(f"this archive {trouble}")
        for number, name in enumerate(_paths(out / "answer.json")):
            # The child read a stranger's file: it might have left a link to one of ours.
            descriptor = os.open(out / str(number), os.O_RDONLY | os.O_NOFOLLOW)
            with os.fdopen(descriptor, "rb") as file:
                keep(name, file)


def _paths(answer_file: Path) -> list[str]:
    try:
        answer = json.loads(answer_file.read_bytes()[:_MAX_ANSWER_BYTES])
        paths, problem = answer.get("paths"), answer.get("problem")
    except (OSError, ValueError, AttributeError, RecursionError) as error:
        raise InvalidInput("the reader of this archive gave no answer") from error
    if isinstance(problem, str):
        raise InvalidInput(problem)
    if not isinstance(paths, list) or not all(isinstance(path, str) for path in paths):
        raise InvalidInput("the reader of this archive gave no answer")
    return paths
