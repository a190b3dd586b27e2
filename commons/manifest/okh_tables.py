"""What the letter of OKH 2.4 wants of the tables in a manifest: pictures, parts, software, sizes.

As its published JSON schema has it. Where that is narrower than the specification's text (it knows
none of the keys of production), the text counts.
"""

import re
from collections.abc import Iterator, Mapping

from commons.manifest.findings import Findings
from commons.manifest.forms import is_language, is_place, is_web_address

_OF_PART = frozenset(
    ["name", "source", "export", "image", "tsdc", "auxiliary", "mass", "outer-dimensions",
     # Of production, by the text: of all parts, of printed, milled and cut ones, of boards.
     "material", "surface-finishing-process", "printing-process", "infill", "raft-brim",
     "supports", "resolution-mm", "shell-thickness", "top-bottom-thickness",
     "smallest-tolerance-class", "smallest-inner-radius-mm", "engraving-depth-mm",
     "resolution-dpi", "thickness-mm", "2d-size-mm", "component-sides", "layer-count",
     "cosmolocal",
     "outer-dimension"]  # an older word, of which more is said elsewhere
)  # fmt: skip
_OF_IMAGE = frozenset(["location", "depicts", "slots", "tags"])
_EDGES = ("width", "depth", "height")
_OWN = re.compile(r"c_[0-9a-z._-]+")
_SLOTS = frozenset(
    ["icon-main", "icon-main-bw", "logo", "logo-bw", "model-3d", "model-from-back",
     "model-from-below", "model-from-front", "model-from-left", "model-from-right",
     "model-from-above", "model-main", "organization-logo", "organization-logo-bw",
     "photo-packaging", "photo-thing-main", "social", "symbol"]
)  # fmt: skip
_TAGS = frozenset(
    ["art", "bw", "color", "diagram", "drawing", "gray", "icon", "logo", "model", "photo",
     "screenshot"]
)  # fmt: skip


def look_at_tables(data: Mapping[str, object], findings: Findings) -> None:
    """The findings hold what the letter does not allow of tables and their numbers."""
    _mass("", data, findings)
    _dimensions("", data, findings)
    _images("image", data.get("image"), findings)
    _fork(data, findings)
    _rdf(data.get("rdf"), findings)
    _software(data.get("software"), findings)
    for number, part in _tables(data.get("part")):
        where = f"part[{number}]"
        _keys(where, part, _OF_PART, findings, needs="name")
        _images(f"{where}.image", part.get("image"), findings)
        _dimensions(f"{where}.", part, findings)
        _mass(f"{where}.", part, findings)


def _tables(value: object) -> Iterator[tuple[int, Mapping[str, object]]]:
    for number, table in enumerate(value if isinstance(value, list) else [], 1):
        if isinstance(table, dict):
            yield number, table


def _keys(
    where: str, table: object, known: frozenset[str] | set[str], findings: Findings, *, needs: str
) -> None:
    """The table has the key that it needs, and no others than it may have."""
    if not isinstance(table, dict):
        return
    if needs not in table:
        findings.strict(f"{where}.{needs}", "is missing")
    for key in table:
        if key not in known:
            advice = "leave it out, or put own words under [cosmolocal]"
            findings.strict(f"{where}.{key}", "is not a field of OKH", advice)


def _mass(where: str, data: Mapping[str, object], findings: Findings) -> None:
    if "mass" in data and not _is_positive(data["mass"]):
        said = f"is {str(data['mass'])[:40]!r}"
        findings.strict(f"{where}mass", said, "write the mass in g, or leave it out")


def _dimensions(where: str, data: Mapping[str, object], findings: Findings) -> None:
    """Width, depth and height, each greater than 0, and nothing else."""
    field = f"{where}outer-dimensions"
    box = data.get("outer-dimensions", {"openSCAD": ""})
    if not isinstance(box, dict):
        findings.strict(field, "is no table", "write {width = …, depth = …, height = …} in mm")
        return
    if "openSCAD" in box:  # the older way to say it
        return
    for edge in _EDGES:
        if not _is_positive(box.get(edge)):
            said = f"is {box[edge]!r}" if edge in box else "is missing"
            findings.strict(f"{field}.{edge}", said, "write it in mm")
    for key in box.keys() - set(_EDGES):
        findings.strict(f"{field}.{key}", "is not a field of OKH", "leave it out; all are in mm")


def _rdf(value: object, findings: Findings) -> None:
    if value is not None and not isinstance(value, dict):
        findings.strict("rdf", "is no table", 'write {namespace = "https://…", prefix = "…"}')
    _keys("rdf", value, {"namespace", "prefix"}, findings, needs="namespace")
    for key, text in value.items() if isinstance(value, dict) else ():
        if key in ("namespace", "prefix") and not isinstance(text, str):
            findings.strict(f"rdf.{key}", "is no text")


def _software(value: object, findings: Findings) -> None:
    if value is not None and not isinstance(value, list):
        findings.strict("software", "is no list", "write each below [[software]]")
    for number, software in _tables(value):
        keys = {"release", "installation-guide"}
        _keys(f"software[{number}]", software, keys, findings, needs="release")
        for key in keys & software.keys():
            _place(f"software[{number}].{key}", software[key], findings)


def _is_positive(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value > 0


def _fork(data: Mapping[str, object], findings: Findings) -> None:
    if "forkOf" in data and not is_web_address(data["forkOf"]):
        findings.strict("forkOf", f"is {str(data['forkOf'])[:80]!r}", "write a web address")


def _images(where: str, value: object, findings: Findings) -> None:
    for image in value if isinstance(value, list) else [value]:
        if isinstance(image, dict):
            _keys(where, image, _OF_IMAGE, findings, needs="location")
            _place(where, image.get("location", ""), findings)
            _words(f"{where}.slots", image.get("slots"), _SLOTS, findings)
            _words(f"{where}.tags", image.get("tags"), _TAGS, findings)
            _depicts(where, image.get("depicts", ""), findings)
        elif image is not None:
            _place(where, image, findings)


def _place(where: str, value: object, findings: Findings) -> None:
    if value != "" and not is_place(value):
        advice = "write a path inside the release, or a web address"
        findings.strict(where, f"is {str(value)[:80]!r}", advice)


def _words(where: str, value: object, known: frozenset[str], findings: Findings) -> None:
    for word in value if isinstance(value, list) else [] if value is None else [[value]]:
        if isinstance(word, str) and (word in known or _OWN.fullmatch(word)):
            continue
        advice = f"write some of {', '.join(sorted(known))}, or c_ and a word of your own"
        findings.strict(where, f"is {str(word)[:40]!r}", advice)


def _depicts(where: str, value: object, findings: Findings) -> None:
    """A text, or texts with their languages."""
    for text in value if isinstance(value, list) else [value]:
        in_language = isinstance(text, dict) and is_language(text.get("language"))
        if not isinstance(text, str) and not in_language:
            advice = "write a text, or {text = …, language = …}"
            findings.strict(
                f"{where}.depicts", "is neither a text nor one with its language", advice
            )
