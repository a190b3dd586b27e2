"""A source is drawn: OpenSCAD makes a mesh of it, which is read like everybody's."""

import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from commons.errors import InvalidInput
from commons.variants import Value
from repo_server.blobs import Blob, BlobStore
from repo_server.parsing import openscad
from repo_server.parsing.inspection import Findings, inspect

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Drawn:
    """The mesh that was drawn, what our reader found in it, and by what; or why there is none."""

    made_with: str
    sentence: str = ""
    mesh: Blob | None = None
    findings: Findings | None = None


def draw(
    path: str, sources: Mapping[str, str], values: Mapping[str, Value], blobs: BlobStore
) -> Drawn:
    """What the source at `path` draws. Mesh and pictures are stored as blobs.

    Raises Unavailable when nothing can be drawn here now, NotFound when a source was lost.
    """
    made_with = openscad.require_here()
    stored = {name: blobs.path(sha256) for name, sha256 in sources.items()}
    with tempfile.TemporaryDirectory() as folder:
        try:
            mesh = openscad.render(path, stored, values, out=Path(folder))
        except InvalidInput as refused:
            _LOG.info("%s: %s", path, refused)
            return Drawn(made_with, str(refused))
        findings = inspect(mesh, "stl", blobs)
        with mesh.open("rb") as file:
            return Drawn(made_with, "", blobs.put(file), findings)
