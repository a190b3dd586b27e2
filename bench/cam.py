"""How fast drawings become milling programs, and whether the cut parts are what was drawn.

A sheet with 1600 openings (5,000 entities: lines, arcs, circles) is prepared as an agent does it,
proof included; every drawing of `designs/` is cut out of a field of heights, and the time that its
program is said to take is compared with that of the simulated GRBL, at several accelerations. A
relief of 200,000 triangles is carved as a surface.
"""

import gc
import io
import json
import re
import resource
import subprocess
import sys
import time
from pathlib import Path

import ezdxf
import numpy as np
from numpy.typing import NDArray

from bench.peers.freecad_cam import freecad_s
from commons.machine import Driver, Envelope, MachineProfile, MillLimits, Process
from fab_agent.cam.mill import MillPlan, mill
from fab_agent.cam.options import CLEARANCE_MM
from fab_agent.cam.passes import tab_top_mm
from fab_agent.cam.placing import MARGIN_MM
from fab_agent.cam.planform import read_mesh
from fab_agent.cam.removal import Difference, compare, field_of
from fab_agent.cam.request import Kind, MeshKind
from fab_agent.cam.stock import Stock
from fab_agent.cam.surface_mill import mill_surface
from fab_agent.slicing.stl import binary_stl
from tests.machine_time import machine_s

CUTTER_MM = 3.0
ROUTER = MachineProfile(
    name="bench router",
    process=Process.CNC,
    driver=Driver.GRBL,
    envelope=Envelope(x_max_mm=1250, y_max_mm=1250, z_min_mm=-20, z_max_mm=40),
    max_feed_mm_s=50,
    max_feed_z_mm_s=20,
    materials=("plywood",),
    cnc=MillLimits(cutter_mm=CUTTER_MM),
)
SHEET = Stock(4.0, (1250.0, 1250.0))
DESIGNS = Path(__file__).parents[1] / "designs"
ENTITIES = 5_000
ACCELERATIONS_MM_S2 = (50.0, 200.0, 1000.0)


def crowded_drawing() -> bytes:
    """A DXF of an outline and openings of four shapes, ENTITIES entities in all."""
    document = ezdxf.new(units=4)
    space = document.modelspace()

    def ring(*points: tuple[float, float]) -> None:
        for one, other in zip(points, (*points[1:], points[0]), strict=True):
            space.add_line(one, other)

    ring((0, 0), (1200, 0), (1200, 900), (0, 900))
    number = 0
    while len(space) < ENTITIES:
        x, y = 10 + number % 59 * 20.0, 10 + number // 59 * 21.0
        shape = number % 4 if len(space) <= ENTITIES - 4 else 0
        if shape == 0:
            space.add_circle((x + 6, y + 6), 4)
        elif shape == 1:
            space.add_line((x + 3, y), (x + 10, y))
            space.add_arc((x + 10, y + 3), 3, -90, 90)
            space.add_line((x + 10, y + 6), (x + 3, y + 6))
            space.add_arc((x + 3, y + 3), 3, 90, 270)
        elif shape == 2:
            space.add_circle((x + 6, y + 6), CUTTER_MM / 2)
        else:
            ring((x, y), (x + 12, y), (x + 12, y + 8), (x, y + 8))
        number += 1
    text = io.StringIO()
    document.write(text)
    return text.getvalue().encode()


def difference(plan: MillPlan, stock: Stock) -> Difference:
    """What the height field of 0.1 mm shows of a plan."""
    field = field_of(plan.lines, cutter_mm=CUTTER_MM, size_mm=plan.used_mm)
    return compare(
        field,
        plan.parts,
        cutter_mm=CUTTER_MM,
        thickness_mm=stock.thickness_mm,
        tab_top_mm=tab_top_mm(stock.thickness_mm),
    )


def time_errors(file: Path, stock: Stock) -> list[float]:
    """By which share of the simulated GRBL's time each estimate of it is off."""
    errors = []
    for acceleration in ACCELERATIONS_MM_S2:
        cnc = MillLimits(cutter_mm=CUTTER_MM, acceleration_mm_s2=acceleration)
        profile = ROUTER.model_copy(update={"cnc": cnc})
        plan = mill(file.read_bytes(), Kind(file.suffix[1:]), stock=stock, profile=profile)
        across, up = profile.max_feed_mm_s * 60, profile.max_feed_z_mm_s * 60
        settings = {11: cnc.junction_deviation_mm, 110: across, 111: across, 112: up}
        takes_s = machine_s(plan.lines, acceleration_mm_s2=acceleration, settings=settings)
        errors.append(abs(plan.estimate.duration_s / takes_s - 1))
    return errors


def nesting_gain(copies: int = 6) -> float:
    """By how much less of the sheet's corner copies of the designs need than in plain rows."""
    rows = nested = 0.0
    for file in drawings():
        data, kind = file.read_bytes(), Kind(file.suffix[1:])
        one = mill(data, kind, stock=SHEET, profile=ROUTER).used_mm
        size = [one[axis] - 2 * MARGIN_MM + CLEARANCE_MM for axis in (0, 1)]
        room = [SHEET.size_mm[axis] - 2 * MARGIN_MM + CLEARANCE_MM for axis in (0, 1)]
        columns = min(copies, int(room[0] // size[0]))
        ends = (columns * size[0], -(-copies // columns) * size[1])
        rows += (ends[0] + 2 * MARGIN_MM - CLEARANCE_MM) * (ends[1] + 2 * MARGIN_MM - CLEARANCE_MM)
        used = mill(data, kind, stock=SHEET, profile=ROUTER, copies=copies).used_mm
        nested += used[0] * used[1]
    return 1 - nested / rows


def drawings() -> list[Path]:
    """Every drawing of the designs."""
    return sorted(p for kind in Kind for p in DESIGNS.glob(f"*/export/*.{kind}"))


def relief() -> NDArray[np.float64]:
    """A body of 200,000 triangles, 150 x 150 x 9 mm: waves on a plate."""
    line = np.linspace(-75, 75, 224)
    x, y = np.meshgrid(line, line)
    z = 6 + 2 * np.sin(x / 7) * np.cos(y / 9) + np.cos(np.hypot(x, y) / 5)
    top, low = np.stack([x, y, z], axis=2), np.stack([x, y, 0 * z], axis=2)
    sides = [(low[0], top[0]), (top[-1], low[-1]), (top[:, 0], low[:, 0]), (low[:, -1], top[:, -1])]
    quads = [top, low[::-1], *(np.stack(pair) for pair in sides)]
    faces = []
    for at in quads:
        a, b, c, d = at[:-1, :-1], at[:-1, 1:], at[1:, 1:], at[1:, :-1]
        faces += [np.stack(f, axis=2).reshape(-1, 3, 3) for f in ((a, b, c), (a, c, d))]
    return np.concatenate(faces)


def carve() -> None:
    """Print how long the relief takes, from its file to a proved program, and its memory."""
    stl = binary_stl(relief())
    cnc = MillLimits(cutter_mm=CUTTER_MM, cutter_shape="ball")
    start = time.perf_counter()
    triangles = read_mesh(stl, MeshKind.STL)
    plan = mill_surface(
        triangles, stock=Stock(12.0, SHEET.size_mm), profile=ROUTER.model_copy(update={"cnc": cnc})
    )
    figures = {
        "surface_triangles": len(triangles),
        "surface_s": round(time.perf_counter() - start, 2),
        "surface_peak_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "surface_lines": len(plan.lines),
        "surface_takes_h": round(plan.estimate.duration_s / 3600, 2),
    }
    print(json.dumps(figures))


def carving_figures() -> dict[str, float]:
    """What `carve` prints, in a process of its own, so that the memory is the surface's alone."""
    words = [sys.executable, "-m", "bench.cam", "surface"]
    done = subprocess.run(words, check=True, capture_output=True, text=True)
    figures: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Print the table and the JSON line."""
    gc.disable()  # as the child that mills does
    data = crowded_drawing()
    mill(
        next(DESIGNS.glob("*/export/side.dxf")).read_bytes(), Kind.DXF, stock=SHEET, profile=ROUTER
    )
    start, cpu = time.perf_counter(), time.process_time()
    crowded = mill(data, Kind.DXF, stock=SHEET, profile=ROUTER)
    cam_s, cam_cpu_s = time.perf_counter() - start, time.process_time() - cpu
    print(
        f"{ENTITIES} entities: {cam_s:.2f} s ({cam_cpu_s:.2f} s of CPU), "
        f"{len(crowded.lines)} lines, proved"
    )
    peer_s = freecad_s(data, cutter_mm=CUTTER_MM, depths_mm=(2.0, 4.2))
    said = "MISSING: run `make bench-freecad`" if peer_s is None else f"{peer_s:.2f} s"
    print(f"FreeCAD, the same drawing to moves around it, nothing proved: {said}")
    sheet = Stock(9.0, SHEET.size_mm)
    worst, deepest, late = 0.0, 0.0, list[float]()
    for file in drawings():
        plan = mill(file.read_bytes(), Kind(file.suffix[1:]), stock=sheet, profile=ROUTER)
        found = difference(plan, sheet)
        arcs = sum(re.match(rb"G[23]\D", line) is not None for line in plan.lines)
        late += (wrong := time_errors(file, sheet))
        error = f"{found.area_error:.4%} of the area wrong, {max(wrong):.2%} of the time"
        print(f"{file.stem:12}{len(plan.lines):6} lines, {arcs:5} arcs, {error}")
        worst, deepest = max(worst, found.area_error), max(deepest, found.deepest_mm)
    figures = {
        "cam_s": round(cam_s, 2),
        "cam_cpu_s": round(cam_cpu_s, 2),
        "freecad_cam_s": peer_s and round(peer_s, 2),
        "nesting_gain": round(nesting_gain(), 4),
        "cam_area_error": round(worst, 6),
        "cam_deepest_below_sheet_mm": round(deepest - sheet.thickness_mm, 3),
        "time_error_worst": round(max(late), 4),
        "time_error_mean": round(sum(late) / len(late), 4),
    }
    figures |= carving_figures()
    print(json.dumps(figures))


if __name__ == "__main__":
    carve() if sys.argv[1:] == ["surface"] else main()
