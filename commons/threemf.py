"""3MF: which meshes are placed where. Core specification 1.3 with the production extension.

Nothing but geometry and the objects' names and colours is read: settings, scripts and paint of a
3MF end here. All that a stranger could make large is counted before it is made.
"""

import posixpath
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from math import isfinite
from typing import IO

from commons.errors import MeshInvalid
from commons.plain_xml import XmlReader
from commons.xml_rows import Form

Part = Callable[[str], IO[bytes] | None]
Matrix = tuple[float, ...]  # twelve numbers: four rows of three; points stand on the left
Rows = Sequence[Sequence[float]]
Key = tuple[str, str]  # path of the model, id of the object in it

_CORE = "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
_PRODUCTION = "http://schemas.microsoft.com/3dmanufacturing/production/2015/06"
_MATERIAL = "http://schemas.microsoft.com/3dmanufacturing/material/2015/02"
# What these add leaves the triangles as they are.
_HARMLESS = {
    _CORE,
    _PRODUCTION,
    _MATERIAL,
    "http://schemas.microsoft.com/3dmanufacturing/core/2021/07",  # sets of triangles
}
_MODEL_RELATION = "http://schemas.microsoft.com/3dmanufacturing/2013/01/3dmodel"
_RELATIONS, _DEFAULT_MODEL = "_rels/.rels", "3D/3dmodel.model"
_CONTENT_TYPES = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    '<Default Extension="model" '
    'ContentType="application/vnd.ms-package.3dmanufacturing-3dmodel+xml"/></Types>'
)
_RELATIONSHIPS = (
    '<?xml version="1.0" encoding="UTF-8"?>'
    '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
    f'<Relationship Target="/{_DEFAULT_MODEL}" Id="model" Type="{_MODEL_RELATION}"/>'
    "</Relationships>"
)
_VERTEX, _TRIANGLE = f"{_CORE} vertex", f"{_CORE} triangle"
_XYZ, _CORNERS = ["x", "y", "z"], ["v1", "v2", "v3"]
_VERTICES, _TRIANGLES = (
    Form(b"vertex", (b"x", b"y", b"z")),
    Form(b"triangle", (b"v1", b"v2", b"v3")),
)
# Groups of colours, and what names the colour of one.
_PAINTS = {
    f"{_CORE} basematerials": None,
    f"{_CORE} base": "displaycolor",
    f"{_MATERIAL} colorgroup": None,
    f"{_MATERIAL} color": "color",
}
_PATH = f"{_PRODUCTION} path"
_MM = {"micron": 0.001, "millimeter": 1, "centimeter": 10, "inch": 25.4, "foot": 304.8}
_MM |= {"meter": 1000}  # section 3.4
_SAME: Matrix = (1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0)
_SOLID = ("model", "solidsupport")  # the other types are never made as they are
_MOST_MODELS = 2000
_MOST_PLACES = 100_000
_DEEPEST = 32
_MOST_COLOURS = 1000  # of a group
_NESTED = f"has an object that contains itself, or one nested deeper than {_DEEPEST}"


@dataclass(frozen=True, slots=True)
class Placed:
    """A mesh at one place: vertices x, y, z, … and faces a, b, c, … as they stand in the file,
    and the matrix that brings the vertices to their place in mm. Its name and colour (#RRGGBB)
    are the object's own, or those of the nearest that it is a component of."""

    vertices: "array[float]"
    faces: "array[int]"
    matrix: Matrix
    name: str = ""
    colour: str | None = None

    @property
    def mirrored(self) -> bool:
        """Whether the faces must be turned, since the matrix turns right hands into left ones."""
        a, b, c, d, e, f, g, h, i = self.matrix[:9]
        return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g) < 0


@dataclass(slots=True)
class _Object:
    solid: bool
    name: str = ""
    paint: tuple[str, int] | None = None  # of its model, by id and index
    colour: str | None = None
    vertices: "array[float]" = field(default_factory=lambda: array("d"))
    faces: "array[int]" = field(default_factory=lambda: array("i"))
    components: list[tuple[Key, Matrix]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Count:
    height: int
    places: int
    faces: int


def read(part: Part, *, most_faces: int) -> list[Placed]:
    """The meshes that the build of a 3MF places, each as often as it is to be made.

    `part` opens a file of the package by its path, or answers None. Items that are marked as not
    printable are left out.

    Raises:
        MeshInvalid: damaged, of an extension that changes the geometry, or larger than is read.
    """
    root = _Model(_path_of_model(part))
    root.read(part)
    objects, done, todo = dict(root.objects), {root.path}, root.paths()
    while todo - done:
        _require(len(done) < _MOST_MODELS, f"is made of more than {_MOST_MODELS} models")
        model = _Model(min(todo - done))
        model.read(part)
        objects |= model.objects
        done.add(model.path)
        todo |= model.paths()
    _require_few(objects, root.items, most_faces)
    unit: Matrix = tuple(number * root.unit_mm for number in _SAME)
    return [
        placed
        for key, matrix in root.items
        for placed in _placed(objects, key, _after(matrix, unit))
    ]


def package_of(
    objects: Sequence[tuple[str, Rows, Rows]], items: Sequence[tuple[int, Matrix | None]]
) -> list[tuple[str, str]]:
    """The files, by path, of a 3MF: objects of a name, vertices x, y, z in mm and faces a, b, c;
    and items of the build, each an object by its number from 0 and the matrix that places it.

    Every number is written with all its digits: what is read again is what was given.
    """
    resources = "".join(_object_xml(number, *it) for number, it in enumerate(objects, 1))
    build = "".join(_item_xml(number + 1, matrix) for number, matrix in items)
    model = (
        f'<?xml version="1.0" encoding="UTF-8"?><model unit="millimeter" xmlns="{_CORE}">'
        f"<resources>{resources}</resources><build>{build}</build></model>"
    )
    return [
        ("[Content_Types].xml", _CONTENT_TYPES),
        (_RELATIONS, _RELATIONSHIPS),
        (_DEFAULT_MODEL, model),
    ]


def _quoted(text: str) -> str:
    # Here and not above: it brings half of the library's network with it, and only writers need it.
    from xml.sax.saxutils import quoteattr

    return quoteattr(text)


def _object_xml(number: int, name: str, vertices: Rows, faces: Rows) -> str:
    corners = "".join(f'<vertex x="{x!r}" y="{y!r}" z="{z!r}"/>' for x, y, z in vertices)
    triangles = "".join(f'<triangle v1="{a}" v2="{b}" v3="{c}"/>' for a, b, c in faces)
    named = f" name={_quoted(name)}" if name else ""
    return (
        f'<object id="{number}" type="model"{named}><mesh><vertices>{corners}</vertices>'
        f"<triangles>{triangles}</triangles></mesh></object>"
    )


def _item_xml(number: int, matrix: Matrix | None) -> str:
    moved = "" if matrix is None else f' transform="{" ".join(map(repr, matrix))}"'
    return f'<item objectid="{number}"{moved}/>'


def _require_few(
    objects: dict[Key, _Object], items: list[tuple[Key, Matrix]], most_faces: int
) -> None:
    """What is going to be placed was counted, and is not too much."""
    counted: dict[Key, _Count] = {}
    counts = [_count(objects, key, counted, 0) for key, _ in items]
    places, faces = sum(count.places for count in counts), sum(count.faces for count in counts)
    _require(places <= _MOST_PLACES, f"places {places} objects; {_MOST_PLACES} are read")
    _require(faces <= most_faces, f"has {faces} triangles; simplify it to {most_faces} or fewer")


def _count(objects: dict[Key, _Object], key: Key, counted: dict[Key, _Count], depth: int) -> _Count:
    """What one object places, its components with theirs. Each object is counted once."""
    if key in counted:
        return counted[key]
    _require(key in objects, f"places an object {key[1][:20]!r} that it does not hold")
    _require(depth < _DEEPEST, _NESTED)
    this = objects[key]
    below = [_count(objects, inner, counted, depth + 1) for inner, _ in this.components]
    counted[key] = _Count(
        height=1 + max((count.height for count in below), default=0),
        places=1 + sum(count.places for count in below),
        faces=len(this.faces) // 3 * this.solid + sum(count.faces for count in below),
    )
    _require(counted[key].height <= _DEEPEST, _NESTED)
    return counted[key]


def _placed(
    objects: dict[Key, _Object], key: Key, matrix: Matrix, within: _Object | None = None
) -> Iterator[Placed]:
    this = objects[key]
    within = within or this
    known = replace(this, name=this.name or within.name, colour=this.colour or within.colour)
    if this.solid and this.faces:
        yield Placed(this.vertices, this.faces, matrix, known.name, known.colour)
    for inner, own in this.components:
        yield from _placed(objects, inner, _after(own, matrix), known)


def _after(first: Matrix, then: Matrix) -> Matrix:
    """The matrix that does what both do, one after the other."""
    rows = [first[at : at + 3] for at in range(0, 12, 3)]
    turned = [
        sum(row[i] * then[3 * i + column] for i in range(3)) + (then[9 + column] if at == 3 else 0)
        for at, row in enumerate(rows)
        for column in range(3)
    ]
    return tuple(turned)


def _path_of_model(part: Part) -> str:
    """The model that the package names as its first; where most programs put it otherwise."""
    found: list[str] = []

    def start(name: str, attributes: list[str]) -> None:
        about = dict(zip(attributes[::2], attributes[1::2], strict=True))
        if name.endswith(" Relationship") and about.get("Type") == _MODEL_RELATION:
            found.append(about.get("Target", ""))

    if (stream := part(_RELATIONS)) is not None:
        with stream:
            XmlReader(start).read(stream, _RELATIONS)
    return _plain(found[0]) if found else _DEFAULT_MODEL


def _plain(path: str) -> str:
    return posixpath.normpath("/" + path).lstrip("/")


class _Model:
    """One .model file while it is read: its objects by key, and the items of its build."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.unit_mm = 1.0
        self.objects: dict[Key, _Object] = {}
        self.items: list[tuple[Key, Matrix]] = []
        self._object = _Object(solid=False)
        self._colours: dict[str, list[str]] = {}  # by the id of their group
        self._group: list[str] = []
        self._placed = 0
        self._xml = XmlReader(self._start, lists=(b"vertices", b"triangles"))

    def read(self, part: Part) -> None:
        """All of it was read, and every face has its corners."""
        stream = part(self.path)
        if stream is None:
            raise MeshInvalid(f"this 3MF holds no model {self.path[:80]!r}")
        with stream:
            self._xml.read(stream, self.path[:80])
        for this in self.objects.values():
            this.colour = self._colour(this.paint)
            corners = len(this.vertices) // 3
            known = not this.faces or 0 <= min(this.faces) <= max(this.faces) < corners
            _require(known, "has a triangle with a corner that it does not hold")
            _require(isfinite(sum(this.vertices)), "has a corner that is nowhere")

    def paths(self) -> set[str]:
        """The models whose objects are placed here."""
        inner = {key[0] for this in self.objects.values() for key, _ in this.components}
        return inner | {key[0] for key, _ in self.items}

    def _start(self, name: str, attributes: list[str]) -> None:
        about = dict(zip(attributes[::2], attributes[1::2], strict=True))
        namespace, _, own = name.partition(" ")
        if name in _PAINTS:
            self._paint(_PAINTS[name], about)
        elif namespace == _CORE:
            self._start_core(own, about)

    def _start_core(self, own: str, about: dict[str, str]) -> None:
        match own:
            case "model":
                self._begin(about)
            case "object":
                self._begin_object(about)
            case "component":
                self._object.components.append(self._place(about))
            case "item" if about.get("printable", "1") not in ("0", "false"):
                self.items.append(self._place(about))
            case "vertices":
                self._xml.tell(self._vertex)
                self._xml.take(_VERTICES, self._vertices)
            case "triangles":
                self._xml.tell(self._triangle)
                self._xml.take(_TRIANGLES, self._triangles)

    def _paint(self, colour: str | None, about: dict[str, str]) -> None:
        """A group of colours begins, or the next one of it is told."""
        if colour is None:
            self._group = self._colours.setdefault(about.get("id", ""), [])
        elif len(self._group) < _MOST_COLOURS:
            self._group.append(about.get(colour, ""))

    def _colour(self, paint: tuple[str, int] | None) -> str | None:
        group, index = paint or ("", 0)
        of_group = self._colours.get(group, [])
        return of_group[index] if 0 <= index < len(of_group) else None

    def _begin(self, about: dict[str, str]) -> None:
        unit = about.get("unit", "millimeter")
        _require(unit in _MM, f"measures in {unit[:20]!r}, which is no unit of a 3MF")
        self.unit_mm = _MM[unit]
        for prefix in about.get("requiredextensions", "").split():
            needed = self._xml.namespaces.get(prefix, prefix)
            _require(
                needed in _HARMLESS, f"needs the extension {needed[:100]!r}, which is not read here"
            )

    def _begin_object(self, about: dict[str, str]) -> None:
        key = (self.path, about.get("id", ""))
        _require(key not in self.objects, f"has two objects with the id {key[1][:20]!r}")
        index = about.get("pindex", "0")
        self._object = _Object(
            solid=about.get("type", "model") in _SOLID,
            name=about.get("name", ""),
            paint=(about["pid"], int(index)) if "pid" in about and index.isdecimal() else None,
        )
        self.objects[key] = self._object

    def _place(self, about: dict[str, str]) -> tuple[Key, Matrix]:
        self._placed += 1
        _require(self._placed <= _MOST_PLACES, f"places more than {_MOST_PLACES} objects")
        path = _plain(about[_PATH]) if _PATH in about else self.path
        numbers: Matrix = tuple(float(word) for word in about.get("transform", "").split())
        _require(len(numbers) in (0, 12), "places an object by a matrix that has not 12 numbers")
        _require(all(map(isfinite, numbers)), "places an object nowhere: its matrix is not finite")
        return (path, about.get("objectid", "")), numbers or _SAME

    def _vertex(self, name: str, attributes: list[str]) -> None:
        """Called for each vertex, so it does little; any other element ends the list."""
        if name != _VERTEX:
            self._end_list(name, attributes)
            return
        if attributes[::2] != _XYZ:
            attributes = _in_order(attributes, _XYZ)
        self._object.vertices.extend(map(float, attributes[1::2]))

    def _triangle(self, name: str, attributes: list[str]) -> None:
        if name != _TRIANGLE:
            self._end_list(name, attributes)
            return
        if attributes[:6:2] != _CORNERS:
            attributes = _in_order(attributes, _CORNERS)
        self._object.faces.extend(map(int, attributes[1:6:2]))

    def _vertices(self, values: list[bytes]) -> None:
        self._object.vertices.extend(array("d", list(map(float, values))))

    def _triangles(self, values: list[bytes]) -> None:
        self._object.faces.extend(array("i", list(map(int, values))))

    def _end_list(self, name: str, attributes: list[str]) -> None:
        self._xml.tell(self._start)
        self._start(name, attributes)


def _in_order(attributes: list[str], wanted: list[str]) -> list[str]:
    about = dict(zip(attributes[::2], attributes[1::2], strict=True))
    _require(all(name in about for name in wanted), "has a vertex or a triangle without numbers")
    return [word for name in wanted for word in (name, about[name])]


def _require(fine: bool, otherwise: str) -> None:
    if not fine:
        raise MeshInvalid(f"this 3MF {otherwise}")
