"""What stands in requests: words, cursors, headers, facilities, names of an archive's files."""

import json
import sqlite3
import zipfile
from contextlib import suppress
from datetime import UTC
from pathlib import Path

from werkzeug.datastructures import EnvironHeaders

from commons.content import canonical_json
from commons.errors import InvalidInput
from commons.facility import Facility, read_facility, say_tables, say_v1
from repo_server.api.facilities import read_json
from repo_server.api.uploads import announced
from repo_server.cursors import Cursor
from repo_server.parsing import unpack
from repo_server.search import spelling
from repo_server.search.labels import Facet, label
from repo_server.search.matching import Match, sqlite_query
from repo_server.search.question import Question
from repo_server.search.snippets import mark, snippet
from repo_server.search.words import distinct, kept, words_of
from repo_server.tables.search import SQLITE_INDEX
from tests.fuzzing.target import Target
from tests.profiles import printer, router

_LAB = Facility("Lab", "Girona", "Spain", 41.98, 2.82, (printer(), router()))
FACILITIES = (
    json.dumps(say_v1(_LAB)).encode(),
    json.dumps(say_tables(_LAB)).encode(),
)
NAMES = (b"hook/okh.toml\nhook/src/hook.scad\n./README.md",)
QUESTIONS = (b"a hook for coats", "étagère 椅子 стул".encode(), b'"hook" AND -coat:x* (M3)')
CURSORS = tuple(
    Cursor.of(**key).written().encode()
    for key in ({"slug": "hook"}, {"at": "2026-11-30T12:00:00+00:00", "id": "7"})
)
HEADERS = (b"sha256 MDEyMw==,filename aG9vaw==\n1234",)


def facility(data: bytes, folder: Path) -> None:
    """A facility is brought, is kept by a database, and is said in both forms."""
    brought = read_facility(read_json(data))
    canonical_json(brought.data)
    _require_kept(brought.name)
    for say in (say_v1, say_tables):
        if read_facility(say(_LAB, brought)).name != _LAB.name:
            raise AssertionError("the lab has lost its name")


def _require_kept(text: str) -> None:
    """PostgreSQL keeps it as text."""
    if b"\0" in text.encode():
        raise AssertionError("PostgreSQL does not keep this")


def archive(data: bytes, folder: Path) -> None:
    """A zip of files with these names, a line each: none of them leads out."""
    path = folder / "file"
    with zipfile.ZipFile(path, "w") as zipped:
        for name in data.decode("utf-8", "replace").split("\n")[:50]:
            zipped.writestr(zipfile.ZipInfo(name or "a"), b"x")
    for name, _ in unpack.files_of_zip(path):
        if not (folder / name).resolve().is_relative_to(folder.resolve()):
            raise AssertionError(f"{name!r} leads out")


def search(data: bytes, folder: Path) -> None:
    """Words are a question that the index of SQLite takes, and are marked where they stand."""
    text = data.decode("utf-8", "replace")
    words = tuple(distinct(text))
    tag = (Facet.TAG, (label(Facet.TAG, text),))
    near = {word: tuple(spelling.slips(word)[:3]) for word in words[:10]}
    question = Question(words[:10], near, (tag,), Match(), None)
    with sqlite3.connect(":memory:") as index:
        index.execute(SQLITE_INDEX)
        index.execute(
            "INSERT INTO search_index (rowid, tokens) VALUES (1, ?)", (" ".join(kept(text)),)
        )
        for step in question.steps():
            query = sqlite_query(step.match)
            index.execute("SELECT rowid FROM search_index WHERE search_index MATCH ?", (query,))
    index.close()
    if "".join(piece.text for piece in mark(text, words)) != text:
        raise AssertionError("marking has changed the text")
    snippet([text, "other"], words)
    if any(word.start >= word.end for word in words_of(text)):
        raise AssertionError("a word that is nowhere")


def cursor(data: bytes, folder: Path) -> None:
    """Each column of a cursor is a text, or a time."""
    read = Cursor.read(data.decode("utf-8", "replace"))
    for name in read.key:
        _require_kept(read.text(name))
        with suppress(InvalidInput):
            read.instant(name).astimezone(UTC)
    Cursor.read(read.written())


def upload_header(data: bytes, folder: Path) -> None:
    """What an upload announces: its hash, and in the second line its size."""
    metadata, _, length = data.decode("latin-1").partition("\n")
    announced(EnvironHeaders({"HTTP_UPLOAD_METADATA": metadata, "HTTP_UPLOAD_LENGTH": length}))


TARGETS = {
    "okw": lambda: Target(facility, FACILITIES),
    "archive": lambda: Target(archive, NAMES),
    "search": lambda: Target(search, QUESTIONS),
    "cursor": lambda: Target(cursor, CURSORS),
    "upload-header": lambda: Target(upload_header, HEADERS),
}
