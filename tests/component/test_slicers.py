"""Slicers that lie, hang and die, through the real sandbox; and what a real one lets pass."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from commons.errors import ProgramRefused, Unavailable
from commons.machine import MATERIALS
from fab_agent.finishing import finished_print
from fab_agent.gcode.clean import bare_lines
from fab_agent.sandbox import Limits
from fab_agent.slicing.dust import without_dust
from fab_agent.slicing.mesh import binary_stl
from fab_agent.slicing.options import PrintOptions
from fab_agent.slicing.plate import MeshFacts
from fab_agent.slicing.profile import print_profile
from fab_agent.slicing.prusaslicer import PrusaSlicer
from fab_agent.slicing.slicer import SlicerIdentity, require_whole
from fab_agent.slicing.slicers import SLICERS, InstalledSlicer, find_slicer
from tests.corpus.calibration import part, triangles
from tests.profiles import printer

PROFILE = print_profile(printer(), material="pla", quality="draft", options=PrintOptions())
SHORT = Limits(memory_bytes=2**30, cpu_s=5, wall_s=0.3, file_bytes=2**20)
LONG = replace(SHORT, wall_s=20)
ECHO = """
while IFS= read -r line; do printf '; %s\\n' "$line"; done < /in/settings.ini > /out/raw.gcode
"""


@pytest.fixture
def fake(tmp_path):
    """A program that knows our settings, and does this when it is to slice."""

    def made(deed: str, limits: Limits = LONG, *, unknown: str = "") -> PrusaSlicer:
        keys = "\n".join(f" --{k.replace('_', '-')}" for k in PROFILE.settings if k != unknown)
        script = tmp_path / "tools" / "prusa-slicer"
        script.parent.mkdir()
        script.write_text(
            "#!/bin/sh\ncase $1 in\n"
            f"--help-fff) echo 'PrusaSlicer-9.9.9 based on Slic3r\n{keys}';;\n"
            f"*) {deed};;\nesac\n"
        )
        script.chmod(0o755)
        return PrusaSlicer(script, limits=limits)

    return made


def sliced(slicer, tmp_path, profile=PROFILE, **how):
    mesh, out = tmp_path / "part.stl", tmp_path / "out"
    mesh.write_bytes(part())
    out.mkdir()
    return slicer.slice(mesh, profile, options=PrintOptions(), out_dir=out, **how)


@pytest.mark.parametrize(
    ("deed", "sentence"),
    [
        ("exec sleep 60", "slicing failed: PrusaSlicer took longer than 0.3 s"),
        ("kill -SEGV $$", r"slicing failed: PrusaSlicer crashed \(SIGSEGV\)"),
        ("kill -ABRT $$", r"slicing failed: PrusaSlicer crashed \(SIGABRT\)"),
        (
            "echo no good >&2; exit 3",
            r"PrusaSlicer ended with code 3 \(no good\): simplify the mesh",
        ),
        (":", "PrusaSlicer wrote no program and said nothing: install"),
    ],
)
def test_a_slicer_that_hangs_or_dies_is_one_sentence(fake, tmp_path, deed, sentence):
    slicer = fake(deed, SHORT if "sleep" in deed else LONG)
    with pytest.raises(ProgramRefused, match=sentence) as refused:
        sliced(slicer, tmp_path)
    assert refused.value.rule == "slicer-failed"
    assert "\n" not in str(refused.value)


def test_a_slicer_outside_of_usr_is_asked_who_it_is(fake):
    assert fake(":").identity() == SlicerIdentity("PrusaSlicer", "9.9.9")


def test_a_key_that_it_does_not_know_is_refused_before_it_runs(fake, tmp_path):
    with pytest.raises(Unavailable, match="the slicer does not know travel_speed_z"):
        sliced(fake("exit 9", unknown="travel_speed_z"), tmp_path)


@pytest.mark.parametrize(
    ("mend", "sentence"),
    [
        ("filament_density = 0", "took '0' for filament_density = '1.24'"),
        ("filament_diameter = 2.85", "took '2.85' for filament_diameter = '1.75'"),
        ("fill_density = 100%", "took '100%' for fill_density = '15%'"),
        ("perimeter_speed = 60%", "took '60%' for perimeter_speed = '60'"),
        ("post_process = rm", "took 'rm' for post_process = ''"),
    ],
)
def test_a_value_that_it_mends_without_a_word_is_noticed(fake, tmp_path, mend, sentence):
    echo = f"{ECHO} printf '; {mend.replace('%', '%%')}\\n' >> /out/raw.gcode"
    with pytest.raises(ProgramRefused, match=sentence) as refused:
        sliced(fake(echo), tmp_path)
    assert refused.value.rule == "slicer-settings"


def test_a_key_that_it_drops_without_a_word_is_noticed(fake, tmp_path):
    deed = ECHO.replace("do printf", "do case $line in skirts*) ;; *) printf").replace(
        '"$line"; done', '"$line";; esac; done'
    )
    with pytest.raises(ProgramRefused, match="took nothing for skirts = '0'"):
        sliced(fake(deed), tmp_path)


def test_the_same_number_written_in_another_way_is_the_same(fake, tmp_path):
    slicer = fake(f"{ECHO} printf '; filament_diameter = 1.750\\n' >> /out/raw.gcode")
    assert sliced(slicer, tmp_path).layers == 0


CUBE = MeshFacts(volume_mm3=3700, size_mm=(20, 20, 15), faces=12, turned=False)


def finished(tmp_path, *, aside_mm):
    """A calibration part that lies so far aside of the bed's left front corner, sliced there."""
    mesh, out = tmp_path / "aside.stl", tmp_path / "out"
    mesh.write_bytes(binary_stl(triangles() + np.array((*aside_mm, 0))))
    out.mkdir()
    result = find_slicer().slice(mesh, PROFILE, options=PrintOptions(), out_dir=out, placed=True)
    program = tmp_path / "program.gcode"
    return finished_print(result, program, printer(), material=MATERIALS["pla"], area=PROFILE.area)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("aside_mm", "rule", "sentence"),
    [
        ((500, 500), "envelope", r"line \d+: .* leave out supports or brim, or choose a larger"),
        ((100, 7), "slicer-off-bed", r"reaches 0\.\d\d mm over the edge"),
    ],
)
def test_what_lies_beside_the_bed_is_sliced_by_it_and_refused_by_us(
    tmp_path, aside_mm, rule, sentence
):
    with pytest.raises(ProgramRefused, match=sentence) as refused:
        finished(tmp_path, aside_mm=aside_mm)
    assert refused.value.rule == rule
    raw = (tmp_path / "out" / "raw.gcode").read_bytes().splitlines(keepends=True)
    commands = without_dust(bare_lines(raw))
    kept = (tmp_path / "program.gcode").read_bytes()
    assert kept == b"".join(line + b"\n" for line in commands)
    assert not list(tmp_path.glob("*.part"))


@pytest.mark.slow
def test_what_lies_in_the_corner_of_the_bed_is_accepted(tmp_path):
    program = finished(tmp_path, aside_mm=(12.5, 18.5))
    assert program.sha256 == hashlib.sha256(program.path.read_bytes()).hexdigest()
    assert program.line_count == program.path.read_bytes().count(b"\n")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("key", "value"), [("filament_density", "0"), ("filament_diameter", "2.85")]
)
def test_another_filament_than_ours_is_sliced_by_it_and_refused_by_us(tmp_path, key, value):
    profile = replace(PROFILE, settings={**PROFILE.settings, key: value})
    result = sliced(find_slicer(), tmp_path, profile)
    with pytest.raises(ProgramRefused, match="took another filament") as refused:
        require_whole(result, CUBE, profile=profile, options=PrintOptions())
    assert refused.value.rule == "slicer-filament"


def test_the_first_slicer_that_is_installed_is_taken(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(Unavailable, match="no slicer is installed: install the package prusa-sl"):
        InstalledSlicer().identity()
    for name in ("PrusaSlicer", "other-slicer"):
        (tmp_path / name).touch(0o755)
    asked: list[Path] = []
    find_slicer({**SLICERS, "other-slicer": lambda path: asked.append(path)})
    assert not asked
    find_slicer({"other-slicer": lambda path: asked.append(path), **SLICERS})
    assert asked == [tmp_path / "other-slicer"]
