"""The parser of a kind of file, as a reader of bytes."""

import importlib
import json
from collections.abc import Callable
from pathlib import Path

from repo_server.parsing import KINDS, strokes
from repo_server.parsing.inspection import MAX_ANSWER_BYTES
from tests.format_files import GOOD
from tests.fuzzing.target import Target

Reader = Callable[[bytes, Path], None]


def of_kind(kind: str) -> Target:
    """The parser of this kind, and the good file of its tests."""
    return Target(inspected(kind), (GOOD[kind],))


def inspected(kind: str) -> Reader:
    """The parser of this kind of file, whose answer the server takes. It draws no picture: that
    takes a hundred times as long as reading does, and `make mutate` does it."""
    module = importlib.import_module(f"repo_server.parsing.{KINDS[kind].module}")

    def read(data: bytes, folder: Path) -> None:
        shown, strokes.show = strokes.show, lambda lines, out: None
        try:
            answer = module.inspect(file(data, folder), kind, folder)
        finally:
            strokes.show = shown
        if len(json.dumps(answer, allow_nan=False)) > MAX_ANSWER_BYTES:
            raise AssertionError("the answer is longer than the server reads")

    return read


def file(data: bytes, folder: Path) -> Path:
    """A file with these bytes in the folder."""
    path = folder / "file"
    path.write_bytes(data)
    return path
