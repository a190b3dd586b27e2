"""What a program that somebody brought tells of itself, and which machines it keeps from it."""

import pytest

from commons.errors import InvalidInput
from commons.machine import Driver, Process
from commons.matching import BuildNeed, MachineOffer, Refusal, candidates
from commons.own_programs import ProgramTraits, read_traits
from tests.own_programs import CURA, PRUSA, ROUTER, reaching
from tests.profiles import printer, router


def cut(program: bytes, size: int) -> list[bytes]:
    return [program[at : at + size] for at in range(0, len(program), size)]


def test_what_prusaslicer_says_and_what_the_moves_say_is_known_however_it_is_cut() -> None:
    known = read_traits([PRUSA])
    assert known == ProgramTraits(
        process=Process.FDM, low=(90, 90, 0.2), high=(110, 110, 0.2), hotend_c=215, bed_c=60,
        dialect="marlin2", printer="MK3S", material="pla", made_with="PrusaSlicer 2.9.2",
        duration_s=3723, mass_g=0.01,
    )  # fmt: skip
    assert all(read_traits(cut(PRUSA, size)) == known for size in (1, 7, 100))


def test_what_cura_and_orcaslicer_say_is_known_too() -> None:
    cura = read_traits([CURA])
    assert (cura.made_with, cura.printer, cura.duration_s) == (
        "Cura_SteamEngine 5.7.1", "Creality Ender-3", 3661)  # fmt: skip
    assert cura.mass_g is None, "Cura says a length, and of which filament nobody knows"
    orca = PRUSA.replace(
        b"; estimated printing time (normal mode) = 1h 2m 3s",
        b"; model printing time: 58m 1s; total estimated time: 1h 0m 5s",
    ).replace(b"; filament used [g] = 0.01", b"; total filament used [g] = 1.00, 2.50")
    told = read_traits([orca])
    assert (told.duration_s, told.mass_g) == (3605, 3.5)


@pytest.mark.parametrize("odd", [b"G91\nG1 X900\nG90\n", b"G1 X90 ; X999\n", b"M203 X500 Y500\n"])
def test_only_absolute_moves_tell_how_far_it_reaches(odd: bytes) -> None:
    assert read_traits([PRUSA.replace(b";LAYER_CHANGE\n", odd)]).high == (110, 110, 0.2)


@pytest.mark.parametrize("odd", [b"G92 X0 Y0\n", b"G20\n"])
def test_with_a_zero_or_units_of_its_own_its_places_are_not_known(odd: bytes) -> None:
    assert read_traits([PRUSA.replace(b";LAYER_CHANGE\n", odd)]).high is None


@pytest.mark.parametrize(
    ("file", "why"),
    [
        (b"", "no G-code move"),
        (b"solid cube\nfacet normal 0 0 1\n", "no G-code move"),
        (b"GCDE\x01\0\0\0", "binary G-code"),
        (b"PK\x03\x04\0\0", "it is no text"),
        (b"G1 X1\n" + b"X" * 70_000, "longer than any command"),
        (b"G1 X1 Y1\nG0 X0\n", "it does neither"),
        (PRUSA + b"M3 S100\n", "heats a nozzle and turns a spindle"),
    ],
)
def test_what_is_no_program_is_refused_in_a_sentence(file: bytes, why: str) -> None:
    with pytest.raises(InvalidInput, match=why):
        read_traits([file])


def answer(program: bytes, material: str = "pla", **machine: object) -> Refusal | None:
    traits = read_traits([program])
    profile = printer("M", **machine) if traits.process is Process.FDM else router("M", **machine)
    need = BuildNeed(traits.process, None, material, program=traits)
    (found,) = candidates(need, [MachineOffer("m", "M", profile, "pla")])
    return found.refusal


def test_a_program_for_another_machine_is_kept_from_it_as_far_as_it_tells() -> None:
    assert answer(PRUSA) is None
    assert answer(PRUSA, material="") is None, "nobody told the material: what is loaded will do"
    assert answer(PRUSA, material="petg") is Refusal.MATERIAL
    assert answer(reaching(400)) is Refusal.SIZE
    assert answer(PRUSA.replace(b"S215", b"S275")) is Refusal.TEMPERATURE
    assert answer(PRUSA.replace(b"marlin2", b"makerware")) is Refusal.PROCESS
    klipper = PRUSA.replace(b"marlin2", b"klipper")
    assert answer(klipper) is Refusal.PROCESS
    assert answer(klipper, driver=Driver.MOONRAKER) is None
    assert answer(ROUTER, material="") is None
