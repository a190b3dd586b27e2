"""What the files of a release may be called: the same file on every computer."""

import unicodedata
from collections.abc import Mapping
from pathlib import PurePosixPath

from commons.errors import FieldProblem

MAX_FILES = 2000
_MAX_PATH = 255
_MAX_DEPTH = 16


def wrong_paths(files: Mapping[str, str], manifest: str = "okh.toml") -> list[FieldProblem]:
    """Paths that some file system would refuse, or read as another one; and the manifest's own."""
    problems = []
    if len(files) > MAX_FILES:
        problems.append(FieldProblem("files", f"are {len(files)}; {MAX_FILES} are allowed"))
    seen: dict[str, str] = {}
    for path in files:
        if not _is_plain(path):
            problems.append(FieldProblem("files", f"{path[:80]!r} is not a plain relative path"))
        elif path == manifest:
            problems.append(FieldProblem("files", f"{path} is the manifest; do not list it"))
        elif (twin := seen.setdefault(path.casefold(), path)) != path:
            problems.append(FieldProblem("files", f"'{path}' and '{twin}' differ only in capitals"))
    return problems


def _is_plain(path: str) -> bool:
    parts = PurePosixPath(path).parts
    return (
        0 < len(path) <= _MAX_PATH
        and len(parts) <= _MAX_DEPTH
        and str(PurePosixPath(path)) == path
        and not path.startswith("/")
        and ".." not in parts
        and not set(path) & set('\\:*?"<>|')
        and path.isprintable()
        and unicodedata.is_normalized("NFC", path)
    )
