"""OKH-LOSH 1.0 and OKH 2.4: what a manifest in their words must hold, and what it means.

Everything of ours is in these words, so the checked data of an okh.toml is what was written.
What we do not know is kept in `data` and counts for the release's hash: nothing that a designer
wrote is dropped. Our own words live under a table named `cosmolocal`.
"""

import re
from collections.abc import Mapping

from commons.licences.scopes import wrong_licences
from commons.machine import Process
from commons.manifest import okh_strict
from commons.manifest.contents import Format, Manifest, Part, draws, format_of
from commons.manifest.findings import Findings, Level
from commons.manifest.forms import (
    inside,
    is_template_value,
    is_web_address,
    name_of,
)

# The specification's ids of technology-specific documentation criteria, and what we make of them.
PROCESS_OF_TSDC = {"3DP": Process.FDM, "CNC": Process.CNC}
_REQUIRED = {
    "okhv": 'write okhv = "2.4"',
    "name": "write what the design is called",
    "repo": "write the web address where it is developed",
    "version": 'write version = "1.0.0"',
    "license": 'write an SPDX id, such as license = "CERN-OHL-S-2.0"',
    "licensor": 'write licensor = "Name <mail>"',
    "function": "write what it does, and for whom",
}
# Minor versions come; every schema still says LOSHv1.0.
_OKHV = re.compile(r"OKH-LOSHv1\.0|1\.0|2\.\d{1,2}")
_MAX_QUANTITY = 1000


def read_okh(data: dict[str, object], findings: Findings, *, strictly: bool = True) -> Manifest:
    """What `data` says; the findings hold what is wrong with it.

    `strictly` looks for what only the letter of the specification forbids, too.
    """
    checks = _Checks(data, findings)
    checks.required()
    checks.templates()
    checks.licences()
    manifest = Manifest(
        name=checks.text("name"),
        version=checks.version(),
        license=checks.licence(),
        licensors=checks.licensors(),
        function=checks.text("function"),
        repo=checks.link("repo"),
        image=checks.path("image", checks.first_image(data)),
        readme=checks.path("readme", data.get("readme")),
        bom=checks.path("bom", data.get("bom")),
        parts=tuple(checks.part(i, table) for i, table in enumerate(checks.tables("part"), 1)),
        data=data,
    )
    if strictly:
        okh_strict.look(data, findings)
    return manifest


class _Checks:
    """Reads fields of one manifest; what is wrong goes to the findings.

    Every reader returns something usable, so that one wrong field hides no other.
    """

    def __init__(self, data: dict[str, object], findings: Findings) -> None:
        self._data = data
        self._wrong = findings.wrong

    def required(self) -> None:
        for key, advice in _REQUIRED.items():
            if key not in self._data:
                said = okh_strict.misspelt(key, self._data) or advice
                self._wrong(key, "is missing", said, level=self._level_without(key))
        okhv = self._data.get("okhv", "2.4")
        if not _OKHV.fullmatch(str(okhv)):
            self._wrong("okhv", f"is {okhv!r}", 'write "OKH-LOSHv1.0" or "2.4"')
        if any(key.startswith("cosmolocal.") for key in self._data):
            self._wrong("cosmolocal", "is a table", "write its words below [cosmolocal]")
        if not isinstance(self._data.get("cosmolocal", {}), dict):
            self._wrong("cosmolocal", "must be a table", "write it as [cosmolocal]")

    def _level_without(self, key: str) -> Level:
        """From 2.4 on a design may have no version yet; a release here has one."""
        is_later = str(self._data.get("okhv")).startswith("2.")
        return Level.NEEDED if key == "version" and is_later else Level.WRONG

    def templates(self) -> None:
        for key in _REQUIRED:
            if is_template_value(self._data.get(key)):
                advice = "write your own, or leave the line out"
                self._wrong(key, "still holds what the template says", advice)

    def text(self, key: str) -> str:
        value = self._data.get(key, "")
        if isinstance(value, str) and (value.strip() or key not in self._data):
            return value.strip()
        self._wrong(key, "must be text that is not empty")
        return ""

    def version(self) -> str:
        value = self._data.get("version", "")
        if isinstance(value, str | int | float) and not isinstance(value, bool):
            return str(value)
        self._wrong("version", 'must be text, such as "1.0.0"')
        return ""

    def licences(self) -> None:
        if is_template_value(self._data.get("license")):
            return  # said elsewhere
        for problem in wrong_licences(self._data):
            self._wrong(problem.field, problem.problem)

    def licence(self) -> str:
        if not isinstance(self._data.get("license"), dict):
            return self.text("license")
        advice = "write the hardware's alone, and others below [cosmolocal.license]"
        self._wrong("license", "is a table, as only OKH v1 has it", advice)
        return ""

    def link(self, key: str) -> str:
        value = self.text(key)
        if value and not is_web_address(value) and not is_template_value(value):
            self._wrong(key, f"'{value}' is not a web address", "begin it with https://")
        return value

    def licensors(self) -> tuple[str, ...]:
        written = self._data.get("licensor", [])
        names = [name_of(item) for item in (written if isinstance(written, list) else [written])]
        if all(names) and (names or "licensor" not in self._data):
            return tuple(names)
        advice = "must be 'Name <mail>', a table with a name, or a list of these"
        self._wrong("licensor", advice)
        return ()

    def first_image(self, table: Mapping[str, object]) -> object:
        """The path of the first picture: a text, or a table of 2.4 that has a location."""
        value = table.get("image")
        value = value[0] if isinstance(value, list) and value else value
        return value.get("location") if isinstance(value, dict) else value

    def path(self, field: str, value: object) -> str | None:
        """A path inside the release; links and lists are other people's to follow."""
        if not isinstance(value, str) or not value or is_web_address(value):
            return None
        path = inside(value)
        if path is None:
            self._wrong(field, f"'{value}' is not a path inside the release")
        return path

    def tables(self, key: str) -> list[dict[str, object]]:
        value = self._data.get(key, [])
        if isinstance(value, list) and all(isinstance(item, dict) for item in value):
            return value
        self._wrong(key, "must be a list of tables", f"write each of them below [[{key}]]")
        return []

    def part(self, number: int, table: dict[str, object]) -> Part:
        where = f"part[{number}]."
        name = table.get("name")
        if not isinstance(name, str) or not name.strip():
            self._wrong(f"{where}name", "is missing", "write what the part is called")
            name = ""
        process = _process(table)
        material = table.get("material")
        return Part(
            name=name.strip(),
            process=process,
            file=self._export(where, table, process),
            material=material.strip().lower() or None if isinstance(material, str) else None,
            quantity=self._quantity(where, table),
            mass_g=self._number(where + "mass", _older_mass(table.get("mass"))),
            size_mm=self._size(where, table),
            thickness_mm=self._number(where + "thickness-mm", table.get("thickness-mm")),
            image=self.path(f"{where}image", self.first_image(table)),
            source=_program(table),
        )

    def _export(self, where: str, table: dict[str, object], process: Process | None) -> str | None:
        """The first export that a machine of this process can be fed with; a drawing before a mesh
        where it is milled, and a mesh before a solid.
        """
        written = table.get("export", [])
        paths = [self.path(f"{where}export", path)
                 for path in (written if isinstance(written, list) else [written])
                 if isinstance(path, str) and "://" not in path]  # fmt: skip
        if "source" not in table and "export" not in table:
            self._wrong(f"{where}export", "is missing, and so is source", "give at least one")
        solid = (Format.MESH, Format.SOLID)
        fed = {Process.FDM: solid, Process.CNC: (Format.DRAWING, *solid)}
        wanted = fed[process] if process else ()
        return next(
            (path for kind in wanted for path in paths if path and format_of(path) is kind), None
        )

    def _quantity(self, where: str, table: dict[str, object]) -> int:
        own = table.get("cosmolocal", {})
        value = own.get("quantity", 1) if isinstance(own, dict) else 0
        if isinstance(value, int) and not isinstance(value, bool) and 1 <= value <= _MAX_QUANTITY:
            return value
        self._wrong(
            f"{where}cosmolocal.quantity", f"must be a whole number from 1 to {_MAX_QUANTITY}"
        )
        return 1

    def _number(self, field: str, value: object) -> float | None:
        if value is None:
            return None
        if isinstance(value, str) and re.fullmatch(r"\d{1,9}\.\d{1,9}", value):
            value = float(value)  # YAML leaves it as the text it was
        if isinstance(value, int | float) and not isinstance(value, bool) and value > 0:
            return float(value)
        self._wrong(field, f"is {value!r}; it must be a number greater than 0")
        return None

    def _size(self, where: str, table: dict[str, object]) -> tuple[float, float, float] | None:
        box = table.get("outer-dimensions")
        if not isinstance(box, dict) or "openSCAD" in box:
            return None
        field = f"{where}outer-dimensions."
        edges = [self._number(field + key, box.get(key)) for key in ("width", "depth", "height")]
        for key in {"width", "depth", "height"} - box.keys():
            self._wrong(field + key, "is missing")
        width, depth, height = edges
        return (width, depth, height) if width and depth and height else None


def _older_mass(value: object) -> object:
    """The grams of [[part.mass]] value = 30, unit = "g", as manifests of LOSH's first years have
    it; anything else as it is."""
    only = value[0] if isinstance(value, list) and len(value) == 1 else value
    if isinstance(only, dict) and only.keys() == {"value", "unit"} and only["unit"] == "g":
        return only["value"]
    return value


def _program(table: Mapping[str, object]) -> str | None:
    """The first source, or export, that draws a body when it is run."""
    for key in ("source", "export"):
        written = table.get(key, [])
        for path in written if isinstance(written, list) else [written]:
            if isinstance(path, str) and draws(path) and (place := inside(path)):
                return place
    return None


def _process(table: Mapping[str, object]) -> Process | None:
    written = table.get("tsdc")
    for id_ in written if isinstance(written, list) else [written]:
        if isinstance(id_, str) and id_ in PROCESS_OF_TSDC:
            return PROCESS_OF_TSDC[id_]
    return None
