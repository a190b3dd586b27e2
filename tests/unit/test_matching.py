"""Which machines can build a part, and the first reason why the others cannot."""

from dataclasses import replace

import pytest

from commons.machine import Process
from commons.matching import (
    MARGIN_MM,
    MASS_RESERVE,
    THICKNESS_TOLERANCE_MM,
    BuildNeed,
    MachineOffer,
    Refusal,
    candidates,
)
from tests.profiles import printer, router

HOOK = BuildNeed(Process.FDM, (60, 40, 30), "pla", mass_g=20)
BOARD = BuildNeed(Process.CNC, (300, 200, 12), "plywood", mass_g=200, thickness_mm=12)
PRINTER = MachineOffer("p", "Printer", printer(), "pla", mass_left_g=500)
ROUTER = MachineOffer("r", "Router", router(), "plywood", loaded_thickness_mm=12)


def refusal(need: BuildNeed, machine: MachineOffer) -> Refusal | None:
    (answer,) = candidates(need, [machine])
    return answer.refusal


def test_a_machine_that_can_build_it_says_so() -> None:
    (answer,) = candidates(HOOK, [PRINTER])
    assert (answer.refusal, answer.sentence) == (None, "Printer can build this")


def test_every_machine_answers_in_the_order_given() -> None:
    answers = candidates(HOOK, [ROUTER, PRINTER])
    assert [(a.machine_id, a.refusal) for a in answers] == [("r", Refusal.PROCESS), ("p", None)]


@pytest.mark.parametrize(
    ("need", "machine", "code", "words"),
    [
        (HOOK, ROUTER, Refusal.PROCESS, "Router does CNC, this part needs FDM"),
        (replace(HOOK, size_mm=(60, 40, 211)), PRINTER, Refusal.SIZE,
         "Printer has 250 × 210 × 210 mm, this part is 60 × 40 × 211 mm and needs 3 mm around it"),
        (replace(HOOK, material="petg"), PRINTER, Refusal.MATERIAL,
         "Printer has pla loaded, this part is to be made of petg"),
        (HOOK, replace(PRINTER, loaded_material=None), Refusal.MATERIAL,
         "Printer has nothing loaded, this part is to be made of pla"),
        (HOOK, replace(PRINTER, mass_left_g=21.9), Refusal.MASS_LEFT,
         "Printer has 22 g left, this part needs 22 g with reserve"),
        (BOARD, replace(ROUTER, loaded_thickness_mm=9.0), Refusal.THICKNESS,
         "Router has a sheet of 9 mm, this part is drawn for 12 mm"),
    ],
)  # fmt: skip
def test_a_refusal_says_which_machine_and_why(
    need: BuildNeed, machine: MachineOffer, code: Refusal, words: str
) -> None:
    (answer,) = candidates(need, [machine])
    assert (answer.refusal, answer.sentence) == (code, words)


def test_the_first_reason_is_told_when_everything_is_wrong() -> None:
    need = BuildNeed(Process.CNC, (9e3, 9e3, 9e3), "plywood", mass_g=9e9, thickness_mm=99)
    machine = replace(PRINTER, loaded_thickness_mm=1.0)
    assert refusal(need, machine) is Refusal.PROCESS
    need = replace(need, process=Process.FDM)
    for reason, better in [
        (Refusal.SIZE, {"size_mm": (1, 1, 1)}),
        (Refusal.MATERIAL, {"material": "pla"}),
        (Refusal.MASS_LEFT, {"mass_g": 1}),
        (Refusal.THICKNESS, {"thickness_mm": 1.0}),
    ]:
        assert refusal(need, machine) is reason
        need = replace(need, **better)
    assert refusal(need, machine) is None


def test_a_part_may_be_turned_on_the_bed_but_not_stood_up() -> None:
    margin = 2 * MARGIN_MM[Process.FDM]
    fits = (210 - margin, 250 - margin, 210)
    assert refusal(replace(HOOK, size_mm=fits), PRINTER) is None
    assert refusal(replace(HOOK, size_mm=(fits[1], fits[0], 210)), PRINTER) is None
    assert refusal(replace(HOOK, size_mm=(30, 40, 240)), PRINTER) is Refusal.SIZE


def test_the_margin_belongs_to_the_part() -> None:
    margin = 2 * MARGIN_MM[Process.FDM]
    tight = replace(HOOK, size_mm=(250 - margin, 210 - margin, 210))
    assert refusal(tight, PRINTER) is None
    assert refusal(replace(tight, size_mm=(250.1 - margin, 210 - margin, 210)), PRINTER)


def test_a_spool_must_hold_the_reserve_too() -> None:
    exactly = replace(PRINTER, mass_left_g=20 * MASS_RESERVE)
    assert refusal(HOOK, exactly) is None
    assert refusal(HOOK, replace(exactly, mass_left_g=20.0)) is Refusal.MASS_LEFT


def test_sheets_of_one_nominal_thickness_pass() -> None:
    off = THICKNESS_TOLERANCE_MM
    assert refusal(BOARD, replace(ROUTER, loaded_thickness_mm=12 + off)) is None
    assert refusal(BOARD, replace(ROUTER, loaded_thickness_mm=12 - off)) is None
    assert refusal(BOARD, replace(ROUTER, loaded_thickness_mm=12.1 + off)) is Refusal.THICKNESS


def test_what_nobody_knows_lets_a_machine_pass() -> None:
    unknown = BuildNeed(Process.FDM, None, "pla")
    assert refusal(unknown, replace(PRINTER, mass_left_g=0.0)) is None
    assert refusal(HOOK, replace(PRINTER, mass_left_g=None)) is None
    assert refusal(BOARD, replace(ROUTER, loaded_thickness_mm=None)) is None
