"""Drawings and boards, as the server and as a lab reads them."""

from functools import partial
from pathlib import Path

from fab_agent.cam.dxf import read_dxf
from fab_agent.cam.svg import read_svg
from tests.format_files import GOOD
from tests.fuzzing.parsers import of_kind
from tests.fuzzing.target import Target


def lab_dxf(data: bytes, folder: Path) -> None:
    """A drawing as a lab's agent reads it before it mills it."""
    read_dxf(data, unit="mm")


def lab_svg(data: bytes, folder: Path) -> None:
    """The same."""
    read_svg(data)


TARGETS = {
    **{
        kind: partial(of_kind, kind)
        for kind in ("dxf", "svg", "gbr", "drl", "kicad_pcb", "kicad_sch")
    },
    "lab-dxf": lambda: Target(lab_dxf, (GOOD["dxf"],)),
    "lab-svg": lambda: Target(lab_svg, (GOOD["svg"],)),
}
