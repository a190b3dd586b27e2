"""Two releases side by side: what changed in manifest, bill, files, texts and shapes of parts."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from sqlmodel import Session

from commons.bom import BomLine, lines_of_parts, read_bom
from commons.compare import (
    MOST_BYTES,
    BomChange,
    FileChange,
    KeyChange,
    Line,
    compare_boms,
    compare_files,
    compare_keys,
    compare_text,
)
from repo_server import designs, shape_changes
from repo_server.designs import Release
from repo_server.shape_changes import PartChange

# So many texts are compared line by line; the others are named as changed.
MOST_TEXTS = 20
# The bytes of the stored file of that hash.
Read = Callable[[str], bytes]


@dataclass(frozen=True, slots=True)
class FileComparison:
    """A changed file. `lines` is None for what is no text, too long, or one text too many."""

    change: FileChange
    lines: tuple[Line, ...] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """What changed on the way from one release to the other."""

    before: Release
    after: Release
    keys: tuple[KeyChange, ...]
    bom: tuple[BomChange, ...]
    files: tuple[FileComparison, ...]
    parts: tuple[PartChange, ...]


def compare(session: Session, before_id: str, after_id: str, *, read: Read) -> Comparison:
    """What changed from one release to the other, which may be of another design.

    NotFound when there is no such release.
    """
    before, after = (designs.show_release(session, id_) for id_ in (before_id, after_id))
    return Comparison(
        before=before,
        after=after,
        keys=tuple(compare_keys(before.manifest.data, after.manifest.data)),
        bom=tuple(compare_boms(bom_of(before, read), bom_of(after, read))),
        files=tuple(_files(before, after, read)),
        parts=tuple(shape_changes.show(session, before, after)),
    )


def bom_of(release: Release, read: Read) -> tuple[BomLine, ...]:
    """The lines of the release's bill; its parts where it has none that can be read."""
    file = release.file(release.manifest.bom)
    lines = read_bom(read(file.sha256)) if file and file.size <= MOST_BYTES else None
    return lines_of_parts(release.manifest.parts) if lines is None else lines


def _files(before: Release, after: Release, read: Read) -> Iterator[FileComparison]:
    sizes = {file.sha256: file.size for file in before.files + after.files}
    old, new = ({file.path: file.sha256 for file in it.files} for it in (before, after))
    texts = 0
    for change in compare_files(old, new):
        pair = (change.before, change.after)
        lines = None
        if texts < MOST_TEXTS and all(it is None or sizes[it] <= MOST_BYTES for it in pair):
            lines = compare_text(*(b"" if it is None else read(it) for it in pair))
        texts += lines is not None
        yield FileComparison(change, lines)
