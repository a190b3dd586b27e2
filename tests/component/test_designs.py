"""Every design in designs/: complete, makeable, and going together as it says."""

import csv
import importlib.util
import itertools
import subprocess
import sys
import tomllib
import xml.etree.ElementTree as ET  # our own drawings, made by this repository
from pathlib import Path
from types import ModuleType

import ezdxf
import numpy as np
import pytest
import trimesh
from PIL import Image
from shapely import Polygon, unary_union

from commons.machine import MATERIALS, Process
from commons.manifest import missing_files, read_manifest

ROOT = Path(__file__).resolve().parents[2] / "designs"
SLUGS = sorted(path.parent.name for path in ROOT.glob("*/okh.toml"))
sys.path.insert(0, str(ROOT))

from kit.panels import CUTTER_MM, LAYERS, SHEET_MM, Panel, write_dxf  # noqa: E402
from kit.solids import (  # noqa: E402
    Placed,
    at,
    bevelled,
    interference_mm3,
    printed_mass_g,
    write_stl,
)

PRINTER_MM = (210.0, 210.0, 200.0)
TOUCHING_MM3 = 1e-3  # faces that lie on one another, in floating point


def design(slug: str) -> ModuleType:
    """The design's own script."""
    name = f"make_{slug.replace('-', '_')}"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, ROOT / slug / "source" / "make.py")
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


def manifest(slug: str) -> dict:
    return tomllib.loads((ROOT / slug / "okh.toml").read_text("utf-8"))


def files_of(pattern: str) -> list[Path]:
    return sorted(path for slug in SLUGS for path in (ROOT / slug).glob(pattern))


def name_of(value: object) -> str:
    if isinstance(value, Path):
        return f"{value.relative_to(ROOT).parts[0]}-{value.stem}"
    return str(value)


each_design = pytest.mark.parametrize("slug", SLUGS)
each_mesh = pytest.mark.parametrize("path", files_of("export/*.stl"), ids=name_of)
each_drawing = pytest.mark.parametrize(
    "path", files_of("export/*.dxf") + files_of("export/*.svg"), ids=name_of
)
each_picture = pytest.mark.parametrize("path", files_of("images/*.png"), ids=name_of)


def test_there_are_printed_milled_and_mixed_designs():
    kinds = [{part["tsdc"] for part in manifest(slug)["part"]} for slug in SLUGS]
    assert kinds.count({"3DP"}) >= 3
    assert kinds.count({"CNC"}) >= 2
    assert kinds.count({"3DP", "CNC"}) >= 1


@each_design
def test_the_manifest_is_right_and_names_only_files_that_exist(slug):
    folder = ROOT / slug
    read = read_manifest((folder / "okh.toml").read_bytes())
    assert missing_files(read, lambda path: (folder / path).is_file()) == ()
    assert all(part.file and part.process and part.image for part in read.parts)
    assert all((folder / path).is_file() for path in (*manifest(slug)["source"], "LICENSE"))
    assert read.repo.endswith(f"/{slug}")
    assert f"SPDX-License-Identifier: {read.license}\n" in (folder / "LICENSE").read_text("utf-8")
    assert read.license in (folder / "README.md").read_text("utf-8")


@each_design
def test_every_made_file_is_listed(slug):
    folder = ROOT / slug
    exports = {str(path.relative_to(folder)) for path in folder.glob("export/*")}
    assert exports == set(manifest(slug)["export"])
    assert exports == {part["export"] for part in manifest(slug)["part"]}


@each_design
def test_the_bill_of_materials_counts_the_same_parts(slug):
    parts = {part["name"]: part["cosmolocal"]["quantity"] for part in manifest(slug)["part"]}
    if "bom" not in manifest(slug):
        assert list(parts.values()) == [1]
        return
    with (ROOT / slug / "bom.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["item", "quantity", "made", "material", "source", "note"]
    assert {row["item"]: int(row["quantity"]) for row in rows if row["made"] == "yes"} == parts


@each_design
def test_size_and_mass_in_the_manifest_are_those_of_the_parts(slug):
    made = design(slug).parts(design(slug).Parameters())
    total = 0.0
    for part in manifest(slug)["part"]:
        shape = made[Path(part["export"]).stem]
        low, high = np.split(np.array(solid_of(shape).bounding_box()), 2)
        written = [part["outer-dimensions"][edge] for edge in ("width", "depth", "height")]
        assert written == pytest.approx(high - low, abs=0.06)
        assert part["mass"] == pytest.approx(mass_g(part, shape), rel=0.05)
        total += part["mass"] * part["cosmolocal"]["quantity"]
    assert manifest(slug)["mass"] == pytest.approx(total, rel=0.01)


def solid_of(shape):
    return shape.solid() if isinstance(shape, Panel) else shape


def mass_g(part: dict, shape) -> float:
    """The rule of designs/README.md."""
    density = MATERIALS[part["material"].lower()].density_g_cm3
    if isinstance(shape, Panel):
        assert part["thickness-mm"] == shape.thickness
        return shape.mass_g(density)
    shell, infill = part["shell-thickness"], part["infill"] / 100
    return printed_mass_g(shape, density_g_cm3=density, shell_mm=shell, infill=infill)


@each_design
def test_every_part_is_one_solid_of_a_known_material(slug):
    shapes = design(slug).parts(design(slug).Parameters())
    assert {len(solid_of(shape).decompose()) for shape in shapes.values()} == {1}
    for part in manifest(slug)["part"]:
        process = {"3DP": Process.FDM, "CNC": Process.CNC}[part["tsdc"]]
        assert MATERIALS[part["material"].lower()].process is process


@each_mesh
def test_meshes_are_closed_turned_outwards_and_fit_a_printer(path):
    mesh = trimesh.load_mesh(path)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume > 0
    assert mesh.body_count == 1
    assert len(mesh.faces) < 60_000
    assert (mesh.extents <= PRINTER_MM).all()
    assert mesh.bounds[0][2] == 0


@each_mesh
def test_meshes_stand_on_the_bed_and_hang_over_only_short_bridges(path):
    mesh = trimesh.load_mesh(path)
    down = mesh.face_normals[:, 2] < -np.cos(np.radians(44))  # flatter than 46 degrees
    on_bed = mesh.triangles_center[:, 2] < 0.01
    assert mesh.area_faces[down & on_bed].sum() > 100
    for height in np.unique(np.round(mesh.triangles[down & ~on_bed][..., 2].max(axis=1), 1)):
        level = np.abs(mesh.triangles[..., 2].max(axis=1) - height) < 0.06
        hanging = unary_union([Polygon(t) for t in mesh.triangles[down & ~on_bed & level][..., :2]])
        assert hanging.buffer(-4).is_empty, f"a bridge of more than 8 mm at z = {height} mm"


def test_one_printed_part_is_small_enough_for_a_first_try():
    volumes = {path.stem: trimesh.load_mesh(path).volume for path in files_of("export/*.stl")}
    assert min(volumes["seed-dibber"], volumes["foot"]) < 12_000


def contours_of(path: Path) -> list[tuple[str, Polygon]]:
    """Layer and shape of all that is drawn; anything that is not closed fails."""
    return svg_contours(path) if path.suffix == ".svg" else dxf_contours(path)


def dxf_contours(path: Path) -> list[tuple[str, Polygon]]:
    drawing = ezdxf.readfile(path)
    assert drawing.header["$INSUNITS"] == 4  # millimetres
    found = []
    for entity in drawing.modelspace():
        if entity.dxftype() == "CIRCLE":
            x, y, _ = entity.dxf.center
            found.append((entity.dxf.layer, disc(x, y, entity.dxf.radius)))
        else:
            assert entity.dxftype() == "LWPOLYLINE"
            assert entity.closed
            found.append((entity.dxf.layer, Polygon(entity.get_points("xy"))))
    return found


def svg_contours(path: Path) -> list[tuple[str, Polygon]]:
    page = ET.parse(path).getroot()  # noqa: S314
    _, _, width, height = page.get("viewBox").split()
    assert (page.get("width"), page.get("height")) == (f"{width}mm", f"{height}mm")
    found = []
    for group in page:
        for shape in group:
            if shape.tag.endswith("circle"):
                circle = disc(*(float(shape.get(key)) for key in ("cx", "cy", "r")))
                found.append((group.get("id"), circle))
                continue
            start, *steps, end = shape.get("d").replace("M ", "").split(" L ")
            assert end.endswith(" Z")
            corners = [start, *steps, end.removesuffix(" Z")]
            ring = Polygon([tuple(map(float, corner.split())) for corner in corners])
            found.append((group.get("id"), ring))
    return found


def disc(x: float, y: float, radius: float) -> Polygon:
    return Polygon(
        [(x + radius * np.cos(a), y + radius * np.sin(a)) for a in np.arange(0, 6.2, 0.1)]
    )


@each_drawing
def test_drawings_hold_one_part_in_closed_contours_on_known_layers(path):
    contours = contours_of(path)
    assert {layer for layer, _ in contours} <= set(LAYERS)
    (outside,) = [shape for layer, shape in contours if layer == "outside"]
    openings = [shape for layer, shape in contours if layer != "outside"]
    assert all(shape.is_valid for _, shape in contours)
    assert all(outside.contains(opening) for opening in openings)
    assert all(not a.intersects(b) for a, b in itertools.combinations(openings, 2))
    left, bottom, right, top = outside.bounds
    assert sorted((right - left, top - bottom)) <= sorted(SHEET_MM)


@each_drawing
def test_a_cutter_gets_into_every_opening_and_slot(path):
    for layer, shape in contours_of(path):
        if layer == "outside":
            closed = shape.buffer(CUTTER_MM / 2).buffer(-CUTTER_MM / 2)
            uncut = closed.difference(shape.buffer(0.01)).area
            assert uncut < 0.01 * shape.area
        else:
            centre = shape.buffer(-CUTTER_MM / 2)
            assert centre.geom_type == "Polygon"
            assert not centre.is_empty


@each_picture
def test_pictures_are_light_enough_for_a_list(path):
    with Image.open(path) as picture:
        assert picture.size in {(960, 720), (480, 360)}
    assert path.stat().st_size < 150_000


@pytest.mark.slow
@each_design
def test_making_a_design_again_gives_the_same_bytes(slug, tmp_path):
    script = ROOT / slug / "source" / "make.py"
    subprocess.run([sys.executable, script, tmp_path], check=True, timeout=120)
    for folder in ("export", "images"):
        published = {p.name: p.read_bytes() for p in (ROOT / slug / folder).iterdir()}
        again = {p.name: p.read_bytes() for p in (tmp_path / folder).iterdir()}
        assert again.keys() == published.keys()
        assert [name for name in again if again[name] != published[name]] == []


@each_design
def test_assembled_parts_never_claim_the_same_space(slug):
    placed = design(slug).assembly(design(slug).Parameters())
    counted = {Path(p["export"]).stem: p["cosmolocal"]["quantity"] for p in manifest(slug)["part"]}
    parts = [one.part for one in placed]
    assert {part: parts.count(part) for part in parts} == counted
    assert clashes(placed) == []


def clashes(placed: list[Placed]) -> list[tuple[str, str]]:
    pairs = itertools.combinations(placed, 2)
    return [(a.part, b.part) for a, b in pairs if interference_mm3(a, b) > TOUCHING_MM3]


@pytest.mark.parametrize("slug", ["laptop-stand", "tool-caddy", "stacking-crate"])
@pytest.mark.parametrize("thickness", [5.6, 6.5])
def test_joints_fit_other_sheets_too(slug, thickness):
    make = design(slug)
    assert clashes(make.assembly(make.Parameters(thickness=thickness))) == []


@pytest.mark.parametrize(
    ("slug", "part", "push"),
    [
        ("laptop-stand", "side", (0, 0.5, 0)),
        ("laptop-stand", "side", (0.5, 0, 0)),
        ("laptop-stand", "crossbar", (0, 0, 1.0)),
        ("tool-caddy", "base", (0, 0, 0.5)),
        ("tool-caddy", "side", (0, 0, 0.5)),
        ("tool-caddy", "divider", (0, 0.5, 0)),
        ("stacking-crate", "floor", (0, 0, 0.5)),
        ("stacking-crate", "long-wall", (0, 0.7, 0)),
        ("stacking-crate", "short-wall", (0.7, 0, 0)),
        ("stacking-crate", "foot", (0, 0, 0.5)),
    ],
)
def test_a_part_that_is_pushed_meets_its_neighbours_at_once(slug, part, push):
    placed = design(slug).assembly(design(slug).Parameters())
    pushed = next(one for one in placed if one.part == part)
    others = [one for one in placed if one is not pushed]
    assert any(interference_mm3(pushed.moved(push), other) > 1 for other in others)


def test_crates_stack_and_do_not_slide():
    make = design("stacking-crate")
    p = make.Parameters()
    caps = [one for one in make.assembly(p) if one.part == "cap"]
    feet = [one.moved((0, 0, make.height(p))) for one in make.assembly(p) if one.part == "foot"]

    def overlap(shift):
        return sum(interference_mm3(a, b.moved(shift)) for a in caps for b in feet)

    assert overlap((0, 0, 0)) < TOUCHING_MM3
    assert overlap((1, 0, 0)) > 1
    assert overlap((0, -1, 0)) > 1


@pytest.mark.slow
def test_the_lid_goes_down_turns_clicks_and_holds():
    make = design("twist-jar")
    p = make.Parameters()
    jar = make.assembly(p)[0]

    def clash(turned_by, lifted):
        return interference_mm3(jar, make.lid_on(p, turned_by=turned_by, lifted=lifted))

    loose = 0.02  # lifted by less than a layer, so that touching faces do not count
    assert all(clash(0, lifted) < TOUCHING_MM3 for lifted in (10, 6, 3, 1, loose))
    assert all(clash(turned, loose) < TOUCHING_MM3 for turned in (5, 15, 25, 30))
    assert 0.1 < clash(45, loose) < 2  # three nubs squeeze past the lugs: the click
    assert clash(p.twist, loose) < TOUCHING_MM3
    assert clash(p.twist, 1.0) > 5  # locked: it cannot be lifted
    assert clash(p.twist + 5, loose) > 1  # the lanes end
    assert clash(-5, loose) > 1  # it turns one way only


def test_the_arm_of_the_hook_grows_with_its_load():
    make = design("gusset-hook")
    light, heavy = (make.arm_thickness(make.Parameters(load_kg=kg)) for kg in (8, 32))
    assert heavy == pytest.approx(2 * light)  # bending: thickness grows with the root


def test_equal_solids_give_equal_files_however_they_were_made(tmp_path):
    square = Polygon([(0, 0), (20, 0), (20, 20), (0, 20)])
    whole = bevelled(square, 10, bevel=1)
    again = (whole.translate((7, 3, 0)) + whole.translate((7, 3, 0))).translate((-7, -3, 0))
    write_stl(tmp_path / "a.stl", whole)
    write_stl(tmp_path / "b.stl", again)
    assert (tmp_path / "a.stl").read_bytes() == (tmp_path / "b.stl").read_bytes()
    assert trimesh.load_mesh(tmp_path / "a.stl").volume == pytest.approx(whole.volume())


def test_a_bevel_takes_off_what_it_says():
    square = Polygon([(0, 0), (20, 0), (20, 20), (0, 20)])
    frustum = (20**2 + 20 * 18 + 18**2) / 3  # 1 mm high, 20 mm below and 18 mm above
    assert bevelled(square, 10, bevel=1).volume() == pytest.approx(20**2 * 8 + 2 * frustum)


def test_a_placing_turns_a_panel_upright():
    panel = Panel(Polygon([(0, 0), (30, 0), (30, 10), (0, 10)]), 6)
    upright = Placed("wall", panel.solid(), at((0, 6, 0), (1, 0, 0), (0, 0, 1)), "plywood")
    assert upright.in_scene().bounding_box() == pytest.approx((0, 0, 0, 30, 6, 10))


def test_holes_to_drill_stay_true_circles(tmp_path):
    panel = Panel(Polygon([(0, 0), (30, 0), (30, 10), (0, 10)]), 6, ((15, 5, 4.0),))
    write_dxf(tmp_path / "panel.dxf", panel)
    (circle,) = ezdxf.readfile(tmp_path / "panel.dxf").modelspace().query("CIRCLE")
    assert (circle.dxf.layer, circle.dxf.radius) == ("drill", 2)
