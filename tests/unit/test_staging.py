"""What an offer asks for, in the words of whoever prepares it."""

from datetime import UTC, datetime
from pathlib import Path

from commons.cutters import MillCutter
from commons.machine import MachineProfile, MillLimits, Process
from commons.sharing import PlateMate
from commons.wire import EventKind, JobOffer, MillOptions, ProgramFacts
from fab_agent.cam.options import CutOptions
from fab_agent.cam.request import Way
from fab_agent.made import MadeBook
from fab_agent.prepare import OtherPart, Plan
from fab_agent.staging import FINISH_MM, plan_of
from tests.profiles import printer, router

FILE = Path("/tmp/board.dxf")  # noqa: S108  (never opened)


OFFER = JobOffer(
    job_id="j", attempt_id="a", machine_id="m", fence=1, lease_ends_at=datetime.now(UTC),
    title="Shelf", part="board", process=Process.CNC, file_name="board.dxf",
    file_sha256="0" * 64, file_size=1, material="plywood", thickness_mm=12,
)  # fmt: skip
MATE = PlateMate(
    job_id="k", attempt_id="b", title="Hook", part="hook", file_name="hook.stl",
    file_sha256="1" * 64, file_size=1, copies=2,
)  # fmt: skip


def planned(machine: MachineProfile, **more: object) -> Plan:
    return plan_of(OFFER.model_copy(update=more), [FILE], machine)


def test_the_loaded_sheet_is_what_is_cut() -> None:
    plan = planned(router(), sheet_mm=(600.0, 400.0), grain="x")
    assert (plan.stock_mm, plan.sheet_mm, plan.grain) == (12, (600, 400), "x")


def test_a_part_is_milled_as_it_was_ordered() -> None:
    wanted = MillOptions(nest=True, grain="y", conventional=True, finish=True, way="surface")
    plan = planned(router(), milling=wanted)
    assert plan.way is Way.SURFACE
    assert plan.cut == CutOptions(nest=True, grain="y", conventional=True, finish_mm=FINISH_MM)


def test_other_flat_cutters_are_used_where_the_lab_has_named_some() -> None:
    assert planned(router()).cut.cutters_mm == ()
    more = tuple(MillCutter(diameter_mm=mm) for mm in (3, 1.5))
    ball = MillCutter(diameter_mm=3, shape="ball")
    assert planned(router(cnc=MillLimits(cutter_mm=6, more_cutters=more))).cut.cutters_mm == (
        6, 3, 1.5,
    )  # fmt: skip
    assert planned(router(cnc=MillLimits(cutter_mm=6, more_cutters=(ball,)))).cut.cutters_mm == ()


def test_how_a_surface_is_finished_reaches_the_mill() -> None:
    cut = planned(router(), milling=MillOptions(lines="both", scallop_mm=0.1)).cut
    assert (cut.lines, cut.scallop_mm) == ("both", 0.1)


def test_all_that_is_on_a_plate_is_prepared_from_its_own_file_as_often_as_it_was_ordered() -> None:
    shared = OFFER.model_copy(update={"process": Process.FDM, "copies": 3, "also": (MATE,)})
    plan = plan_of(shared, [FILE, Path("hook")], printer())
    assert plan.parts == (
        OtherPart(FILE, "0" * 64, "board.dxf", 3),
        OtherPart(Path("hook"), "1" * 64, "hook.stl", 2),
    )


def test_each_thing_of_a_plate_ends_with_its_start_and_waits_for_a_verdict_of_its_own(
    tmp_path: Path,
) -> None:
    facts = ProgramFacts(
        sha256="ab" * 32, line_count=9, duration_s=60.0, material_g=5.0,
        prepared_with="PrusaSlicer", profile_sha256="cd" * 32,
    )  # fmt: skip
    book = MadeBook(tmp_path)
    book.staged(OFFER.model_copy(update={"attempt_id": "before"}), facts)
    book.staged(OFFER.model_copy(update={"also": (MATE,)}), facts)
    book.ended("a", EventKind.FINISHED)
    found = MadeBook(tmp_path).newest()
    finished = {it.attempt_id: (it.part, it.copies) for it in found.values() if it.is_finished}
    assert finished == {"a": ("board", 1), "b": ("hook", 2)}
    # What it took is known of a whole plate alone.
    assert [found[it].material_g for it in ("before", "a", "b")] == [5.0, None, None]
