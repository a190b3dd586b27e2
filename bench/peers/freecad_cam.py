"""FreeCAD's CAM without its window: the same drawing, told apart into inside and outside, offset.

Two halves: `freecad_s` starts the other one, which Debian's own Python runs beside FreeCAD's
libraries. Of FreeCAD only what a script needs is used, which is its quickest way: no document of
5,000 objects is recomputed, no face with 1,500 holes is built (that alone takes minutes).
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from importlib import import_module
from pathlib import Path

HERE = Path(__file__).resolve()
ROOT = HERE.parents[2] / "var" / "peers" / "freecad"
LIBRARIES = ("usr/lib/x86_64-linux-gnu", "usr/lib", "usr/lib/freecad-python3/lib")
PATIENCE_S = 900.0


def freecad_s(drawing: bytes, *, cutter_mm: float, depths_mm: tuple[float, ...]) -> float | None:
    """Seconds that FreeCAD takes from the DXF to its moves, its start left out; None: not there."""
    if not (ROOT / "complete").exists():
        return None
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "drawing.dxf")
        file.write_bytes(drawing)
        told = json.dumps([str(file), cutter_mm, depths_mm])
        env = {
            **os.environ,
            "LD_LIBRARY_PATH": ":".join(str(ROOT / name) for name in LIBRARIES),
            "PYTHONPATH": str(ROOT / "usr/lib/python3/dist-packages"),
            "QT_QPA_PLATFORM": "offscreen",
            "HOME": folder,
        }
        done = subprocess.run(
            ["/usr/bin/python3", HERE, told], env=env, capture_output=True, text=True,
            check=True, timeout=PATIENCE_S,
        )  # fmt: skip
    last = done.stdout.strip().splitlines()[-1]
    return float(last.partition(" ")[0])


def main(file: str, cutter_mm: float, depths_mm: list[float]) -> None:
    """Print the seconds and the lines of G-code."""
    sys.path.insert(0, str(ROOT / LIBRARIES[-1]))
    app, part, path, drawings = map(import_module, ("FreeCAD", "Part", "Path", "Import"))
    start = time.perf_counter()
    document = app.newDocument("drawing")
    drawings.readDXF(file, document.Name)
    edges = [edge for thing in document.Objects for edge in thing.Shape.Edges]
    wires = [part.Wire(chain) for chain in part.sortEdges(edges)]
    wires.sort(key=lambda wire: -wire.BoundBox.DiagonalLength)
    area = path.Area(Offset=cutter_mm / 2, Reorient=False)
    area.setPlane(part.makeCircle(10))
    area.add(wires[0], op=0)
    area.add(part.makeCompound(wires[1:]), op=1)
    ways, lines = area.getShape(), 0
    for depth in depths_mm:
        level = ways.copy()
        level.translate(app.Vector(0, 0, -depth))
        moves, _ = path.fromShapes(
            level, feedrate=20, feedrate_v=5, retraction=5, resume_height=3, return_end=True
        )
        lines += moves.toGCode().count("\n")
    print(time.perf_counter() - start, lines)


if __name__ == "__main__":
    main(*json.loads(sys.argv[1]))
