"""3MF packages: the triangles of everything that the build places."""

from pathlib import Path
from typing import IO

from commons import threemf
from repo_server.parsing.package import parts_of
from repo_server.parsing.triangles import MAX_FACES, Triangles, in_place


def read(path: Path) -> Triangles:
    """In mm, each object as often and where the build has it; MeshInvalid says why not."""
    with parts_of(path, "a 3MF file") as parts:

        def part(name: str) -> IO[bytes] | None:
            return parts[name.casefold()]() if name.casefold() in parts else None

        return in_place(threemf.read(part, most_faces=MAX_FACES))
