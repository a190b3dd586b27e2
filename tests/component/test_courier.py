"""How programs come to be shown: drawn in a child, told in a few tries, and never in the way."""

import gzip
from hashlib import sha256
from threading import Event

import pytest

from commons.errors import Conflict, InvalidInput, Unavailable
from commons.toolpath import Kind, Sketch, ToolpathReceipt
from fab_agent import courier as couriers
from fab_agent.courier import Courier, Shown, drawing_for
from fab_agent.drawing import Drawn, draw_program
from tests.corpus.hostile import PRINT, PRINT_HEAD
from tests.profiles import printer

PROGRAM = (PRINT_HEAD + PRINT + "G1 X30 E.5|M104 S0|M140 S0|").replace("|", "\n").encode()


@pytest.fixture
def program(tmp_path):
    path = tmp_path / "program.gcode"
    path.write_bytes(PROGRAM)
    return path


@pytest.fixture(autouse=True)
def _no_waits(monkeypatch):
    monkeypatch.setattr(couriers, "FIRST_WAIT_S", 0.0)


class Gallery:
    """A server that answers as it is told, and keeps what it is shown."""

    def __init__(self, *answers, wants=True):
        self.answers, self.wants = list(answers), wants
        self.asked, self.sketches, self.programs = 0, [], []
        self.stopping = Event()

    def show_toolpath(self, attempt_id, sketch):
        self.asked += 1
        answer = self.answers.pop(0) if self.answers else None
        if not self.answers:
            self.stopping.set()
        if answer is not None:
            raise answer
        self.sketches.append((attempt_id, sketch))
        return ToolpathReceipt(wants_program=self.wants)

    def show_program(self, attempt_id, packed):
        self.programs.append((attempt_id, packed.read_bytes()))


def sketch():
    return Sketch(
        process="fdm", program_sha256="ab" * 32, line_count=1, is_whole=True, bed=(0, 0, 9, 9),
        view=(0, 0, 9, 9), cell_mm=1, row_mm=1, tool_mm=0.4, height_mm=(0, 1), plan=(), side=(),
    )  # fmt: skip


def delivered(gallery, program):
    def draw(path, mark, out_dir):
        packed = out_dir / "packed"
        packed.write_bytes(b"zipped")
        return Drawn(sketch(), packed)

    courier = Courier(draw, program.with_name("drawings"))
    courier.put(Shown("a1", program))
    courier.run(gallery, gallery.stopping)
    return gallery


@pytest.mark.slow
def test_a_program_is_drawn_and_packed_in_a_child(program, tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    drawn = draw_program(program, printer(), mark=(20.0, 10.0, None), out_dir=out)
    assert [strokes.kind for strokes in drawn.sketch.plan] == [Kind.FIRST]
    assert drawn.sketch.mark == (20, 10, None)
    assert drawn.sketch.line_count == PROGRAM.count(b"\n")
    assert drawn.sketch.program_sha256 == sha256(PROGRAM).hexdigest()
    assert gzip.decompress(drawn.packed.read_bytes()) == PROGRAM


@pytest.mark.slow
def test_a_program_that_is_gone_is_not_shown_and_hurts_nobody(program, tmp_path):
    gallery = Gallery()
    courier = Courier(drawing_for(printer()), tmp_path / "drawings")
    courier.put(Shown("a0", tmp_path / "evicted.gcode"))
    courier.put(Shown("a1", program))
    courier.run(gallery, gallery.stopping)
    assert [attempt for attempt, _ in gallery.sketches] == ["a1"]


def test_sketch_and_program_are_told(program):
    gallery = delivered(Gallery(), program)
    assert gallery.sketches == [("a1", sketch())]
    assert gallery.programs == [("a1", b"zipped")]


def test_a_program_that_the_server_has_is_not_sent_again(program):
    assert delivered(Gallery(wants=False), program).programs == []


def test_what_comes_before_its_event_or_meets_silence_is_told_again(program):
    gallery = Gallery(Conflict("not yet"), Unavailable("away"), None)
    gallery.stopping = Event()  # set with the last answer
    assert len(delivered(gallery, program).sketches) == 1


@pytest.mark.parametrize(
    ("answers", "asked"),
    [([Unavailable("away")] * 9, couriers.TRIES), ([InvalidInput("no")] * 2, 1)],
)
def test_nobody_insists(program, answers, asked):
    gallery = Gallery(*answers)
    courier = Courier(lambda *_: Drawn(sketch(), None), program.with_name("drawings"))
    courier.put(Shown("a1", program))
    shown = Shown("a1", program)
    with pytest.raises((Unavailable, InvalidInput)):
        courier._deliver(shown, gallery, Event())
    assert gallery.asked == asked


def test_an_agent_that_is_stopped_waits_for_no_answer(program):
    gallery, stopping = Gallery(*[Unavailable("away")] * 9), Event()
    stopping.set()
    courier = Courier(lambda *_: Drawn(sketch(), None), program.with_name("drawings"))
    courier._deliver(Shown("a1", program), gallery, stopping)
    assert gallery.asked == 1


def test_what_a_killed_agent_left_of_its_drawings_is_gone_and_nothing_is_left_of_ours(program):
    left = program.with_name("drawings") / "tmp1" / "program.gz"
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half")
    assert len(delivered(Gallery(), program).sketches) == 1
    assert list(program.with_name("drawings").iterdir()) == []
