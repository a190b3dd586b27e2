"""AMF (ISO/ASTM 52915), plain or zipped: objects, and where its constellations put them."""

from array import array
from math import cos, isfinite, radians, sin
from pathlib import Path
from typing import IO

from commons.errors import MeshInvalid
from commons.plain_xml import XmlReader
from commons.threemf import Matrix, Placed
from repo_server.parsing.package import parts_of
from repo_server.parsing.triangles import MAX_FACES, Triangles, in_place, refuse_too_many

_MM = {"millimeter": 1, "inch": 25.4, "feet": 304.8, "foot": 304.8, "meter": 1000, "micron": 0.001}
_MOST_PLACES = 100_000


def read(path: Path) -> Triangles:
    """In mm, each object as often and where a constellation has it, or once where none has.

    Raises MeshInvalid for damaged ones, and for curved triangles and nested constellations, whose
    shape is not read here.
    """
    document = _Document()
    with path.open("rb") as file:
        if file.read(2) != b"PK":
            file.seek(0)
            document.read(file)
            return in_place(document.placed())
    with parts_of(path, "an AMF file") as parts:
        if len(parts) != 1:
            raise MeshInvalid("this AMF is a zip of other than one file")
        (part,) = parts.values()
        with part() as stream:
            document.read(stream)
    return in_place(document.placed())


class _Document:
    """One AMF while it is read: meshes by the id of their object, and the instances of them."""

    def __init__(self) -> None:
        self._unit_mm = 0.0
        self._meshes: dict[str, tuple[array[float], array[int]]] = {}
        self._mesh = (array("d"), array("i"))
        self._instances: list[tuple[str, dict[str, float]]] = []
        self._words: list[str] = []
        self._numbers: dict[str, float] = {}

    def read(self, stream: IO[bytes]) -> None:
        """All of it was read."""
        XmlReader(self._start, self._end, self._words.append).read(stream, "this AMF")
        if not self._unit_mm:
            raise MeshInvalid("this cannot be read as AMF: it is another kind of XML")

    def placed(self) -> list[Placed]:
        """Every mesh at each of its places."""
        unknown = [name for name, _ in self._instances if name not in self._meshes]
        if unknown:
            raise MeshInvalid(f"this AMF places an object {unknown[0][:20]!r} that is no mesh")
        placed = {name for name, _ in self._instances}
        instances = self._instances + [(one, {}) for one in self._meshes if one not in placed]
        refuse_too_many(sum(len(self._meshes[name][1]) // 3 for name, _ in instances))
        for vertices, faces in self._meshes.values():
            if faces and not 0 <= min(faces) <= max(faces) < len(vertices) // 3:
                raise MeshInvalid("this AMF has a triangle with a corner that it does not hold")
        return [
            Placed(*self._meshes[name], _matrix(numbers, self._unit_mm))
            for name, numbers in instances
        ]

    def _start(self, name: str, attributes: list[str]) -> None:
        self._words.clear()
        about = dict(zip(attributes[::2], attributes[1::2], strict=True))
        match name:
            case "amf":
                unit = about.get("unit", "millimeter").lower()
                if unit not in _MM:
                    raise MeshInvalid(f"this AMF measures in {unit[:20]!r}, which is not known")
                self._unit_mm = _MM[unit]
            case "object":
                self._mesh = self._meshes.setdefault(about.get("id", ""), (array("d"), array("i")))
            case "vertex" | "triangle":
                self._numbers = {}
            case "instance":
                self._numbers = {}
                self._instances.append((about.get("objectid", ""), self._numbers))
                if len(self._instances) > _MOST_PLACES:
                    raise MeshInvalid(f"this AMF places more than {_MOST_PLACES} objects")
            case "normal" | "edge":
                raise MeshInvalid("this AMF has curved triangles; export it with flat ones")

    def _end(self, name: str) -> None:
        if name in _NUMBERS:
            self._numbers[name] = float("".join(self._words))
            self._words.clear()
        elif name == "vertex":
            self._mesh[0].extend(_all_of(self._numbers, "xyz"))
        elif name == "triangle":
            self._mesh[1].extend(map(int, _all_of(self._numbers, ("v1", "v2", "v3"))))
            if len(self._mesh[1]) > 3 * MAX_FACES:
                refuse_too_many(MAX_FACES + 1)


_TURNS = ("rx", "ry", "rz")
_MOVES = ("deltax", "deltay", "deltaz")
_NUMBERS = {"x", "y", "z", "v1", "v2", "v3", *_TURNS, *_MOVES}


def _all_of(numbers: dict[str, float], names: tuple[str, ...] | str) -> list[float]:
    found = [numbers[name] for name in names if name in numbers]
    if len(found) != 3 or not all(map(isfinite, found)):
        raise ValueError("three numbers are needed")
    return found


def _matrix(numbers: dict[str, float], unit_mm: float) -> Matrix:
    """Turned about x, then y, then z (degrees), then moved, then in mm."""
    x, y, z = (radians(numbers.get(name, 0.0)) for name in _TURNS)
    turned = (
        cos(y) * cos(z), cos(y) * sin(z), -sin(y),
        sin(x) * sin(y) * cos(z) - cos(x) * sin(z), sin(x) * sin(y) * sin(z) + cos(x) * cos(z),
        sin(x) * cos(y),
        cos(x) * sin(y) * cos(z) + sin(x) * sin(z), cos(x) * sin(y) * sin(z) - sin(x) * cos(z),
        cos(x) * cos(y),
    )  # fmt: skip
    moved = tuple(numbers.get(name, 0.0) for name in _MOVES)
    return tuple(number * unit_mm for number in (*turned, *moved))
