"""Versions of releases, ordered by the rules of Semantic Versioning 2.0.0, section 11.

Manifests are older than that habit: `2`, `1.4` and `v1.4.0` are read, and mean 2.0.0 and 1.4.0.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import total_ordering

from commons.errors import Conflict, InvalidInput

_IDENTIFIER = r"[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*"
_FORM = re.compile(
    rf"v?(\d{{1,9}})(?:\.(\d{{1,9}}))?(?:\.(\d{{1,9}}))?(?:-({_IDENTIFIER}))?(?:\+{_IDENTIFIER})?"
)
_MOST = 64
# An identifier in its place: numbers before words, and a release after its own pre-releases.
_Place = tuple[tuple[int, int, str], ...]


@total_ordering
@dataclass(frozen=True, slots=True)
class Version:
    """Two versions are equal when neither comes before the other: build metadata counts nothing."""

    numbers: tuple[int, int, int]
    pre: tuple[str, ...] = ()

    @property
    def line(self) -> tuple[int, int]:
        """What patches of it have in common."""
        return self.numbers[:2]

    def __lt__(self, other: "Version") -> bool:
        return self._place() < other._place()

    def _place(self) -> tuple[tuple[int, int, int], bool, _Place]:
        steps = tuple(
            (0, int(it), "") if it.isascii() and it.isdigit() else (1, 0, it) for it in self.pre
        )
        return self.numbers, not self.pre, steps

    def __str__(self) -> str:
        return ".".join(map(str, self.numbers)) + ("-" + ".".join(self.pre) if self.pre else "")


_BEFORE_ALL = Version((-1, 0, 0))


def read_version(text: str) -> Version | None:
    """The version that is written so; None when it is none."""
    found = _FORM.fullmatch(text.strip()) if len(text) <= _MOST else None
    if found is None:
        return None
    major, minor, patch, pre = found.groups()
    return Version((int(major), int(minor or 0), int(patch or 0)), tuple((pre or "").split("."))
                   if pre else ())  # fmt: skip


def in_order(text: str) -> Version:
    """The version that is written so; before all others where it is none."""
    return read_version(text) or _BEFORE_ALL


def require_version(text: str) -> Version:
    """The version that is written so; InvalidInput tells how one is written."""
    version = read_version(text)
    if version is None:
        raise InvalidInput(
            f"'{text[:40]}' is not a semantic version; write three numbers such as 1.2.0, or "
            "1.2.0-beta.1 before it is ready"
        )
    return version


def newest(versions: Iterable[Version]) -> Version | None:
    """The greatest that is ready; while none is, the greatest pre-release. None of none."""
    known = list(versions)
    return max([it for it in known if not it.pre] or known, default=None)


def require_next(text: str, published: Iterable[str]) -> None:
    """Pass for a version that may follow those that are published.

    It comes after the newest of them, or is a patch: the greatest of its own older line.
    Conflict names the version it would have to pass.
    """
    version = require_version(text)
    known = [it for it in map(read_version, published) if it is not None]
    head = newest(known)
    if head is None or (version > head and version not in known):
        return
    line = [it for it in known if it.line == version.line]
    if line and version > max(line):
        return
    major, minor, patch = max(line).numbers if line else head.numbers
    raise Conflict(
        f"version {text} does not come after {max(line) if line else head}, which is published; "
        f"give it a greater one, such as {major}.{minor}.{patch + 1}"
    )


def next_patch(published: Iterable[str]) -> str:
    """The patch that follows the greatest of these versions; 0.0.1 where there is none."""
    known = [it for it in map(read_version, published) if it is not None]
    major, minor, patch = max(known).numbers if known else (0, 0, 0)
    return f"{major}.{minor}.{patch + 1}"
