"""The agent's cache on a real disk: by hash, first one stays, oldest goes first, held stays."""

import os
import threading
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from commons.errors import ProgramRefused, Unavailable
from commons.machine import Driver, Envelope, MachineProfile, PrintLimits, Process
from commons.wire import Orientation
from fab_agent.cache import Cache, program_key
from fab_agent.gcode.program import Estimate, GcodeProgram
from fab_agent.prepare import OtherPart, Plan, prepare
from fab_agent.slicing.options import PrintOptions
from fab_agent.slicing.profile import SlicerProfile
from fab_agent.slicing.slicer import SliceResult, SlicerIdentity, refusal

PARTS = {"file": "cube", "slicer": "one"}


def hash_of(data: bytes) -> str:
    return sha256(data).hexdigest()


def keep(cache, parts, data=b"G28\n"):
    with cache.workspace() as folder:
        path = folder / "made"
        path.write_bytes(data)
        estimate = Estimate(duration_s=1.5, material_mm3=None, claimed_duration_s=2.0)
        made = GcodeProgram(path, hash_of(data), data.count(b"\n"), Process.FDM, estimate)
        return cache.keep_program(parts, made)


@pytest.fixture
def root(tmp_path):
    return tmp_path / "cache"


@pytest.fixture
def cache(root):
    with Cache(root, max_bytes=1000) as opened:
        yield opened


def test_a_program_keeps_its_cutters(cache):
    with cache.workspace() as folder:
        path = folder / "made"
        path.write_bytes(b"M0\n")
        made = GcodeProgram(
            path, hash_of(b"M0\n"), 1, Process.CNC, Estimate(1.0, None),
            cutters_mm=(3.0, 1.5), cutter_shapes=("flat", "ball"),
        )  # fmt: skip
        cache.keep_program({"plan": "two cutters"}, made)
    kept = cache.program({"plan": "two cutters"})
    assert (kept.cutters_mm, kept.cutter_shapes) == ((3.0, 1.5), ("flat", "ball"))


def test_a_file_is_found_under_its_hash(cache):
    path = cache.put_file(hash_of(b"part"), [b"pa", b"rt"])
    assert path.read_bytes() == b"part"
    assert cache.file(hash_of(b"part")) == path
    assert cache.file(hash_of(b"other")) is None


def test_a_file_that_arrived_damaged_leaves_no_trace(cache, root):
    with pytest.raises(Unavailable, match="arrived damaged: fetch it again"):
        cache.put_file(hash_of(b"part"), [b"pa"])
    assert [path for path in root.rglob("*") if path.is_file() and path.stat().st_size] == []


def test_a_transfer_that_breaks_leaves_no_trace(cache, root):
    def breaks():
        yield b"pa"
        raise Unavailable("the server went away")

    with pytest.raises(Unavailable, match="went away"):
        cache.put_file(hash_of(b"part"), breaks())
    assert list((root / "aside").iterdir()) == []


def test_a_file_that_rotted_on_the_disk_counts_as_absent(cache):
    cache.put_file(hash_of(b"part"), [b"part"]).write_bytes(b"pert")
    assert cache.file(hash_of(b"part")) is None
    assert cache.put_file(hash_of(b"part"), [b"part"]).read_bytes() == b"part"


def test_a_program_comes_back_with_all_that_is_known_about_it(cache, root):
    kept = keep(cache, PARTS)
    with Cache(root, max_bytes=1000) as later:
        assert later.program(PARTS) == kept
    assert kept.path.parent.name == program_key(PARTS)
    assert kept.estimate == Estimate(1.5, None, 2.0, None)


def test_any_other_part_of_the_key_is_another_program(cache):
    keep(cache, PARTS)
    assert cache.program(PARTS | {"slicer": "two"}) is None
    assert cache.program(PARTS | {"more": ""}) is None


def test_the_first_program_under_a_key_stays(cache):
    first = keep(cache, PARTS, b"G28\n")
    assert keep(cache, PARTS, b"G28\nM84\n") == first
    assert first.path.read_bytes() == b"G28\n"


@pytest.mark.parametrize("name", ["program.gcode", "program.json"])
@pytest.mark.parametrize("damage", [b"", b"M84\n"])
def test_a_damaged_program_counts_as_absent_and_can_be_made_again(cache, name, damage):
    kept = keep(cache, PARTS)
    kept.path.with_name(name).write_bytes(damage)
    assert cache.program(PARTS) is None
    assert keep(cache, PARTS).path.read_bytes() == b"G28\n"


def put_aged(root, names):
    """Files of 400 bytes, the first used longest ago; nobody holds them."""
    hashes = []
    with Cache(root, max_bytes=10_000) as cache:
        for age, name in enumerate(reversed(names)):
            data = name.encode() * 400
            path = cache.put_file(hash_of(data), [data])
            os.utime(path, (1000 - age, 1000 - age))
            hashes.insert(0, hash_of(data))
    return hashes


def test_what_was_used_longest_ago_goes_first(root, cache):
    a, b, c = put_aged(root, "abc")
    keep(cache, PARTS, b"G28\n")
    assert [cache.file(x) is not None for x in (a, b, c)] == [False, True, True]


def test_use_keeps_a_file_from_going(root, cache):
    a, b, c = put_aged(root, "abc")
    with Cache(root, max_bytes=1000) as other:
        assert other.file(a)
    keep(cache, PARTS, b"G28\n")
    assert [cache.file(x) is not None for x in (a, b, c)] == [True, False, True]


def test_what_somebody_holds_stays_however_full_it_is(root, cache):
    a, b, c = put_aged(root, "abc")
    with Cache(root, max_bytes=1000) as attempt:
        assert attempt.file(a)
        assert attempt.file(b)
        os.utime(attempt.file(a), (1, 1))
        kept = keep(cache, PARTS, b"G28\n" * 100)
        assert cache.file(a)
        assert cache.file(b)
        assert cache.file(c) is None
        assert kept.path.exists()


def test_what_is_no_longer_held_may_go(root, cache):
    a, b, _ = put_aged(root, "abc")
    with Cache(root, max_bytes=1000) as attempt:
        assert attempt.file(a)
        os.utime(attempt.file(a), (1, 1))
    keep(cache, PARTS)
    assert [cache.file(x) is not None for x in (a, b)] == [False, True]


def test_programs_are_evicted_whole(root):
    with Cache(root, max_bytes=10) as cache:
        keep(cache, PARTS, b"G28\nM84\n")
    with Cache(root, max_bytes=10) as cache:
        keep(cache, {"file": "other"}, b"G28\nM84\n")
        assert cache.program(PARTS) is None
        assert len(list((root / "programs").iterdir())) == 1
        assert list((root / "aside").iterdir()) == []


PRINTER = MachineProfile(
    name="ender-1",
    process=Process.FDM,
    driver=Driver.MARLIN,
    envelope=Envelope(x_max_mm=120, y_max_mm=110, z_max_mm=60),
    max_feed_mm_s=100,
    max_feed_z_mm_s=8,
    materials=("pla", "petg"),
    fdm=PrintLimits(),
)
FACETS = ("000 0y0 x00", "000 x00 00z", "000 00z 0y0", "x00 0y0 00z")
TETRAHEDRON = ("solid\n" + "".join(
    "facet normal 0 0 0\nouter loop\n"
    + "".join(f"vertex {' '.join('20' if c in 'xyz' else '0' for c in at)}\n" for at in f.split())
    + "endloop\nendfacet\n"
    for f in FACETS
) + "endsolid\n").encode()  # fmt: skip
RAW = b"""; made in memory
G90
M83
M104 S210
G28
M109 S210
G1 X50 Y50 Z0.2 F600
G1 X60 Y50 E180 F120 ; the whole part
M104 S0
M140 S0
"""


class FakeSlicer:
    """Writes RAW for whatever it gets, and counts."""

    def __init__(self, version="1.0"):
        self.calls = 0
        self.version = version

    def identity(self) -> SlicerIdentity:
        return SlicerIdentity("fake", self.version)

    def slice(
        self,
        mesh: Path,
        profile: SlicerProfile,
        *,
        options: PrintOptions,
        out_dir: Path,
        placed: bool = False,
    ) -> SliceResult:
        self.calls += 1
        gcode = out_dir / "raw.gcode"
        gcode.write_bytes(RAW)
        at = np.dtype([("", "<f4", 3), ("at", "<f4", (3, 3)), ("", "<u2")])
        top_mm = float(np.frombuffer(mesh.read_bytes()[84:], dtype=at)["at"][..., 2].max())
        return SliceResult(gcode, 100, top_mm, 60.0, 180.0, 0.54)


@pytest.fixture
def order(tmp_path, root):
    """Prepare the tetrahedron, each time with a cache opened anew, as an attempt does."""
    file = tmp_path / "part.stl"
    file.write_bytes(TETRAHEDRON)

    def ordered(slicer, *, machine=PRINTER, **wish):
        plan = Plan(
            file=file,
            sha256=hash_of(TETRAHEDRON),
            filename="part.stl",
            process=Process.FDM,
            **({"material": "pla"} | wish),
        )
        with Cache(root, max_bytes=10**6) as cache:
            return prepare(plan, machine, cache=cache, slicer=slicer, progress=str)

    return ordered


@pytest.mark.slow
def test_a_program_that_older_rules_let_pass_is_made_and_proved_anew(order, monkeypatch):
    slicer = FakeSlicer()
    order(slicer)
    monkeypatch.setattr("fab_agent.prepare.RULES_VERSION", "another")
    order(slicer)
    assert slicer.calls == 2


@pytest.mark.slow
def test_a_refused_program_is_kept_beside_its_picture(order, root):
    small = Envelope(x_max_mm=55, y_max_mm=200, z_max_mm=200)
    machine = PRINTER.model_copy(update={"envelope": small})
    with pytest.raises(ProgramRefused, match=r"X60\.0000 .*picture in refused/\w+\.svg") as refused:
        order(FakeSlicer(), machine=machine)
    assert (refused.value.rule, refused.value.value) == ("envelope", "X60.0000 mm")
    drawn, program = sorted((root / "refused").iterdir(), key=lambda path: path.suffix)[::-1]
    assert str(refused.value).endswith(drawn.name)
    assert 'class="refused"' in drawn.read_text()
    assert b"X60" in program.read_bytes()
    assert refused.value.program == program


def test_only_the_last_refused_programs_are_kept(cache, root):
    for number in range(8):
        with cache.workspace() as aside:
            (aside / "program.gcode").write_bytes(b"G28\n" * number)
            kept = cache.keep_refused(aside / "program.gcode")
        kept.with_suffix(".svg").write_text("<svg/>")
        os.utime(kept, ns=(number, number))
    assert len(list((root / "refused").glob("*.gcode"))) == 5
    assert len(list((root / "refused").glob("*.svg"))) == 5
    assert kept.exists()


@pytest.mark.slow
def test_the_second_order_of_a_part_is_not_sliced(order):
    slicer = FakeSlicer()
    first = order(slicer)
    assert order(slicer) == first
    assert order(slicer, machine=PRINTER.model_copy(update={"name": "ender-2"})) == first
    assert slicer.calls == 1
    assert b";" not in first.path.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize(
    "wish",
    [
        {"material": "petg", "machine": PRINTER},
        {"quality": "draft"},
        {"options": PrintOptions(infill=0.3)},
        {"options": PrintOptions(scale=1.01)},
        {"options": PrintOptions(copies=2)},
        {"options": PrintOptions(orientation=Orientation.SUGGESTED)},
        {"machine": PRINTER.model_copy(update={"max_feed_mm_s": 90.0})},
        {"machine": PRINTER.model_copy(update={"materials": ("pla",)})},
    ],
)
def test_another_way_of_making_it_is_sliced_anew(order, wish):
    slicer = FakeSlicer()
    order(slicer)
    order(slicer, **wish)
    assert slicer.calls == 2


@pytest.mark.slow
def test_a_plate_is_sliced_once_however_its_parts_lie(order, tmp_path):
    other = tmp_path / "other.stl"
    other.write_bytes(TETRAHEDRON)
    part = OtherPart(other, hash_of(TETRAHEDRON), "other.stl", copies=2)
    options = PrintOptions(copies=3, infill=0.05, orientation=Orientation.SUGGESTED)
    slicer = FakeSlicer()
    first = order(slicer, options=options, also=(part,))
    assert order(slicer, options=options, also=(part,)) == first
    assert slicer.calls == 1
    assert first.pose.startswith("part.stl: ")
    order(slicer, options=options, also=(replace(part, copies=1),))
    assert slicer.calls == 2


@pytest.mark.slow
def test_a_new_version_of_the_slicer_slices_anew(order):
    order(FakeSlicer("1.0"))
    newer = FakeSlicer("1.1")
    order(newer)
    assert newer.calls == 1


@pytest.mark.slow
def test_a_program_damaged_on_the_disk_is_made_again(order):
    slicer = FakeSlicer()
    order(slicer).path.write_bytes(b"M104 S299\n")
    assert b"S299" not in order(slicer).path.read_bytes()
    assert slicer.calls == 2


@pytest.mark.slow
def test_two_machines_that_need_a_part_at_once_slice_it_once(order):
    class Interrupted(FakeSlicer):
        """While it slices, a second machine asks for the same part."""

        def slice(self, *args, **more):
            second.start()
            return super().slice(*args, **more)

    slicer, programs = Interrupted(), []
    second = threading.Thread(target=lambda: programs.append(order(slicer)))
    programs.append(order(slicer))
    second.join(timeout=20)
    assert slicer.calls == 1
    assert programs[0] == programs[1]


@pytest.mark.slow
def test_what_could_not_be_sliced_leaves_nothing_and_is_tried_again(order, root):
    class Failing(FakeSlicer):
        def slice(self, *args, **more):
            super().slice(*args, **more)
            raise refusal("failed", "out of luck")

    slicer = Failing()
    for _ in range(2):
        with pytest.raises(ProgramRefused, match="out of luck"):
            order(slicer)
    assert slicer.calls == 2
    assert list((root / "programs").iterdir()) == list((root / "aside").iterdir()) == []
