"""STEP files (AP214) of boxes, written line by line: what the tests of its reader read."""

from itertools import product

UNITS = {
    "mm": "(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT(.MILLI.,.METRE.))",
    "m": "(LENGTH_UNIT()NAMED_UNIT(*)SI_UNIT($,.METRE.))",
    "inch": "(CONVERSION_BASED_UNIT('INCH',{0})LENGTH_UNIT()NAMED_UNIT({1}))",
}
# Each side of a box by its corners' numbers, seen from outside against the clock.
_SIDES = [(0, 1, 3, 2), (4, 6, 7, 5), (0, 4, 5, 1), (2, 3, 7, 6), (0, 2, 6, 4), (1, 5, 7, 3)]

Size = tuple[float, float, float]


class Step:
    """A file that grows: each part is a box of one size, each assembly places parts in rows."""

    def __init__(self, unit: str = "mm") -> None:
        self._lines: list[str] = []
        self._application = self._add("APPLICATION_CONTEXT('automotive design')")
        self._axes = self._placed((0, 0, 0))
        self._context = self._units(unit)
        self._frames: dict[int, int] = {}  # of a definition: its representation

    def box(self, name: str, size: Size, colour: Size | None = None) -> int:
        """The part's definition; its colour is red, green, blue from 0 to 1 as screens have it."""
        body = self._body(size)
        if colour is not None:
            self._paint(body, colour)
        return self._defined(name, body, "ADVANCED_BREP_SHAPE_REPRESENTATION")

    def assembly(self, name: str, children: list[tuple[int, Size]]) -> int:
        """The definition of what places each child at a point."""
        places = [self._placed(at) for _, at in children]
        parent = self._defined(name, places, "SHAPE_REPRESENTATION")
        for (child, _), place in zip(children, places, strict=True):
            use = self._add(
                f"NEXT_ASSEMBLY_USAGE_OCCURRENCE('{child}','{name}','',#{parent},#{child},$)"
            )
            shape = self._add(f"PRODUCT_DEFINITION_SHAPE('','',#{use})")
            move = self._add(f"ITEM_DEFINED_TRANSFORMATION('','',#{self._axes},#{place})")
            link = self._add(
                f"(REPRESENTATION_RELATIONSHIP('','',#{self._frames[child]},#{self._frames[parent]})"
                f"REPRESENTATION_RELATIONSHIP_WITH_TRANSFORMATION(#{move})"
                "SHAPE_REPRESENTATION_RELATIONSHIP())"
            )
            self._add(f"CONTEXT_DEPENDENT_SHAPE_REPRESENTATION(#{link},#{shape})")
        return parent

    def bytes(self) -> bytes:
        body = "\n".join(self._lines)
        return (
            "ISO-10303-21;\nHEADER;\nFILE_DESCRIPTION((''),'2;1');\n"
            "FILE_NAME('box.step','2026-11-30T00:00:00',(''),(''),'','','');\n"
            "FILE_SCHEMA(('AUTOMOTIVE_DESIGN { 1 0 10303 214 1 1 1 1 }'));\nENDSEC;\nDATA;\n"
            f"{body}\nENDSEC;\nEND-ISO-10303-21;\n"
        ).encode()

    def _add(self, text: str) -> int:
        number = len(self._lines) + 1
        self._lines.append(f"#{number}={text};")
        return number

    def _units(self, unit: str) -> int:
        length = UNITS["mm"]
        if unit == "inch":
            mm = self._add(UNITS["mm"])
            factor = self._add(f"LENGTH_MEASURE_WITH_UNIT(LENGTH_MEASURE(25.4),#{mm})")
            sizes = self._add("DIMENSIONAL_EXPONENTS(1.,0.,0.,0.,0.,0.,0.)")
            length = UNITS["inch"].format(f"#{factor}", f"#{sizes}")
        elif unit != "mm":
            length = UNITS[unit]
        of_length = self._add(length)
        angle = self._add("(NAMED_UNIT(*)PLANE_ANGLE_UNIT()SI_UNIT($,.RADIAN.))")
        solid = self._add("(NAMED_UNIT(*)SI_UNIT($,.STERADIAN.)SOLID_ANGLE_UNIT())")
        blur = self._add(
            f"UNCERTAINTY_MEASURE_WITH_UNIT(LENGTH_MEASURE(1.E-07),#{of_length},'blur','')"
        )
        return self._add(
            "(GEOMETRIC_REPRESENTATION_CONTEXT(3)"
            f"GLOBAL_UNCERTAINTY_ASSIGNED_CONTEXT((#{blur}))"
            f"GLOBAL_UNIT_ASSIGNED_CONTEXT((#{of_length},#{angle},#{solid}))"
            "REPRESENTATION_CONTEXT('',''))"
        )

    def _defined(self, name: str, items: int | list[int], kind: str) -> int:
        of_product = self._add(f"PRODUCT_CONTEXT('',#{self._application},'mechanical')")
        made = self._add(f"PRODUCT('{name}','{name}','',(#{of_product}))")
        formation = self._add(f"PRODUCT_DEFINITION_FORMATION('','',#{made})")
        design = self._add(
            f"PRODUCT_DEFINITION_CONTEXT('part definition',#{self._application},'design')"
        )
        definition = self._add(f"PRODUCT_DEFINITION('design','',#{formation},#{design})")
        shape = self._add(f"PRODUCT_DEFINITION_SHAPE('','',#{definition})")
        held = [self._axes, *([items] if isinstance(items, int) else items)]
        listed = ",".join(f"#{item}" for item in held)
        frame = self._add(f"{kind}('{name}',({listed}),#{self._context})")
        self._add(f"SHAPE_DEFINITION_REPRESENTATION(#{shape},#{frame})")
        self._frames[definition] = frame
        return definition

    def _paint(self, body: int, colour: Size) -> None:
        rgb = self._add("COLOUR_RGB('',{:.3f},{:.3f},{:.3f})".format(*colour))
        fill = self._add(f"FILL_AREA_STYLE_COLOUR('',#{rgb})")
        area = self._add(f"FILL_AREA_STYLE('',(#{fill}))")
        surface = self._add(f"SURFACE_STYLE_FILL_AREA(#{area})")
        side = self._add(f"SURFACE_SIDE_STYLE('',(#{surface}))")
        usage = self._add(f"SURFACE_STYLE_USAGE(.BOTH.,#{side})")
        style = self._add(f"PRESENTATION_STYLE_ASSIGNMENT((#{usage}))")
        styled = self._add(f"STYLED_ITEM('',(#{style}),#{body})")
        self._add(
            "MECHANICAL_DESIGN_GEOMETRIC_PRESENTATION_REPRESENTATION"
            f"('',(#{styled}),#{self._context})"
        )

    def _point(self, at: Size) -> int:
        return self._add(f"CARTESIAN_POINT('',({at[0]:.6f},{at[1]:.6f},{at[2]:.6f}))")

    def _direction(self, to: Size) -> int:
        return self._add(f"DIRECTION('',({to[0]:.6f},{to[1]:.6f},{to[2]:.6f}))")

    def _placed(self, at: Size, up: Size = (0, 0, 1), along: Size = (1, 0, 0)) -> int:
        point, z, x = self._point(at), self._direction(up), self._direction(along)
        return self._add(f"AXIS2_PLACEMENT_3D('',#{point},#{z},#{x})")

    def _body(self, size: Size) -> int:
        corners = [tuple(a * b for a, b in zip(c, size, strict=True))
                   for c in product((0, 1), repeat=3)]  # fmt: skip
        points = [self._add(f"VERTEX_POINT('',#{self._point(at)})") for at in corners]
        edges: dict[tuple[int, int], int] = {}
        faces = [self._side(side, corners, points, edges) for side in _SIDES]
        shell = self._add(f"CLOSED_SHELL('',({','.join(f'#{face}' for face in faces)}))")
        return self._add(f"MANIFOLD_SOLID_BREP('',#{shell})")

    def _side(
        self,
        side: tuple[int, ...],
        corners: list[Size],
        points: list[int],
        edges: dict[tuple[int, int], int],
    ) -> int:
        ways = []
        for a, b in zip(side, (*side[1:], side[0]), strict=True):
            if (b, a) not in edges:
                edges[a, b] = self._edge(corners[a], corners[b], points[a], points[b])
            edge, way = (edges[b, a], "F") if (b, a) in edges else (edges[a, b], "T")
            ways.append(self._add(f"ORIENTED_EDGE('',*,*,#{edge},.{way}.)"))
        loop = self._add(f"EDGE_LOOP('',({','.join(f'#{way}' for way in ways)}))")
        bound = self._add(f"FACE_OUTER_BOUND('',#{loop},.T.)")
        along = _unit(corners[side[0]], corners[side[1]])
        across = _unit(corners[side[1]], corners[side[2]])
        plane = self._add(
            f"PLANE('',#{self._placed(corners[side[0]], _cross(along, across), along)})"
        )
        return self._add(f"ADVANCED_FACE('',(#{bound}),#{plane},.T.)")

    def _edge(self, start: Size, end: Size, first: int, last: int) -> int:
        vector = self._add(f"VECTOR('',#{self._direction(_unit(start, end))},1.)")
        line = self._add(f"LINE('',#{self._point(start)},#{vector})")
        return self._add(f"EDGE_CURVE('',#{first},#{last},#{line},.T.)")


def _unit(start: Size, end: Size) -> Size:
    x, y, z = (b - a for a, b in zip(start, end, strict=True))
    length = (x * x + y * y + z * z) ** 0.5
    return x / length, y / length, z / length


def _cross(a: Size, b: Size) -> Size:
    return (a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0])


def box(unit: str = "mm", size: Size = (10, 20, 30)) -> bytes:
    """One box, which is a part named Block."""
    file = Step(unit)
    file.box("Block", size)
    return file.bytes()


def table() -> bytes:
    """An assembly, Table: one blue Top of 100 x 60 x 5 mm and four times the same Leg."""
    file = Step()
    top, leg = file.box("Top", (100, 60, 5), (0.2, 0.4, 0.8)), file.box("Leg", (5, 5, 70))
    feet = [(float(x), float(y), 0.0) for x in (0, 95) for y in (0, 55)]
    file.assembly("Table", [(top, (0, 0, 70)), *((leg, at) for at in feet)])
    return file.bytes()


def towers(levels: int) -> bytes:
    """Assemblies of ten of the one before: 10 ** levels boxes in a few kilobytes."""
    file = Step()
    child = file.box("Brick", (1, 1, 1))
    for level in range(levels):
        child = file.assembly(f"L{level}", [(child, (2.0 * n, 0, 0)) for n in range(10)])
    return file.bytes()
