"""Labels: what a design is filtered by, written so that they are looked up like words."""

import re
from collections.abc import Iterable
from contextlib import suppress
from enum import StrEnum

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from commons.manifest import Manifest
from repo_server.search.words import fold

_LONGEST = 60
# An id in an SPDX expression; an exception stands behind WITH.
_LICENCE_ID = re.compile(r"(WITH\s+)?([A-Za-z0-9.+-]+)")
_OPERATORS = {"AND", "OR", "WITH"}
_READINESS = re.compile(r"OTRL-[1-6]")
_NOT_PLAIN = re.compile(r"[^\w.+-]+")


class Facet(StrEnum):
    """What a list of designs can be narrowed by. BUILT says `yes`, LAB names one that built it."""

    LICENCE = "licence"
    PROCESS = "process"
    MATERIAL = "material"
    READINESS = "readiness"
    BUILT = "built"
    TAG = "tag"
    LAB = "lab"


def label(facet: Facet, value: str) -> str:
    """How the value is kept and asked for."""
    return f"{facet}:{plain(value)}"


def plain(value: str) -> str:
    """The value in lower case without accents, other signs than `.`, `+`, `-` as a hyphen."""
    return _NOT_PLAIN.sub("-", fold(value)).strip("-")[:_LONGEST]


def written(facet: Facet, value: str) -> str:
    """The kept value as people write it."""
    if facet is Facet.READINESS:
        return value.upper()
    if facet is Facet.LICENCE:
        with suppress(InvalidLicenseExpression):
            return canonicalize_license_expression(value)
    return value


def labels_of(manifest: Manifest, labs: Iterable[str]) -> tuple[str, ...]:
    """Every label of a release; `labs` are the slugs of those where its design was built."""
    readiness = str(manifest.data.get("technology-readiness-level", ""))
    built = sorted(labs)
    values = [
        *((Facet.LICENCE, id_) for id_ in licences_of(manifest.license)),
        *((Facet.PROCESS, part.process) for part in manifest.parts if part.process),
        *((Facet.MATERIAL, part.material) for part in manifest.parts if part.material),
        *((Facet.READINESS, level) for level in _READINESS.findall(readiness)),
        *((Facet.TAG, tag) for tag in keywords_of(manifest)),
        *((Facet.BUILT, "yes") for _ in built[:1]),
        *((Facet.LAB, lab) for lab in built),
    ]
    return tuple(dict.fromkeys(label(facet, value) for facet, value in values if plain(value)))


def licences_of(expression: str) -> list[str]:
    """The licences that an SPDX expression names."""
    found = _LICENCE_ID.findall(expression)
    return [id_ for exception, id_ in found if not exception and id_ not in _OPERATORS]


def keywords_of(manifest: Manifest) -> tuple[str, ...]:
    """The designer's keywords; at most 40 of them count."""
    own = manifest.data.get("cosmolocal", {})
    written = own.get("keywords", []) if isinstance(own, dict) else []
    listed = written if isinstance(written, list) else [written]
    return tuple(word for word in listed[:40] if isinstance(word, str))
