"""What somebody brings from elsewhere becomes a draft, with questions where something is open.

An import never publishes: a person sees what was found, and what was only guessed, before it is a
release.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from urllib.parse import quote, urljoin, urlsplit

from commons.errors import InvalidInput
from commons.manifest import (
    MANIFEST_NAMES,
    MAX_BYTES,
    Question,
    answer_questions,
    new_manifest,
    open_questions,
    parse_manifest,
    texts_to_read,
)
from commons.manifest.guesses import MOST_CHARACTERS
from repo_server.drafts import Contents

MOST_FETCHED = 100  # files that a manifest's URL may lead to
Read = Callable[[str, int], bytes]
# The specification of v1 wants "okh" somewhere in the name.
_MANIFEST = re.compile(r"[^/]*okh[^/]*\.(toml|ya?ml)", re.IGNORECASE)


def contents_of(files: Mapping[str, str], read: Read) -> Contents:
    """A draft's contents: the manifest among the files and the others, or one of what files tell.

    `read(sha256, most)` gives the first `most` bytes of a stored file. InvalidInput for a manifest
    that no draft can hold.
    """
    path = _manifest_among(files)
    if path is None:
        return Contents(new_manifest(files).decode(), dict(files))
    others = {name: sha256 for name, sha256 in files.items() if name != path}
    return Contents(_text(read(files[path], MAX_BYTES + 1)), others)


def questions_of(contents: Contents, read: Read) -> list[Question]:
    """What the draft's manifest leaves open, with guesses from its README and licence."""
    texts = {
        path: read(contents.files[path], MOST_CHARACTERS).decode(errors="replace")
        for path in texts_to_read(contents.files)
    }
    return open_questions(contents.manifest.encode(), texts)


def with_answers(contents: Contents, answers: Mapping[str, str]) -> Contents:
    """The contents with the answers written into their manifest; empty ones change nothing."""
    text = answer_questions(contents.manifest.encode(), answers)
    return replace(contents, manifest=text.decode())


def named_files(manifest: bytes, url: str) -> dict[str, str]:
    """The addresses of the files that a manifest at `url` names, by their path in the release.

    What leads to another place than below the manifest's own folder is left out.
    """
    base = url.rpartition("/")[0] + "/"
    found: dict[str, str] = {}
    for said in _texts(parse_manifest(manifest).data):
        path = said.removeprefix("/").removeprefix("./")
        address = urljoin(base, path)
        same = urlsplit(address)[:2] == urlsplit(base)[:2] and address.startswith(base)
        if same and re.fullmatch(r"[\w./ ()+@-]+\.\w{1,8}", path) and ".." not in path:
            found.setdefault(path, quote(address, safe="/:%()+@~-"))
    return dict(list(found.items())[:MOST_FETCHED])


def _texts(value: object) -> list[str]:
    """Every text in the manifest that may be a path."""
    if isinstance(value, str):
        return [value] if "://" not in value and len(value) < 200 and "\n" not in value else []
    items = list(value.values()) if isinstance(value, dict) else value
    if not isinstance(items, list):
        return []
    return [text for item in items for text in _texts(item)]


def _manifest_among(files: Mapping[str, str]) -> str | None:
    named = [name for name in MANIFEST_NAMES if name in files]
    return next(iter(named + sorted(path for path in files if _MANIFEST.fullmatch(path))), None)


def _text(manifest: bytes) -> str:
    if len(manifest) > MAX_BYTES:
        raise InvalidInput(f"the manifest has more than {MAX_BYTES} bytes, the most taken")
    try:
        return manifest.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput("the manifest is not UTF-8 text") from error
