"""An offer in the words of whoever prepares it."""

from datetime import UTC, datetime
from pathlib import Path

from commons.machine import Process
from commons.plates import BRIM_MM
from commons.wire import JobOffer, Orientation, PrintOptions
from fab_agent.slicing import options
from fab_agent.staging import plan_of

OFFER = JobOffer(
    job_id="j", attempt_id="a", machine_id="m", fence=1,
    lease_ends_at=datetime(2026, 1, 1, tzinfo=UTC),
    title="Shelf hook", part="Hook", process=Process.FDM, file_name="hook.stl",
    file_sha256="ab" * 32, file_size=84, material="pla",
)  # fmt: skip


def test_everything_that_was_ordered_is_planned():
    wish = PrintOptions(
        quality="standard", supports=True, brim=True, infill_percent=40, scale=1.5,
        orientation=Orientation.SUGGESTED,
    )  # fmt: skip
    plan = plan_of(OFFER.model_copy(update={"copies": 4, "options": wish}), Path("hook.stl"))
    assert plan.quality == "standard"
    assert plan.options == options.PrintOptions(
        copies=4, infill=0.4, supports=True, brim_mm=BRIM_MM, scale=1.5,
        orientation=Orientation.SUGGESTED,
    )  # fmt: skip


def test_an_offer_without_choices_is_one_copy_as_drawn():
    plan = plan_of(OFFER, Path("hook.stl"))
    assert plan.options == options.PrintOptions()
    assert [part.copies for part in plan.parts] == [1]
