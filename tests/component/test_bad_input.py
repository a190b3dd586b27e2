"""What people read when a part cannot be made: one sentence each, that says where and what to do.

A slicer that dies or hangs is in test_slicers.py.
"""

import io

import ezdxf
import numpy as np
import pytest

from commons.errors import InvalidInput, MeshInvalid
from commons.machine import Driver, Envelope, MachineProfile, MillLimits, Process
from commons.plates import PrintArea
from fab_agent.cam.mill import mill
from fab_agent.cam.request import Kind
from fab_agent.cam.stock import Stock
from fab_agent.slicing.plate import PlateItem, PlateRequest
from fab_agent.slicing.plating import plate
from fab_agent.slicing.stl import binary_stl
from tests.unit.test_slicing_mesh import box

ROUTER = MachineProfile(
    name="router",
    process=Process.CNC,
    driver=Driver.GRBL,
    envelope=Envelope(x_max_mm=1250, y_max_mm=1250, z_min_mm=-20, z_max_mm=40),
    max_feed_mm_s=50,
    max_feed_z_mm_s=20,
    materials=("plywood",),
    cnc=MillLimits(cutter_mm=3.0),
)
SHEET = Stock(4.0, (600.0, 400.0), "plywood")
BED = PrintArea(x_min_mm=2, y_min_mm=8, x_max_mm=118, y_max_mm=108, height_mm=59)
OUTLINE = [(0, 0), (60, 0), (60, 40), (0, 40)]


def dxf(*rings, unit=4):
    document = ezdxf.new(units=unit)
    for ring in rings:
        document.modelspace().add_lwpolyline(ring, close=True)
    text = io.StringIO()
    document.write(text)
    return text.getvalue().encode()


@pytest.mark.parametrize(
    ("drawing", "sentence"),
    [
        (dxf([(0, 0), (40, 40), (40, 0), (0, 40)]),
         "a contour on layer '0' crosses itself or has no area: Self-intersection[20 20] mm; "
         "redraw it there"),
        (dxf(OUTLINE, [(10, 10), (40, 10), (40, 12), (10, 12)]),
         "the cutter of 3 mm does not fit at (25.00, 11.00) mm: widen the drawing"),
        (dxf(OUTLINE, unit=0),
         "the drawing names no unit ($INSUNITS): choose one of mm, cm, m, inch in your CAD program "
         "and export it again"),
        (dxf([(0, 0), (900, 0), (900, 40), (0, 40)]),
         "a sheet of 600 x 400 mm on this machine leaves 580.0 x 380.0 mm inside the margin, "
         "needed is 906.0 x 46.0 mm: 326.0 mm in X are missing; take a larger sheet or machine"),
    ],
    ids=["crosses itself", "slot too narrow", "no unit", "sheet too small"],
)  # fmt: skip
def test_a_drawing_that_cannot_be_cut_says_where_and_what_to_do(drawing, sentence):
    with pytest.raises(InvalidInput) as refused:
        mill(drawing, Kind.DXF, stock=SHEET, profile=ROUTER)
    assert str(refused.value) == sentence


@pytest.mark.slow  # meshes that are no sound STL are read by a library that loads for long
@pytest.mark.parametrize(
    ("triangles", "sentence"),
    [
        (box(20, 20, 20)[1:],
         "part.stl: is not closed, 3 edges are open, one of them at x 10, y 10, z 0 mm of the "
         "drawing: close its holes"),
        (box(200, 200, 200),
         "part.stl: is 200 x 200 x 200 mm and this machine has room for 116 x 100 x 59 mm: choose "
         "a larger machine, a smaller scale or fewer copies"),
    ],
    ids=["open", "too large"],
)  # fmt: skip
def test_a_mesh_that_cannot_be_printed_says_where_and_what_to_do(triangles, sentence):
    request = PlateRequest(items=(PlateItem(name="part.stl"),), scale=1, area=BED)
    with pytest.raises(MeshInvalid) as refused:
        plate([binary_stl(np.asarray(triangles))], request)
    assert str(refused.value) == sentence
