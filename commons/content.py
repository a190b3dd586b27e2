"""Content ids: the same bytes have the same name everywhere, and a release is its contents."""

import hashlib
import re
from collections.abc import Mapping

import rfc8785

from commons.errors import InvalidInput

_HEX = re.compile(r"[0-9a-f]{64}")
# U+0000 as JSON writes it, unless its backslash is itself escaped.
_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


def canonical_json(value: object) -> bytes:
    """The one byte form of a JSON value (RFC 8785), so that its hash means its contents.

    Raises InvalidInput for what JSON cannot say exactly: NaN, infinities, integers over 2^53,
    half a character.
    """
    try:
        return rfc8785.dumps(value)  # type: ignore[arg-type]
    except (rfc8785.CanonicalizationError, TypeError, UnicodeEncodeError) as error:
        raise InvalidInput(f"cannot be written as canonical JSON: {error}") from error


def holds_nul(json: bytes) -> bool:
    """Whether a text in it has the character U+0000, which PostgreSQL does not keep."""
    return _NUL.search(json) is not None


def content_id(data: bytes) -> str:
    """The id of `data`: 64 lower-case hex digits of its SHA-256."""
    return hashlib.sha256(data).hexdigest()


def release_id(manifest: Mapping[str, object], files: Mapping[str, str]) -> str:
    """The id of a release: the hash of its manifest and of its files' paths and hashes.

    `files` maps each path to the sha256 of its bytes. Publishing the same twice is one release.
    """
    return content_id(canonical_json({"manifest": dict(manifest), "files": dict(files)}))


def require_sha256(text: str) -> str:
    """`text`, if it is 64 lower-case hex digits; InvalidInput otherwise."""
    if not _HEX.fullmatch(text):
        raise InvalidInput(f"'{text[:80]}' is not a SHA-256: 64 hex digits in lower case")
    return text
