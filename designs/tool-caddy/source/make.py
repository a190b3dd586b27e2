"""Makes the tool caddy: six plywood panels with tenons, glued into an open box with a handle.

python make.py [folder]      writes export/ and images/ there (default: this design)
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from kit import run
from kit.panels import Panel, box, filleted, rounded, slot, with_dog_bones, write_svg
from kit.picture import write_picture
from kit.solids import Placed, at, turned
from shapely import Polygon, unary_union


@dataclass(frozen=True, slots=True)
class Parameters:
    """Lengths in mm. Measure the plywood: sheets sold as 6 mm are 5.6 to 6.5 mm thick."""

    thickness: float = 6.0
    clearance: float = 0.2  # of a mortise over its tenon, for glue
    length: float = 290.0  # inside
    width: float = 150.0  # inside
    wall: float = 78.0  # height of the long sides
    top: float = 205.0  # height of the handle
    rim: float = 14.0  # how far the ends reach beyond the sides
    floor_z: float = 9.0  # underside of the base
    tenon: float = 30.0


def mortise(p: Parameters, x: float, y: float, width: float, height: float) -> Polygon:
    """The opening for a tenon of that size with its middle at (x, y)."""
    width, height = width + p.clearance, height + p.clearance
    return box(x - width / 2, y - height / 2, width, height)


def joined(body: Polygon, tenons: Iterable[Polygon], mortises: Iterable[Polygon]) -> Polygon:
    """The panel with its tenons and mortises, each corner reachable by the cutter."""
    return with_dog_bones(unary_union([body, *tenons]).difference(unary_union(list(mortises))))


def end_tenons(p: Parameters, middles: Iterable[float]) -> list[Polygon]:
    """Tenons on both ends of a long panel, rooted 1 mm in it."""
    t = p.thickness
    return [box(x, y - p.tenon / 2, t + 1, p.tenon) for y in middles for x in (-t, p.length - 1)]


def heights(p: Parameters) -> dict[str, tuple[float, ...]]:
    """Middles of the tenons that enter an end: of a side, and of the divider."""
    return {"side": (p.wall - 22.0,), "divider": (p.wall - 22.0, p.top - 38.0)}


def thirds(length: float) -> tuple[float, float]:
    """Where the two tenons along an edge have their middles."""
    return length * 0.22, length * 0.78


def end(p: Parameters) -> Panel:
    """An end seen from outside; x = 0 is the inner face of one long side."""
    low, high, middle = -p.rim, p.width + p.rim, p.width / 2
    shoulder, crown = p.wall + 10, 26.0
    outline = [(low, 0), (high, 0), (high, shoulder)]
    outline += [(middle + crown, p.top), (middle - crown, p.top), (low, shoulder)]
    body = rounded(Polygon(outline), 14)
    body = body.union(box(low, 0, 20, 20)).union(box(high - 20, 0, 20, 20))
    body = body.difference(rounded(box(middle - 45, -30, 90, 30 + 5), 3))
    t = p.thickness
    cuts = [mortise(p, x, z, t, p.tenon) for x in (-t / 2, p.width + t / 2)
            for z in heights(p)["side"]]  # fmt: skip
    cuts += [mortise(p, middle, z, t, p.tenon) for z in heights(p)["divider"]]
    cuts += [mortise(p, x, p.floor_z + t / 2, p.tenon, t) for x in thirds(p.width)]
    return Panel(joined(filleted(body, 2.5), [], cuts), t)


def side(p: Parameters) -> Panel:
    """A long side: tenons at both ends, mortises for the base."""
    rim = [(52, p.wall + 1), (68, p.wall - 14)]
    dip = Polygon([*rim, *((p.length - x, y) for x, y in reversed(rim))])
    body = filleted(box(0, 0, p.length, p.wall) - dip, 10)
    t = p.thickness
    cuts = [mortise(p, x, p.floor_z + t / 2, p.tenon, t) for x in thirds(p.length)]
    return Panel(joined(body, end_tenons(p, heights(p)["side"]), cuts), t)


def divider(p: Parameters) -> Panel:
    """The middle wall, standing on the base, with the handle cut into it."""
    bottom = p.floor_z + p.thickness
    height = p.top - bottom - 5
    body = box(0, 0, p.length, height) - slot(p.length / 2, height - 36, 112, 32)
    body -= rounded(Polygon([(26, 30), (p.length - 26, 30), (p.length - 46, 92), (46, 92)]), 12)
    middles = [z - bottom for z in heights(p)["divider"]]
    return Panel(joined(body, end_tenons(p, middles), []), p.thickness)


def base(p: Parameters) -> Panel:
    """The floor: tenons into the sides and into the ends."""
    t = p.thickness
    body = box(0, 0, p.length, p.width)
    tenons = [box(x - p.tenon / 2, y, p.tenon, t) for x in thirds(p.length) for y in (-t, p.width)]
    tenons += [box(x, y - p.tenon / 2, t, p.tenon) for y in thirds(p.width) for x in (-t, p.length)]
    return Panel(joined(body, tenons, []), t)


def parts(p: Parameters) -> dict[str, Panel]:
    """Every part by its file name, as it is drawn."""
    return {"end": end(p), "side": side(p), "divider": divider(p), "base": base(p)}


def assembly(p: Parameters) -> list[Placed]:
    """The caddy as it stands, as a cutter leaves its parts: inside from x = 0, y = 0."""
    solid = {name: panel.as_milled() for name, panel in parts(p).items()}
    t, long, wide = p.thickness, p.length, p.width
    upright_x = ((1, 0, 0), (0, 0, 1))  # panels that run along x
    upright_y = ((0, 1, 0), (0, 0, 1))
    middle = (wide + t) / 2
    places = [
        ("base", at((0, 0, p.floor_z), (1, 0, 0), (0, 1, 0))),
        ("side", at((0, 0, 0), *upright_x)),
        ("side", at((0, wide + t, 0), *upright_x)),
        ("divider", at((0, middle, p.floor_z + t), *upright_x)),
        ("end", at((-t, 0, 0), *upright_y)),
        ("end", at((long, 0, 0), *upright_y)),
    ]
    return [Placed(name, solid[name], place, "plywood") for name, place in places]


def make(folder: Path, p: Parameters = Parameters()) -> None:
    """Write every file of the design that is not written by hand."""
    for name, panel in parts(p).items():
        write_svg(folder / "export" / f"{name}.svg", panel)
        flat = [Placed(name, panel.solid(), turned(0), "plywood")]
        image = folder / "images" / f"{name}.png"
        write_picture(image, flat, azimuth=-75, elevation=52, size=(480, 360))
    write_picture(folder / "images" / "tool-caddy.png", assembly(p), azimuth=-52, elevation=30)


if __name__ == "__main__":
    run(__file__, make)
