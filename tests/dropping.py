"""Drop-cutter heights by opencamlib, in a process of its own: it can crash on a mesh."""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

_CHILD = """
import json, sys
import numpy as np
import opencamlib as ocl
mesh, points, shape, diameter, corner = sys.argv[1:]
surface = ocl.STLSurf()
for face in np.load(mesh).tolist():
    surface.addTriangle(ocl.Triangle(*(ocl.Point(*corner) for corner in face)))
diameter, corner = float(diameter), float(corner)
if shape == "flat":
    cutter = ocl.CylCutter(diameter, 100.0)
elif shape == "ball":
    cutter = ocl.BallCutter(diameter, 100.0)
else:
    cutter = ocl.BullCutter(diameter, corner, 100.0)
drop = ocl.BatchDropCutter()
drop.setSTL(surface)
drop.setCutter(cutter)
for x, y in np.load(points).tolist():
    drop.appendPoint(ocl.CLPoint(x, y, -1000.0))
drop.run()
print(json.dumps([point.z for point in drop.getCLPoints()]))
"""


def dropped(triangles, points, cutter):
    """Z of the tip at each of `points` (n, 2), as opencamlib finds it; -1000 beside the body."""
    diameter, corner = cutter.diameter_mm, cutter.corner_mm
    shape = "flat" if not corner else "ball" if corner == diameter / 2 else "bull"
    with tempfile.TemporaryDirectory() as folder:
        mesh, places = Path(folder) / "mesh.npy", Path(folder) / "points.npy"
        np.save(mesh, triangles)
        np.save(places, points)
        words = [str(mesh), str(places), shape, str(diameter), str(corner)]
        done = subprocess.run(
            [sys.executable, "-c", _CHILD, *words], capture_output=True, text=True, check=True
        )
    return np.array(json.loads(done.stdout))
