"""What a program looks like, found out in a limited child: a long one takes a while to read."""

from dataclasses import dataclass, field
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from commons.errors import Unavailable
from commons.machine import MachineProfile
from commons.toolpath import MAX_PACKED_BYTES, MAX_SKETCH_BYTES, Sketch
from commons.wire import Place
from fab_agent.gcode.track import Track
from fab_agent.sandbox import Limits, run_python

LIMITS = Limits(memory_bytes=2**30, cpu_s=600, wall_s=1200, file_bytes=2 * MAX_PACKED_BYTES)
PROGRAM, SKETCH, TRACK, PACKED = "program", "sketch.json", "track.json", "program.gz"


class DrawRequest(BaseModel):
    """What the child is asked: for which machine, and where the program was refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    profile: MachineProfile
    mark: Place | None = None


@dataclass(frozen=True, slots=True)
class Drawn:
    """A drawn program. `packed` is its file under gzip, None when it is too large to be sent.

    `track`: where its head is at which line.
    """

    sketch: Sketch
    packed: Path | None
    track: Track = field(default_factory=Track)


def draw_program(
    program: Path, profile: MachineProfile, *, mark: Place | None = None, out_dir: Path
) -> Drawn:
    """The program is drawn as far as the proof accepts it; what is left lies in `out_dir`.

    Raises:
        Unavailable: it could not be drawn; nothing but a picture is missing then.
    """
    request = DrawRequest(profile=profile, mark=mark)
    child = run_python(
        "fab_agent.gcode",
        [request.model_dump_json()],
        out_dir=out_dir,
        limits=LIMITS,
        inputs={PROGRAM: program},
    )
    if child.exit_code:
        raise Unavailable(f"{program.name} cannot be drawn: {child.why} {child.stderr[-200:]}")
    try:
        with (out_dir / SKETCH).open("rb") as file:
            sketch = Sketch.model_validate_json(file.read(MAX_SKETCH_BYTES))
        with (out_dir / TRACK).open("rb") as file:
            track = Track.model_validate_json(file.read(MAX_SKETCH_BYTES))
    except (OSError, ValidationError) as odd:
        raise Unavailable(f"{program.name} cannot be drawn: its child gave no sketch") from odd
    packed = out_dir / PACKED
    return Drawn(sketch, packed if packed.is_file() else None, track)
