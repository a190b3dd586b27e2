"""How a file is milled: as a flat plate by its outline, or as a surface."""

from commons.errors import ProgramRefused
from fab_agent.cam.drawing import Triangles
from fab_agent.cam.planform import height_mm, read_mesh, why_no_plate
from fab_agent.cam.request import Kind, MeshKind, Way
from fab_agent.cam.stock import Stock

# A sheet that is called 9 mm has 8.5 to 9.5 mm.
_NEARLY_MM = 0.6


def surface_in(data: bytes, kind: Kind | MeshKind, *, way: Way, stock: Stock) -> Triangles | None:
    """The body, when the file is to be milled as a surface; None: as a plate, which is what every
    drawing is and, unless `way` says otherwise, every mesh that `planform` can draw.

    Raises:
        InvalidInput: the mesh cannot be read; says what to do.
        ProgramRefused: a plate, but the sheet is not as thick.
    """
    if isinstance(kind, MeshKind):
        triangles = read_mesh(data, kind)
        plate = why_no_plate(triangles) is None
        if way is Way.SURFACE or (way is Way.AUTO and not plate):
            return triangles
        if plate:
            _require_sheet_for(height_mm(triangles), stock)
    return None


def _require_sheet_for(height: float, stock: Stock) -> None:
    if abs(height - stock.thickness_mm) > _NEARLY_MM:
        raise ProgramRefused(
            f"it is {height:.2f} mm thick and the sheet {stock.thickness_mm:g} mm: load a sheet "
            "as thick as the part",
            rule="sheet-thickness",
        )
