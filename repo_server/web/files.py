"""What the list of files says of each: what it is, what was found in it, and what is wrong."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from commons.texts import later
from repo_server import parsing
from repo_server.designs import Release
from repo_server.files import File
from repo_server.mesh_facts import DerivedMesh, derived_mesh
from repo_server.web import figures
from repo_server.web.languages import Texts, gettext, ngettext


@dataclass(frozen=True, slots=True)
class FileView:
    """One file as the list shows it. `model`, `drawing` and `picture` are hashes of our own GLB,
    SVG and PNG, None of a file that a part is made from: the part shows them. `mesh` is the 3MF
    that was made of a solid, and `mesh_name` what it is called."""

    path: str
    name: str
    sha256: str
    size: int
    what: str
    extent: str
    problem: str | None
    model: str | None
    drawing: str | None
    picture: str | None
    mesh: DerivedMesh | None
    mesh_name: str


def files_of(release: Release) -> list[FileView]:
    """Every file of the release, in its order."""
    of_parts = {part.file for part in release.manifest.parts}
    return [_view_of(file, release, shown=file.path in of_parts) for file in release.files]


def model_of(file: File) -> str | None:
    """The hash of the file's GLB."""
    return file.preview if _preview_type(file) == "model/gltf-binary" else None


def drawing_of(file: File) -> str | None:
    """The hash of the file's SVG."""
    return file.preview if _preview_type(file) == "image/svg+xml" else None


def _preview_type(file: File) -> str | None:
    return parsing.KINDS[file.kind].preview_type if file.kind else None


def _view_of(file: File, release: Release, *, shown: bool) -> FileView:
    said = _said(file.facts or {})
    return FileView(
        path=file.path,
        name=PurePosixPath(file.path).name,
        sha256=file.sha256,
        size=file.size,
        what=", ".join(filter(None, [_kind(file, release), *said])),
        extent=_extent(file.facts or {}),
        problem=None if shown else file.problem,
        model=None if shown else model_of(file),
        drawing=None if shown else drawing_of(file),
        picture=None if shown else file.thumbnail,
        mesh=derived_mesh(file.facts),
        mesh_name=f"{PurePosixPath(file.path).stem}.3mf",
    )


_KINDS = Texts(
    {
        "stl": later("Mesh"),
        "3mf": later("Mesh"),
        "obj": later("Mesh"),
        "ply": later("Mesh"),
        "glb": later("Mesh"),
        "amf": later("Mesh"),
        "step": later("Source: STEP"),
        "stp": later("Source: STEP"),
        "dxf": later("Drawing"),
        "svg": later("Drawing"),
        "kicad_pcb": later("Source: KiCad, board"),
        "kicad_sch": later("Source: KiCad, schematic"),
        **dict.fromkeys(parsing.GERBERS, later("Layer of a circuit board")),
        "drl": later("Drill holes of a circuit board"),
        "xln": later("Drill holes of a circuit board"),
        "png": later("Picture"),
        "jpg": later("Picture"),
        "jpeg": later("Picture"),
        "webp": later("Picture"),
        "gif": later("Picture"),
        "md": later("Text"),
        "pdf": later("Document"),
        "gcode": later("Program"),
        "gco": later("Program"),
        "nc": later("Program"),
        "ngc": later("Program"),
        "scad": later("Source: OpenSCAD"),
        "fcstd": later("Source: FreeCAD"),
        "zip": later("Archive"),
    }
)
# Kinds that no parser of ours reads.
_ENDINGS = Texts(
    {
        ".txt": later("Text"),
        ".csv": later("Table"),
        ".py": later("Source: Python"),
    }
)
_COUNTS: dict[str, Callable[[int], str]] = {
    "faces": lambda n: ngettext("%(count)s triangle", "%(count)s triangles", n),
    "copper_layers": lambda n: ngettext("%(count)s copper layer", "%(count)s copper layers", n),
    "footprints": lambda n: ngettext("%(count)s component", "%(count)s components", n),
    "symbols": lambda n: ngettext("%(count)s component", "%(count)s components", n),
    "sheets": lambda n: ngettext("%(count)s sheet", "%(count)s sheets", n),
    "holes": lambda n: ngettext("%(count)s hole", "%(count)s holes", n),
    "slots": lambda n: ngettext("%(count)s slot", "%(count)s slots", n),
    "words": lambda n: ngettext("%(count)s word", "%(count)s words", n),
    "pages": lambda n: ngettext("%(count)s page", "%(count)s pages", n),
    "attached": lambda n: ngettext("%(count)s file attached", "%(count)s files attached", n),
    "files": lambda n: ngettext("%(count)s file inside", "%(count)s files inside", n),
}


def _kind(file: File, release: Release) -> str:
    name = PurePosixPath(file.path)
    if file.path == release.manifest.bom:
        return gettext("Bill of materials")
    if name.stem.upper() in ("LICENSE", "LICENCE", "COPYING"):
        return gettext("Licence")
    return _KINDS.get(file.kind or "") or _ENDINGS.get(name.suffix.lower(), "")


def _said(facts: Mapping[str, object]) -> Iterator[str]:
    yield from _named(facts)
    yield _extent(facts)
    for key, text in _COUNTS.items():
        if isinstance(count := facts.get(key), int) and count:
            yield text(count) % {"count": figures.number(count)}
    yield figures.simplified(facts)
    if parts := _counts(facts.get("parts")):
        said = ngettext("%(count)s part", "%(count)s parts", sum(parts))
        yield said % {"count": figures.number(sum(parts))}
    if isinstance(length := facts.get("length_mm"), float):
        yield gettext("%(length)s m of lines") % {"length": figures.number(length / 1000)}
    yield from _claimed(facts)
    if isinstance(width := facts.get("width_px"), int):
        yield f"{width} × {facts.get('height_px')} px"
    if facts.get("has_place") is True:
        yield gettext("its original names the place where it was taken")
    parameters = facts.get("parameters")
    if isinstance(parameters, list) and parameters:
        said = ngettext("%(count)s parameter", "%(count)s parameters", len(parameters))
        yield said % {"count": len(parameters)}


def _named(facts: Mapping[str, object]) -> Iterator[str]:
    """What the file calls itself: its title, or the layer that it is."""
    for key in ("title", "function"):
        if isinstance(name := facts.get(key), str):
            yield name


def _claimed(facts: Mapping[str, object]) -> Iterator[str]:
    """What a program says of itself, which nobody here has proved."""
    if isinstance(by := facts.get("made_by"), str):
        yield gettext("made by %(by)s") % {"by": by}
    if isinstance(seconds := facts.get("claimed_s"), float):
        yield gettext("%(time)s by its own word") % {"time": figures.duration(seconds)}
    if isinstance(mass := facts.get("claimed_g"), float):
        yield figures.grams(mass)


def _extent(facts: Mapping[str, object]) -> str:
    measured = facts.get("box_mm")
    return figures.box([float(edge) for edge in measured]) if isinstance(measured, list) else ""


def _counts(parts: object) -> list[int]:
    listed = parts if isinstance(parts, list) else []
    return [part["count"] for part in listed if isinstance(part.get("count"), int)]
