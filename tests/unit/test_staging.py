"""What an offer asks for, in the words of whoever prepares it."""

from datetime import UTC, datetime
from pathlib import Path

from commons.cutters import MillCutter
from commons.machine import MachineProfile, MillLimits, Process
from commons.wire import JobOffer, MillOptions
from fab_agent.cam.options import CutOptions
from fab_agent.cam.request import Way
from fab_agent.prepare import Plan
from fab_agent.staging import FINISH_MM, plan_of
from tests.profiles import router

FILE = Path("/tmp/board.dxf")  # noqa: S108  (never opened)


def planned(machine: MachineProfile, **more: object) -> Plan:
    offer = JobOffer(
        job_id="j", attempt_id="a", machine_id="m", fence=1, lease_ends_at=datetime.now(UTC),
        title="Shelf", part="board", process=Process.CNC, file_name="board.dxf",
        file_sha256="0" * 64, file_size=1, material="plywood", thickness_mm=12,
    )  # fmt: skip
    return plan_of(offer.model_copy(update=more), [FILE], machine)


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
