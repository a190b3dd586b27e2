"""The child that draws programs: `python -m fab_agent.gcode REQUEST`.

REQUEST is a DrawRequest as JSON, the program lies in `/in/program`. The sketch goes to
`/out/sketch.json`, where the head is at which line to `/out/track.json`, the program under gzip to
`/out/program.gz` unless it is too large to be sent.
"""

import gzip
import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path

from commons.toolpath import MAX_PACKED_BYTES, MAX_PROGRAM_BYTES
from fab_agent.drawing import PACKED, PROGRAM, SKETCH, TRACK, DrawRequest
from fab_agent.gcode.moves import moves_of
from fab_agent.gcode.sketch import sketch_of
from fab_agent.gcode.track import Counted, Tracker
from fab_agent.sandbox import IN, OUT

_PIECE = 1 << 20


def draw(request: DrawRequest, program: Path, out_dir: Path) -> None:
    """Sketch and packed program lie in `out_dir`; the same program gives the same bytes."""
    digest, line_count = pack(program, out_dir / PACKED)
    lines = Counted(_lines(program))
    tracker = Tracker(lines)
    sketch = sketch_of(
        tracker.noting(moves_of(lines, request.profile)),
        request.profile,
        sha256=digest,
        line_count=line_count,
        mark=request.mark,
    )
    (out_dir / SKETCH).write_text(sketch.model_dump_json(exclude_defaults=True), encoding="utf-8")
    (out_dir / TRACK).write_text(tracker.track.model_dump_json(), encoding="utf-8")


def pack(program: Path, packed: Path) -> tuple[str, int]:
    """Hash and lines of the program; it is packed, too, unless that is more than can be sent."""
    digest, line_count, size = hashlib.sha256(), 0, 0
    with (
        program.open("rb") as file,
        packed.open("wb") as out,
        gzip.GzipFile("", "wb", 6, out, mtime=0) as zipped,
    ):
        while piece := file.read(_PIECE):
            digest.update(piece)
            line_count += piece.count(b"\n")
            size += len(piece)
            if size <= MAX_PROGRAM_BYTES and out.tell() <= MAX_PACKED_BYTES:
                zipped.write(piece)
    if size > MAX_PROGRAM_BYTES or packed.stat().st_size > MAX_PACKED_BYTES:
        packed.unlink()
    return digest.hexdigest(), line_count


def _lines(program: Path) -> Iterator[bytes]:
    with program.open("rb") as file:
        for line in file:
            yield line.rstrip(b"\n")


if __name__ == "__main__":
    draw(DrawRequest.model_validate_json(sys.argv[1]), IN / PROGRAM, OUT)
