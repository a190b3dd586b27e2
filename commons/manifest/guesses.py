"""What a folder without a manifest, or with half of one, lets one guess. A guess is shown with its
reason to somebody who knows; nothing is taken for true because it was guessed."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from commons.licences.spelling import wrong_spelling
from commons.manifest.contents import Format, format_of

MOST_CHARACTERS = 64 * 1024  # of a README or licence that is looked at
_MOST_PARTS = 50
# Licences whose whole text is one; sha256 of its words without the lines that name the owner. From
# the texts as the Debian distribution and the projects themselves hand them on.
_TEXTS = {
    "ff7be961361eda3cd2a76927dd0d9482cf45defafde2045befedf77400d98100": "Apache-2.0",
    "96bdc7f63190fb4bd1ae584b890300ed7517d858b34c945642a3b9b2f1612a5f": "CC0-1.0",
    "95f6a0d094cf3da6a140310541c7b576789031b600469b70877b34f97918e4c9": "MPL-2.0",
    "35a446201226de6b27cfb7106d0f6c697f63bfeac2913dcf89024911e66ef164": "MIT",
}
# Here the text does not say whether a later version may be chosen: that is asked.
_OPEN_TEXTS = {
    "f3ab5ee40da170411ea6671f9845ada2aaba303ee57ba6086b373d1e66c9dc3f": "GPL-3.0",
    "b866f5427b78991db8012466b32f51c907f5e974fde5129a47372d0d0552e3a1": "GPL-2.0",
    "aae2b222477171fb64e298e7965e768a9a6f85320646b266c94399ac029d42be": "LGPL-3.0",
    "a9fd8d483ea39e6be365ab095c5e60a2fb3bc52b764d8fb98bff04e8c7f9b11b": "AGPL-3.0",
}
_TAG = re.compile(r"SPDX-License-Identifier:[ \t]*([^\n*]{1,80})")
_OWNER = re.compile(
    r"^\W*copyright\s+(?:\(c\)|©)?\s*(?:\d{4}(?:\s*[-–,]\s*\d{4})*)?,?\s+(?:by\s+)?(.{2,60}?)\.?\s*$",
    re.IGNORECASE | re.MULTILINE,
)
_PROCESS_OF = {".stl": "3DP", ".3mf": "3DP", ".dxf": "CNC"}


@dataclass(frozen=True, slots=True)
class Guess:
    """What a field may be, and where that was seen; an empty value is only a hint."""

    value: str
    why: str


def texts_to_read(paths: Iterable[str]) -> list[str]:
    """The files whose text a guess looks at: the README and licences at the top."""
    names = ("readme.md", "readme", "readme.txt", "license", "license.md", "license.txt",
             "licence", "licence.md", "licence.txt", "copying")  # fmt: skip
    return [path for path in paths if path.lower() in names]


def guess_fields(texts: Mapping[str, str]) -> dict[str, Guess]:
    """Guesses for name, function, license and licensor from the texts, by path."""
    found: dict[str, Guess] = {}
    for path, text in sorted(texts.items(), key=lambda it: not it[0].lower().startswith("readme")):
        text = text[:MOST_CHARACTERS]
        told = _of_readme(text) if path.lower().startswith("readme") else {}
        told |= _of_licence(text)
        for field, (value, why) in told.items():
            found.setdefault(field, Guess(value, f"{why} {path}"))
    found.setdefault("version", Guess("0.1.0", "as a first release"))
    return found


def sketch_manifest(paths: Iterable[str]) -> dict[str, object]:
    """The fields of a manifest that the files alone tell: README, picture, bill, parts by kind."""
    listed = sorted(paths)
    data: dict[str, object] = {"okhv": "2.4"}
    for field, form in (
        ("readme", r"readme(\.md|\.txt)?"),
        ("bom", r"(.*/)?bom\.(csv|tsv|md)"),
        ("image", r"[^/]*\.(png|jpe?g|webp)|(images?|img|docs/images?)/[^/]*\.(png|jpe?g|webp)"),
    ):
        if fits := [path for path in listed if re.fullmatch(form, path, re.IGNORECASE)]:
            data[field] = fits[0]
    parts = [path for path in listed if format_of(path) in (Format.MESH, Format.DRAWING)]
    made = [path for path in parts if PurePosixPath(path).suffix.lower() in _PROCESS_OF]
    if made:
        data["part"] = [_part(path) for path in made[:_MOST_PARTS]]
    return data


def _part(path: str) -> dict[str, object]:
    file = PurePosixPath(path)
    name = re.sub(r"[-_]+", " ", file.stem).strip() or file.name
    return {"name": name, "tsdc": _PROCESS_OF[file.suffix.lower()], "export": path}


def _of_readme(text: str) -> dict[str, tuple[str, str]]:
    """The first heading is the name; the first paragraph under it says what it is for."""
    found: dict[str, tuple[str, str]] = {}
    title = re.search(r"^#[ \t]+(.+?)[ \t#]*$", text, re.MULTILINE)
    if title is None:
        return found
    found["name"] = (_plain(title[1])[:80], "the title of")
    for block in re.split(r"\n\s*\n", text[title.end() :])[:20]:
        said = _plain(" ".join(block.split()))
        if said and not block.lstrip().startswith(("#", "!", "[!", "<", "|", "-", "*", ">", "`")):
            found["function"] = (said[:600], "the first words of")
            break
    return found


def _of_licence(text: str) -> dict[str, tuple[str, str]]:
    found: dict[str, tuple[str, str]] = {}
    if (owner := _OWNER.search(text)) and "license" not in owner[1].lower():
        found["licensor"] = (owner[1].strip(), "who is named in")
    digest = hashlib.sha256(_words(text).encode()).hexdigest()
    tag = _TAG.search(text)
    if tag and wrong_spelling(tag[1].strip()) is None:
        found["license"] = (tag[1].strip(), "as it stands in")
    elif digest in _TEXTS:
        found["license"] = (_TEXTS[digest], "whose whole text is")
    elif digest in _OPEN_TEXTS:
        id_ = _OPEN_TEXTS[digest]
        found["license"] = ("", f"{id_}-only or {id_}-or-later, whose text is")
    return found


def _words(text: str) -> str:
    lines = [
        line for line in text.splitlines() if not re.match(r"\s*(copyright\b|\(c\)|©)", line, re.I)
    ]
    return " ".join(re.findall(r"[a-z0-9]+", " ".join(lines).lower()))


def _plain(text: str) -> str:
    """Markdown's links and marks as the words that they hold."""
    return re.sub(r"[*_`]|!?\[([^\]]*)\]\([^)]*\)", r"\1", text).strip()
