"""What a design's page says about each part and the README, in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from flask import url_for
from markupsafe import Markup

from commons.machine import Process
from commons.manifest import Part
from repo_server import matches
from repo_server.blobs import BlobStore
from repo_server.designs import Release
from repo_server.mesh_facts import derived_mesh
from repo_server.web import figures, files, readme
from repo_server.web.addresses import file_url
from repo_server.web.languages import gettext


@dataclass(frozen=True, slots=True)
class PartView:
    """One part as the page shows it. `picture`, `drawing` and `model` are hashes of our own
    pictures, SVG and GLB; `facts` are sentences."""

    name: str
    quantity: int
    process: Process | None
    material: str | None
    thickness_mm: float | None
    extent: str
    facts: tuple[str, ...]
    problem: str | None
    picture: str | None
    drawing: str | None
    model: str | None
    makeable: bool


def view_of(part: Part, release: Release) -> PartView:
    """The part with what was measured of its file; what its designer wrote where nothing was."""
    file = release.fed(part) or release.file(part.source)
    image = release.file(part.image)
    facts = (file.facts if file else None) or {}
    return PartView(
        name=part.name,
        quantity=part.quantity,
        process=part.process,
        material=part.material,
        thickness_mm=part.thickness_mm,
        extent=_extent(facts, part),
        facts=_sentences(facts, part),
        problem=file.problem if file else None,
        picture=(image.thumbnail if image else None) or (file.thumbnail if file else None),
        drawing=files.drawing_of(file) if file else None,
        model=files.model_of(file) if file else None,
        makeable=part.process is not None and file is not None and matches.can_be_fed(file),
    )


def _extent(facts: Mapping[str, object], part: Part) -> str:
    measured = facts.get("box_mm")
    if isinstance(measured, list):
        return figures.box([float(edge) for edge in measured])
    return figures.box(part.size_mm) if part.size_mm else ""


def _sentences(facts: Mapping[str, object], part: Part) -> tuple[str, ...]:
    said = [_extent(facts, part)]
    volume, length = facts.get("volume_mm3"), facts.get("length_mm")
    if isinstance(volume, float):
        said.append(
            gettext("%(volume)s cm³, a closed body") % {"volume": figures.number(volume / 1e3)}
        )
    if isinstance(length, float):
        said.append(gettext("%(length)s m of lines") % {"length": figures.number(length / 1000)})
    if part.mass_g is not None:
        said.append(
            gettext("%(mass)s by its designer's word") % {"mass": figures.grams(part.mass_g)}
        )
    said += [figures.simplified(facts), _converted(facts)]
    return tuple(filter(None, said))


def _converted(facts: Mapping[str, object]) -> str:
    """That no machine gets this file itself."""
    mesh = derived_mesh(facts)
    if mesh is None:
        return ""
    said = gettext("machines get a mesh made of the STEP file, off by %(mm)s mm at most")
    return said % {"mm": figures.number(mesh.chord_mm)}


def readme_of(release: Release, blobs: BlobStore) -> Markup | None:
    """The README as HTML, with the release's own pictures in it; None without one."""
    file = release.file(release.manifest.readme)
    if file is None:
        return None
    with blobs.path(file.sha256).open("rb") as stored:
        text = stored.read(readme.MAX_BYTES).decode("utf-8", errors="replace")

    def link(path: str) -> str | None:
        target = release.file(path)
        return file_url(target.sha256, path) if target else None

    def picture(path: str) -> str | None:
        # A stranger's picture is shown as the one that our parser painted from it.
        target = release.file(path)
        shown = target and (target.thumbnail or files.drawing_of(target))
        return url_for("api_blobs.get_blob", sha256=shown) if shown else None

    folder = str(PurePosixPath(file.path).parent)
    return readme.render_readme(text, link=link, picture=picture, folder=folder)
