"""Which machines can build a part, and the first reason why the others cannot."""

from dataclasses import replace

import pytest

from commons.cutters import MillCutter
from commons.fleet import Fleet
from commons.lots import MASS_RESERVE
from commons.machine import (
    Envelope,
    KeepOut,
    MachineProfile,
    MillLimits,
    PlateType,
    PrintLimits,
    Process,
)
from commons.matching import (
    _FILTERS,
    THICKNESS_TOLERANCE_MM,
    BuildNeed,
    MachineOffer,
    Refusal,
    candidates,
    capacity,
)
from commons.tooling import changes
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


def test_a_fleet_answers_what_its_machines_answer_one_by_one() -> None:
    """Those that are alike are asked once: they differ in name, in what is loaded, in make."""
    small = printer("Small", envelope=Envelope(x_max_mm=50, y_max_mm=50, z_max_mm=50))
    loads = [
        {"loaded_material": "pla", "mass_left_g": 500.0},
        {"loaded_material": "pla", "mass_left_g": 499.0},
        {"loaded_material": "pla", "mass_left_g": 5.0},
        {"loaded_material": "pla", "mass_left_g": 5.0, "next_lot": "the new one"},
        {"loaded_material": "pla", "mass_left_g": 6.0},
        {"loaded_material": "petg", "mass_left_g": 500.0},
        {"loaded_material": None},
    ]
    sheets = [
        {"loaded_thickness_mm": 12.0},
        {"loaded_thickness_mm": 6.0},
        {"loaded_thickness_mm": 12.0, "loaded_sheet_mm": (100.0, 100.0)},
    ]
    offers = [
        *(MachineOffer(f"{name}{n}", f"{name} {n}", profile, **load)
          for name, profile in (("A", printer("A")), ("B", printer("B")), ("S", small))
          for n, load in enumerate(loads)),
        *(MachineOffer(f"R{n}", f"Router {n}", router(), "plywood", **it)
          for n, it in enumerate(sheets)),
    ]  # fmt: skip
    fleet = Fleet(offers)
    for need in (HOOK, BOARD, replace(HOOK, mass_g=None), replace(HOOK, size_mm=(60, 40, 211))):
        assert fleet.answers(need) == candidates(need, offers)
    assert len({it.sentence.partition(" ")[2] for it in fleet.answers(HOOK)}) > 5


def test_every_machine_answers_in_the_order_given() -> None:
    answers = candidates(HOOK, [ROUTER, PRINTER])
    assert [(a.machine_id, a.refusal) for a in answers] == [("r", Refusal.PROCESS), ("p", None)]


@pytest.mark.parametrize(
    ("need", "machine", "code", "words"),
    [
        (HOOK, ROUTER, Refusal.PROCESS, "Router does CNC, this part needs FDM"),
        (replace(HOOK, size_mm=(60, 40, 211)), PRINTER, Refusal.SIZE,
         "Printer has room for 246 × 200 × 209 mm, this part is 60 × 40 × 211 mm; laid on another "
         "side it fits: order it with the suggested orientation"),
        (replace(HOOK, material="petg"), PRINTER, Refusal.MATERIAL,
         "Printer has pla loaded, this part is to be made of petg"),
        (HOOK, replace(PRINTER, loaded_material=None), Refusal.MATERIAL,
         "Printer has nothing loaded, this part is to be made of pla"),
        (HOOK, replace(PRINTER, mass_left_g=21.9), Refusal.MASS_LEFT,
         "Printer has 22 g left, this part needs 22 g with reserve"),
        (BOARD, replace(ROUTER, loaded_thickness_mm=9.0), Refusal.THICKNESS,
         "Router has a sheet of 9 mm, this part is drawn for 12 mm"),
        (BOARD, replace(ROUTER, loaded_sheet_mm=(290.0, 190.0)), Refusal.SHEET,
         "Router has a sheet of 290 × 190 mm, this part is 300 × 200 mm"),
    ],
)  # fmt: skip
def test_a_refusal_says_which_machine_and_why(
    need: BuildNeed, machine: MachineOffer, code: Refusal, words: str
) -> None:
    (answer,) = candidates(need, [machine])
    assert (answer.refusal, answer.sentence) == (code, words)


# What is wrong with a print for one machine, filter by filter, and what mends it: with all of it
# wrong the first is told, and each mended shows the next.
WRONG = replace(
    HOOK, process=Process.CNC, size_mm=(9e3, 9e3, 9e3), material="petg", mass_g=9e9,
    thickness_mm=99, nozzle_mm=0.6,
)  # fmt: skip
ALL_WRONG = MachineOffer(
    "p", "Printer", printer(fdm=PrintLimits(hotend_max_c=220, plate=PlateType.GLASS)), "pla",
    mass_left_g=500, loaded_thickness_mm=1.0, loaded_sheet_mm=(0.5, 0.5),
)  # fmt: skip
MENDED = {
    Refusal.PROCESS: lambda need, it: (replace(need, process=Process.FDM), it),
    Refusal.SIZE: lambda need, it: (replace(need, size_mm=(1, 1, 1)), it),
    Refusal.MATERIAL: lambda need, it: (need, replace(it, loaded_material="petg")),
    Refusal.MASS_LEFT: lambda need, it: (replace(need, mass_g=1), it),
    Refusal.THICKNESS: lambda need, it: (replace(need, thickness_mm=1.0), it),
    Refusal.SHEET: lambda need, it: (replace(need, size_mm=(0.5, 0.5, 1)), it),
    Refusal.TOOL: lambda need, it: (replace(need, nozzle_mm=0.4), it),
    Refusal.TEMPERATURE: lambda need, it: (
        need, replace(it, profile=printer(fdm=PrintLimits(plate=PlateType.GLASS)))
    ),
    Refusal.PLATE: lambda need, it: (
        need, replace(it, profile=printer(fdm=PrintLimits(plate=PlateType.TEXTURED_PEI)))
    ),
}  # fmt: skip


def test_the_first_reason_is_told_when_everything_is_wrong() -> None:
    need, machine, told = WRONG, ALL_WRONG, []
    while reason := refusal(need, machine):
        told.append(reason)
        need, machine = MENDED[reason](need, machine)
    assert told == list(MENDED)


def test_filters_are_asked_in_the_order_of_their_codes() -> None:
    """Each at its place; the table above has a case for those that a machine alone decides."""
    order = list(Refusal)
    asked = [order.index(code) for code, _ in _FILTERS]
    assert asked == sorted(asked)
    assert set(MENDED) <= {code for code, _ in _FILTERS}


ENCLOSED = PrintLimits(enclosed=True, hotend_max_c=280, bed_max_c=110)


@pytest.mark.parametrize(
    ("need", "profile", "code", "words"),
    [
        (replace(HOOK, nozzle_mm=0.6), printer(), Refusal.TOOL,
         "has a 0.4 mm nozzle, this is to be printed with 0.6 mm: change it or order 0.4 mm"),
        (replace(HOOK, material="tpu"), printer(fdm=PrintLimits(nozzle_mm=0.25)), Refusal.TOOL,
         "has a 0.25 mm nozzle, which TPU (95A) clogs: put one of at least 0.4 mm in"),
        (replace(HOOK, material="petg-cf"), printer(), Refusal.TOOL,
         "has a nozzle that PETG with carbon fibre wears out: put a hardened one in"),
        (replace(BOARD, carved=False), router(cnc=MillLimits(cutter_shape="ball")), Refusal.TOOL,
         "has only ball cutters, which leave an edge under what they cut out: put a flat one in, "
         "or order it carved as a surface"),
        (replace(HOOK, material="petg"), printer(fdm=PrintLimits(hotend_max_c=230)),
         Refusal.TEMPERATURE, "has a hot end of up to 230 °C, and PETG needs 240 °C: choose "
         "another machine or material"),
        (HOOK, printer(fdm=PrintLimits(hotend_max_c=400, extrude_min_c=300)), Refusal.TEMPERATURE,
         "extrudes nothing below 300 °C, and PLA burns above 235 °C: choose another machine or "
         "material"),
        (replace(HOOK, material="abs"),
         printer(fdm=ENCLOSED.model_copy(update={"bed_max_c": 60})), Refusal.TEMPERATURE,
         "has a bed of up to 60 °C, and ABS needs 80 °C: choose another machine or material"),
        (replace(HOOK, material="abs"), printer(), Refusal.PLATE,
         "is open, and ABS needs walls and a lid: choose an enclosed printer"),
        (replace(HOOK, material="petg"),
         printer(fdm=PrintLimits(plate=PlateType.SMOOTH_PEI)), Refusal.PLATE,
         "has a smooth PEI plate, which PETG tears: put a textured one on, and say so in "
         "agent.toml"),
    ],
)  # fmt: skip
def test_what_nozzle_heat_and_plate_lack_is_told_with_what_to_do(
    need: BuildNeed, profile: MachineProfile, code: Refusal, words: str
) -> None:
    offer = MachineOffer("m", profile.name, profile, need.material)
    (answer,) = candidates(need, [offer])
    assert (answer.refusal, answer.sentence) == (code, f"{profile.name} {words}")


def test_what_a_machine_has_for_it_passes() -> None:
    enclosed = MachineOffer("p", "Printer", printer(fdm=ENCLOSED), "abs")
    assert refusal(replace(HOOK, material="abs", nozzle_mm=0.4), enclosed) is None
    balls = replace(ROUTER, profile=router(cnc=MillLimits(cutter_shape="ball")))
    assert refusal(replace(BOARD, carved=True), balls) is None
    assert refusal(BOARD, balls) is None
    both = router(cnc=MillLimits(cutter_shape="ball", more_cutters=(MillCutter(diameter_mm=3),)))
    assert [changes(both, carved=carved) for carved in (True, False, None)] == [1, 1, 0]
    assert changes(printer(), carved=False) == 0


def test_a_part_may_be_turned_on_the_bed_but_not_stood_up() -> None:
    assert refusal(replace(HOOK, size_mm=(200, 246, 209)), PRINTER) is None
    assert refusal(replace(HOOK, size_mm=(246, 200, 209)), PRINTER) is None
    assert refusal(replace(HOOK, size_mm=(30, 40, 240)), PRINTER) is Refusal.SIZE
    assert refusal(replace(HOOK, size_mm=(30, 40, 240), any_side=True), PRINTER) is None


def test_the_room_around_a_print_belongs_to_it() -> None:
    tight = replace(HOOK, size_mm=(236, 190, 30), margin_mm=5)
    assert refusal(tight, PRINTER) is None
    assert refusal(replace(tight, size_mm=(236.1, 190, 30)), PRINTER) is Refusal.SIZE


def test_no_part_fits_where_something_stands_on_the_bed() -> None:
    clip = KeepOut(name="clip", x_min_mm=100, x_max_mm=140, y_min_mm=80, y_max_mm=90, z_max_mm=9)
    bed = Envelope(x_max_mm=250, y_max_mm=210, z_max_mm=210, keep_out=(clip,))
    (answer,) = candidates(
        replace(HOOK, size_mm=(150, 150, 20)), [replace(PRINTER, profile=printer(envelope=bed))]
    )
    assert answer.sentence.startswith(
        "Printer has room for 246 × 200 × 209 mm less what stands on it, this part is 150 × 150"
    )


@pytest.mark.parametrize(
    ("need", "machine", "fit"),
    [
        (HOOK, PRINTER, 12),
        (HOOK, replace(PRINTER, mass_left_g=100), 4),
        (HOOK, replace(PRINTER, mass_left_g=1), 1),
        (HOOK, replace(PRINTER, mass_left_g=100, loaded_material="petg"), 12),
        (replace(HOOK, margin_mm=5), PRINTER, 9),
        (replace(HOOK, size_mm=(40, 30, 60), any_side=True), PRINTER, 12),
        (replace(HOOK, size_mm=None), PRINTER, 1),
        (replace(HOOK, size_mm=(900, 900, 1)), PRINTER, 1),
        (replace(BOARD, mass_g=None), ROUTER, 2),
        (replace(BOARD, mass_g=None, size_mm=(100, 100, 0)), ROUTER, 12),
        (
            replace(BOARD, mass_g=None, size_mm=(100, 100, 0)),
            replace(ROUTER, loaded_sheet_mm=(260, 150)),
            2,
        ),
    ],
)
def test_a_plate_holds_what_surely_fits_and_what_is_left_of_the_material(
    need: BuildNeed, machine: MachineOffer, fit: int
) -> None:
    assert capacity(need, machine, limit=12) == fit


def test_an_offcut_must_hold_all_that_is_cut_at_once() -> None:
    tile = replace(BOARD, mass_g=None, size_mm=(100, 100, 0))
    offcut = replace(ROUTER, loaded_sheet_mm=(260, 150))
    assert refusal(replace(tile, copies=2), offcut) is None
    (answer,) = candidates(replace(tile, copies=3), [offcut])
    assert answer.refusal is not None
    assert answer.sentence == (
        "Router has a sheet of 260 × 150 mm, this part is 100 × 100 mm and 3 do not fit at once"
    )


def test_a_machine_says_when_a_plate_is_too_much_for_it() -> None:
    small = replace(PRINTER, profile=printer(envelope=Envelope(x_max_mm=120, y_max_mm=120,
                                                               z_max_mm=120)))  # fmt: skip
    (answer,) = candidates(replace(HOOK, copies=8, mass_g=None), [small])
    assert answer.sentence == (
        "Printer has room for 116 × 110 × 119 mm, this part is 60 × 40 × 30 mm and 8 do not fit "
        "at once"
    )


def test_a_spool_must_hold_the_reserve_too() -> None:
    exactly = replace(PRINTER, mass_left_g=20 * MASS_RESERVE)
    assert refusal(HOOK, exactly) is None
    assert refusal(HOOK, replace(exactly, mass_left_g=20.0)) is Refusal.MASS_LEFT


def test_a_part_may_be_turned_on_its_sheet() -> None:
    assert refusal(BOARD, replace(ROUTER, loaded_sheet_mm=(200.0, 300.0))) is None
    assert refusal(BOARD, replace(ROUTER, loaded_sheet_mm=(199.0, 300.0))) is Refusal.SHEET


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
