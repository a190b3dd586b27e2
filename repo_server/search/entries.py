"""What of a release is kept for finding: a value made of its manifest and texts."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from commons.machine import Process
from commons.manifest import Manifest
from repo_server.search.labels import keywords_of, labels_of
from repo_server.search.words import distinct, kept

# Bounds on what is kept, in characters. A README says what a thing is in its first pages.
MAX_README = 20_000
MAX_BOM = 10_000
MAX_FUNCTION = 4_000
# Zones: a word of the name has all three forms, one of purpose or keywords two, any other one.
IN_NAME = "n:"
IN_ABOUT = "a:"

_LINK = re.compile(r"\[([^\]\n]*)\]\([^)\n]*\)")
# Each begins with a letter of its own, which is found at once where there are none of them.
_TAG = re.compile(r"<[^>\n]{0,200}>")
_RULE = re.compile(r"---+")
_SIGNS = str.maketrans(dict.fromkeys("#*_`>|~", " ") | {"\0": None})


@dataclass(frozen=True, slots=True)
class Texts:
    """What a release's files say, as text: its README and its bill of materials."""

    readme: str = ""
    bom: str = ""


NO_TEXTS = Texts()


@dataclass(frozen=True, slots=True)
class Need:
    """What one part asks of a machine: mm, None where it is not known."""

    process: Process
    material: str | None
    size_mm: tuple[float, float, float] | None
    thickness_mm: float | None


def written_need(need: Need) -> list[object]:
    """The need as JSON."""
    size = None if need.size_mm is None else list(need.size_mm)
    return [need.process, need.material, size, need.thickness_mm]


def need_of(written: Sequence[object]) -> Need:
    """The need that `written_need` wrote."""
    process, material, size, thickness = written
    edges = [float(edge) for edge in size] if isinstance(size, list) else []
    return Need(
        process=Process(str(process)),
        material=None if material is None else str(material),
        size_mm=(edges[0], edges[1], edges[2]) if len(edges) == 3 else None,
        thickness_mm=float(thickness) if isinstance(thickness, int | float) else None,
    )


@dataclass(frozen=True, slots=True)
class Entry:
    """A design's newest release as finding knows it. `pictures` are files, the best first."""

    design_id: str
    slug: str
    release_id: str
    version: str
    name: str
    function: str
    license: str
    keywords: tuple[str, ...]
    bom: str
    readme: str
    pictures: tuple[str, ...]
    labels: tuple[str, ...]
    needs: tuple[Need, ...]
    published_at: datetime


def entry_of(
    manifest: Manifest,
    files: Mapping[str, str],
    texts: Texts,
    *,
    design_id: str,
    slug: str,
    release_id: str,
    labs: Iterable[str],
    published_at: datetime,
) -> Entry:
    """The release's entry. `files` maps its paths to hashes; `labs` built the design."""
    return Entry(
        design_id=design_id,
        slug=slug,
        release_id=release_id,
        version=manifest.version,
        name=manifest.name[:MAX_FUNCTION],
        function=manifest.function[:MAX_FUNCTION],
        license=manifest.license,
        keywords=keywords_of(manifest),
        bom=_prose(texts.bom[:MAX_BOM]),
        readme=_prose(texts.readme[:MAX_README]),
        pictures=_pictures(manifest, files),
        labels=labels_of(manifest, labs),
        needs=tuple(
            dict.fromkeys(
                Need(part.process, part.material, part.size_mm, part.thickness_mm)
                for part in manifest.parts
                if part.process and part.file
            )
        ),
        published_at=published_at,
    )


def _prose(text: str) -> str:
    """Markdown as the words that it shows, on one line."""
    bare = _LINK.sub(r"\1", text.replace("![", "["))
    bare = _RULE.sub(" ", _TAG.sub(" ", bare))
    return " ".join(bare.translate(_SIGNS).split())


def _pictures(manifest: Manifest, files: Mapping[str, str]) -> tuple[str, ...]:
    """Hashes of the files that may have a picture: as `designs.Release.picture` chooses."""
    paths = [manifest.image, *(part.image or part.file for part in manifest.parts)]
    paths += [part.file for part in manifest.parts]
    return tuple(dict.fromkeys(files[path] for path in paths if path and path in files))[:20]


def about_words(entry: Entry) -> dict[str, None]:
    """The different words of name, address, keywords and purpose."""
    return distinct(entry.name, entry.slug, *entry.keywords, entry.function)


def tokens_of(entry: Entry) -> list[str]:
    """Everything that the entry is looked up by: words in their zones, and labels."""
    name = kept(entry.name, entry.slug)
    about = name | kept(*entry.keywords, entry.function)
    every = about | kept(entry.bom, entry.readme)
    return [
        *every,
        *(IN_ABOUT + word for word in about),
        *(IN_NAME + word for word in name),
        *entry.labels,
    ]
