"""The manifest of a design, `okh.toml`: Open Know-How in its LOSH form, as checked data.

Fields and their meaning follow OKH-LOSH 1.0 (`okhv = "OKH-LOSHv1.0"`). What we do not know is
kept in `data` and counts for the release's hash: nothing that a designer wrote is dropped. Our
own words live under a table named `cosmolocal`.
"""

import datetime
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from pathlib import PurePosixPath
from urllib.parse import urlsplit

from commons.content import canonical_json
from commons.errors import FieldProblem, InvalidInput, ManifestInvalid
from commons.licences.scopes import wrong_licences
from commons.machine import Process

MAX_BYTES = 256 * 1024
OKH_VERSIONS = ("OKH-LOSHv1.0", "2.4")
# The specification's ids of technology-specific documentation criteria, and what we make of them.
PROCESS_OF_TSDC = {"3DP": Process.FDM, "CNC": Process.CNC}

# Every key of the specification, and one table of our own.
_KNOWN = frozenset(
    [
        "okhv",
        "name",
        "repo",
        "version",
        "release",
        "license",
        "licensor",
        "organization",
        "organisation",
        "readme",
        "contribution-guide",
        "image",
        "function",
        "documentation-language",
        "documentation-readiness-level",
        "technology-readiness-level",
        "attestation",
        "publication",
        "standard-compliance",
        "cpc-patent-class",
        "tsdc",
        "bom",
        "manufacturing-instructions",
        "user-manual",
        "outer-dimensions",
        "mass",
        "part",
        "software",
        "source",
        "export",
        "auxiliary",
        "forkOf",
        "rdf",
        "$schema",
        "cosmolocal",
    ]
)
_REQUIRED = ("okhv", "name", "repo", "version", "license", "licensor", "function")


class Format(StrEnum):
    """What a part is made from."""

    MESH = "mesh"
    DRAWING = "drawing"


_FORMATS = {".stl": Format.MESH, ".3mf": Format.MESH, ".obj": Format.MESH,
            ".dxf": Format.DRAWING, ".svg": Format.DRAWING}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Part:
    """One part of a design. `file` is the export that machines are fed with, if there is one.

    mass in g; `size_mm` is (width, depth, height); `thickness_mm` is the sheet's, for milling.
    """

    name: str
    process: Process | None
    file: str | None
    material: str | None
    quantity: int
    mass_g: float | None
    size_mm: tuple[float, float, float] | None
    thickness_mm: float | None
    image: str | None


@dataclass(frozen=True, slots=True)
class Manifest:
    """A checked manifest. `data` is everything that was written, as JSON data."""

    name: str
    version: str
    license: str
    licensors: tuple[str, ...]
    function: str
    repo: str
    image: str | None
    readme: str | None
    bom: str | None
    parts: tuple[Part, ...]
    data: Mapping[str, object]


def read_manifest(text: bytes) -> Manifest:
    """The manifest in `text`; ManifestInvalid names every wrong field at once."""
    return manifest_of(_parse(text))


def manifest_of(data: dict[str, object]) -> Manifest:
    """The manifest that is written as `data`, the JSON form of an okh.toml; checked as a whole."""
    checks = _Checks(data)
    checks.known()
    checks.required()
    checks.licence()
    checks.link("repo")
    parts = tuple(checks.part(i, table) for i, table in enumerate(checks.tables("part")))
    manifest = Manifest(
        name=checks.text("name"),
        version=str(data.get("version", "")),
        license=checks.text("license"),
        licensors=checks.licensors(),
        function=checks.text("function"),
        repo=checks.text("repo"),
        image=checks.path("image", data),
        readme=checks.path("readme", data),
        bom=checks.path("bom", data),
        parts=parts,
        data=data,
    )
    checks.raise_if_any()
    return manifest


def _parse(text: bytes) -> dict[str, object]:
    if len(text) > MAX_BYTES:
        raise ManifestInvalid(f"okh.toml has {len(text)} bytes; {MAX_BYTES} are allowed")
    try:
        data = tomllib.loads(text.decode("utf-8"))
    except UnicodeDecodeError as error:
        raise ManifestInvalid("okh.toml is not UTF-8 text") from error
    except tomllib.TOMLDecodeError as error:
        raise ManifestInvalid(f"okh.toml is not TOML: {error}") from error
    plain = _as_json(data)
    try:
        canonical_json(plain)
    except InvalidInput as error:
        raise ManifestInvalid(f"okh.toml {error}") from error
    return plain


def _as_json(data: dict[str, object]) -> dict[str, object]:
    """TOML's dates and times as the text they were; everything else is JSON already."""

    def plain(value: object) -> object:
        if isinstance(value, datetime.date | datetime.time):
            return value.isoformat()
        if isinstance(value, dict):
            return {key: plain(item) for key, item in value.items()}
        return [plain(item) for item in value] if isinstance(value, list) else value

    return {key: plain(value) for key, value in data.items()}


class _Checks:
    """Reads fields of one manifest and collects what is wrong with them.

    Every reader returns something usable, so that one wrong field hides no other.
    """

    def __init__(self, data: dict[str, object]) -> None:
        self._data = data
        self._problems: list[FieldProblem] = []

    def wrong(self, field: str, problem: str) -> None:
        self._problems.append(FieldProblem(field, problem))

    def raise_if_any(self) -> None:
        if self._problems:
            listed = "; ".join(str(problem) for problem in self._problems)
            count = len(self._problems)
            what = "1 field is" if count == 1 else f"{count} fields are"
            raise ManifestInvalid(f"okh.toml: {what} wrong: {listed}", self._problems)

    def known(self) -> None:
        for key in self._data.keys() - _KNOWN:
            near = get_close_matches(key, _KNOWN, n=1)
            hint = f"did you mean '{near[0]}'?" if near else "put own words under [cosmolocal]"
            self.wrong(key, f"is not a field of OKH; {hint}")

    def required(self) -> None:
        for key in _REQUIRED:
            if key not in self._data:
                self.wrong(key, "is missing")
        okhv = self._data.get("okhv", OKH_VERSIONS[0])
        if okhv not in OKH_VERSIONS:
            self.wrong("okhv", f"is {okhv!r}; use one of {', '.join(OKH_VERSIONS)}")
        if not isinstance(self._data.get("version", ""), str | int | float):
            self.wrong("version", 'must be text, such as "1.0.0"')

    def text(self, key: str) -> str:
        value = self._data.get(key, "")
        if isinstance(value, str) and (value.strip() or key not in self._data):
            return value.strip()
        self.wrong(key, "must be text that is not empty")
        return ""

    def licence(self) -> None:
        self._problems += wrong_licences(self._data)

    def link(self, key: str) -> None:
        value = self._data.get(key)
        if isinstance(value, str) and urlsplit(value).scheme not in ("http", "https"):
            self.wrong(key, f"'{value}' is not a web address")

    def licensors(self) -> tuple[str, ...]:
        written = self._data.get("licensor", [])
        names = [_name_of(item) for item in (written if isinstance(written, list) else [written])]
        if all(names) and (names or "licensor" not in self._data):
            return tuple(name for name in names if name)
        self.wrong("licensor", "must be 'Name <mail>', a table with a name, or a list of these")
        return ()

    def path(self, key: str, table: Mapping[str, object], where: str = "") -> str | None:
        """A path inside the release; links and lists are other people's to follow."""
        value = table.get(key)
        if not isinstance(value, str) or urlsplit(value).scheme in ("http", "https"):
            return None
        return self._inside(where + key, value)

    def _inside(self, field: str, value: str) -> str | None:
        path = PurePosixPath(value.removeprefix("/"))  # a leading / means the release's root
        if not path.parts or ".." in path.parts or "\\" in value or "//" in value:
            self.wrong(field, f"'{value}' is not a path inside the release")
            return None
        return str(path)

    def tables(self, key: str) -> list[dict[str, object]]:
        value = self._data.get(key, [])
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return value
        self.wrong(key, f"must be tables written [[{key}]]")
        return []

    def part(self, index: int, table: dict[str, object]) -> Part:
        where = f"part[{index + 1}]."
        name = table.get("name")
        if not isinstance(name, str) or not name.strip():
            self.wrong(f"{where}name", "is missing")
            name = ""
        process = self._process(where, table)
        return Part(
            name=name.strip(),
            process=process,
            file=self._export(where, table, process),
            material=_lower(table.get("material")),
            quantity=self._quantity(where, table),
            mass_g=self._number(where, "mass", table),
            size_mm=self._size(where, table),
            thickness_mm=self._number(where, "thickness-mm", table),
            image=self.path("image", table, where),
        )

    def _process(self, where: str, table: dict[str, object]) -> Process | None:
        written = table.get("tsdc")
        for id_ in written if isinstance(written, list) else [written]:
            if isinstance(id_, str) and id_ in PROCESS_OF_TSDC:
                return PROCESS_OF_TSDC[id_]
        return None

    def _export(self, where: str, table: dict[str, object], process: Process | None) -> str | None:
        """The first export that a machine of this process can be fed with; a drawing before a mesh
        where it is milled.
        """
        written = table.get("export", [])
        paths = [self._inside(f"{where}export", path)
                 for path in (written if isinstance(written, list) else [written])
                 if isinstance(path, str) and "://" not in path]  # fmt: skip
        if "source" not in table and "export" not in table:
            self.wrong(f"{where}export", "is missing, and so is source: give at least one")
        fed = {Process.FDM: (Format.MESH,), Process.CNC: (Format.DRAWING, Format.MESH)}
        wanted = fed[process] if process else ()
        return next(
            (path for kind in wanted for path in paths if path and format_of(path) is kind), None
        )

    def _quantity(self, where: str, table: dict[str, object]) -> int:
        own = table.get("cosmolocal", {})
        value = own.get("quantity", 1) if isinstance(own, dict) else 0
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= 1000:
            return value
        self.wrong(f"{where}cosmolocal.quantity", "must be a whole number from 1 to 1000")
        return 1

    def _number(self, where: str, key: str, table: Mapping[str, object]) -> float | None:
        value = table.get(key)
        if value is None:
            return None
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value)
        self.wrong(where + key, f"is {value!r}; it must be a number greater than 0")
        return None

    def _size(self, where: str, table: dict[str, object]) -> tuple[float, float, float] | None:
        box = table.get("outer-dimensions")
        if not isinstance(box, dict) or "openSCAD" in box:
            return None
        inside = f"{where}outer-dimensions."
        edges = [self._number(inside, key, box) for key in ("width", "depth", "height")]
        for key in {"width", "depth", "height"} - box.keys():
            self.wrong(inside + key, "is missing")
        width, depth, height = edges
        return (width, depth, height) if width and depth and height else None


def _name_of(licensor: object) -> str:
    """The name in 'Name (Organisation) <mail>' or in a table; empty when there is none.

    Mail addresses stay in the manifest and are not shown around.
    """
    if isinstance(licensor, dict):
        licensor = licensor.get("name")
    return re.sub(r"<[^>]*>", "", licensor).strip() if isinstance(licensor, str) else ""


def _lower(value: object) -> str | None:
    return value.strip().lower() or None if isinstance(value, str) else None


def format_of(path: str) -> Format | None:
    """What kind of file a machine would be fed with, by its ending; None for anything else."""
    return _FORMATS.get(PurePosixPath(path).suffix.lower())


def missing_files(manifest: Manifest, names: Callable[[str], bool]) -> tuple[FieldProblem, ...]:
    """One problem for each file that the manifest names and the release does not hold.

    `names(path)` answers whether the release holds a file of this path.
    """
    named = [("readme", manifest.readme), ("image", manifest.image), ("bom", manifest.bom)]
    named += [(f"part[{i}].export", part.file) for i, part in enumerate(manifest.parts, 1)]
    named += [(f"part[{i}].image", part.image) for i, part in enumerate(manifest.parts, 1)]
    return tuple(
        FieldProblem(field, f"'{path}' is not among the files of this release")
        for field, path in named
        if path and not names(path)
    )
