"""Files that were made to harm whoever reads them, of every kind; and what each is refused by.

What is wrong with each is in its name, whose ending is its kind; the second is what its refusal
says. Those of meshes are in tests/mesh_files.py.
"""

import random
import zlib
from collections.abc import Callable

from tests import mesh_files, step_files
from tests.format_files import (
    COPPER,
    DRILLS,
    PCB,
    block,
    dxf,
    insert,
    link,
    picture,
    square,
    svg,
    zipped,
)
from tests.mutation.mutants import spoilt

Attacks = dict[str, tuple[Callable[[], bytes], str]]

_LEVELS = [block("B0", square(1))] + [
    block(f"B{level}", " ".join([insert(f"B{level - 1}")] * 10)) for level in range(1, 9)
]
_SYMBOLS = "".join(
    f'<g id="s{level}">' + f'<use href="#s{level - 1}"/>' * 10 + "</g>" for level in range(1, 9)
)
_THIRTY_THOUSAND_SQUARED = "70 30000 71 30000 44 1 45 1"
_LAUGHS = (
    b'<!DOCTYPE svg [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;">]>'
    b'<svg xmlns="http://www.w3.org/2000/svg"><text>&b;</text></svg>'
)
_WITHIN_ITSELF = b"ISO-10303-21;" + b"".join(
    b"NEXT_ASSEMBLY_USAGE_OCCURRENCE('','a;#9','',#%d,#%d,$);" % pair
    for pair in ((1, 2), (2, 3), (3, 1))
)

DRAWINGS: Attacks = {
    "blocks of blocks.dxf": (
        lambda: dxf(insert("B8"), " ".join(_LEVELS)), "what its blocks become"),
    "a block nine hundred million times.dxf": (
        lambda: dxf(insert("B0", _THIRTY_THOUSAND_SQUARED), _LEVELS[0]), "what its blocks"),
    "nothing nine hundred million times.dxf": (
        lambda: dxf(insert("E", _THIRTY_THOUSAND_SQUARED), block("E", "")), "what its blocks"),
    "a block within itself.dxf": (
        lambda: dxf(insert("A"), block("A", insert("A"))), "within itself"),
    "symbols of symbols.svg": (
        lambda: svg(f'<path id="s0" d="M0 0H1V1Z"/>{_SYMBOLS}<use href="#s8"/>'), "used again"),
    "a group within itself.svg": (lambda: svg('<g id="a"><use href="#a"/></g>'), "within itself"),
    "a hundred groups deep.svg": (lambda: svg("<g>" * 100 + "</g>" * 100), "more than 64 deep"),
    "laughs.svg": (lambda: _LAUGHS, "entities"),
}  # fmt: skip

BOARDS: Attacks = {
    "brackets in brackets.kicad_pcb": (lambda: b"(" * 70 + b")" * 70, "damaged"),
    "a bracket too many.kicad_pcb": (lambda: b"(kicad_pcb))", "not open"),
    "an edge that leads nowhere.kicad_pcb": (
        lambda: PCB.replace(b"mid 50", b"mid 1e308"), "at no place"),
    "a schematic.kicad_pcb": (lambda: b"(kicad_sch)", "no kicad_pcb file"),
    "a layer repeated without end.gbr": (
        lambda: COPPER.replace(b"%LPC*%", b"%SRX900Y900I1J1*%"), "counting what it repeats"),
    "a power.gbr": (lambda: COPPER.replace(b"$1+$1x0.5", b"9^9"), "sum that is none"),
    "divided by nothing.gbr": (
        lambda: COPPER.replace(b"$1+$1x0.5", b"1/0"), "sum that is none"),
    "an aperture that is not there.gbr": (
        lambda: COPPER.replace(b"D12*", b"D77*"), "aperture 77"),
    "nothing drawn.gbr": (lambda: b"%FSLAX46Y46*%%MOMM*%M02*", "nothing is drawn"),
    "holes without end.drl": (
        lambda: DRILLS.replace(b"T0\n", b"R999999X1\n"), "more than 50000 holes"),
    "no unit.drl": (lambda: DRILLS.replace(b"METRIC,TZ\n", b""), "names no unit"),
}  # fmt: skip

ARCHIVES: Attacks = {
    "a name that leads out.zip": (lambda: zipped(("../out", b"a")), "outside of itself"),
    "a name on another drive.zip": (lambda: zipped(("C:\\out", b"a")), "outside of itself"),
    "a link.zip": (lambda: zipped((link(), b"/etc/passwd")), "holds a link"),
    "a name twice.zip": (lambda: zipped(("a", b"a"), ("A", b"b")), "twice"),
    "another archive.zip": (
        lambda: zipped(("more.zip", zipped(("a", b"a")))), "holds another one"),
    "another archive by a text's name.zip": (
        lambda: zipped(("notes.txt", zipped(("a", b"a")))), "holds another one"),
    "packed by another method.zip": (mesh_files.packed_by_bzip2, "by a method that is not read"),
    "bomb.zip": (lambda: zipped(("zeros", bytes(16 * 1024**2))), "a bomb"),
}  # fmt: skip


def too_many_pixels() -> bytes:
    """A picture of 70 bytes which says that it has 900 million pixels."""
    huge = bytearray(picture())
    huge[16:24] = (30_000).to_bytes(4, "big") * 2
    huge[29:33] = zlib.crc32(huge[12:29]).to_bytes(4, "big")
    return bytes(huge)


def _spoilt_solid(seed: int) -> bytes:
    """A solid of the campaign of `make mutate`."""
    chance = random.Random(seed)
    return spoilt(chance.choice((step_files.box(), step_files.table())), chance)


SOLIDS: Attacks = {
    "assemblies of assemblies.step": (lambda: step_files.towers(9), "more than 5000 parts"),
    "an assembly within itself.step": (lambda: _WITHIN_ITSELF, "placed within itself"),
    # OpenCASCADE dies of the first five, and would never end with the others.
    **{
        f"spoilt solid {seed}.step": (
            lambda seed=seed: _spoilt_solid(seed), "reader crash|too long|cannot be read")
        for seed in (4, 5, 7, 17, 23, 37, 56)
    },
}  # fmt: skip

PICTURES: Attacks = {"more pixels than memory.png": (too_many_pixels, "30000 × 30000 px")}

# Refused when they are drawn, not when they are read.
SOURCES: Attacks = {
    "a file of the server.scad": (
        lambda: b'import("/etc/passwd"); cube(1);', "which is not among"),
    "calls without end.scad": (lambda: b"module m() { m(); } m();", "Recursion detected"),
}  # fmt: skip

ATTACKS: Attacks = mesh_files.ATTACKS | DRAWINGS | BOARDS | ARCHIVES | SOLIDS | PICTURES | SOURCES
