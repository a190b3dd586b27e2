"""Whatever Klipper is heard to say, in whatever order, what we make of a print stays sound."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commons.errors import MachineFault
from fab_agent.machines.driver import Held, Outcome, Progress, Resumed
from fab_agent.machines.moonraker_client import Record
from fab_agent.machines.moonraker_watch import KlipperWatch

NAME, LINES = "aone-01234567.gcode", 20
STATES = ("standby", "printing", "paused", "complete", "cancelled", "error")
RECORDS = ("in_progress", "completed", "cancelled", "error", "interrupted", "server_exit")


def fields(**of):
    return st.fixed_dictionaries({}, optional=of)


messages = fields(
    webhooks=fields(state=st.sampled_from(("startup", "ready", "shutdown"))),
    print_stats=fields(
        filename=st.sampled_from((NAME, "other.gcode", "")), state=st.sampled_from(STATES)
    ),
    virtual_sdcard=fields(file_position=st.integers(0, 300)),
    extruder=fields(temperature=st.floats(0, 300), target=st.floats(0, 300)),
)
records = st.sampled_from(RECORDS).map(lambda status: Record(filename=NAME, status=status))


@pytest.mark.slow
@given(st.lists(messages | records, max_size=30))
def test_progress_only_grows_and_an_end_is_one_that_was_told(heard):
    watch = KlipperWatch(NAME, line_count=LINES, lines_at=lambda position: position // 10)
    events, said = [], {"complete": Outcome.FINISHED, "completed": Outcome.FINISHED}
    said["cancelled"] = Outcome.ABORTED
    with suppress(MachineFault):
        for message in heard:
            if isinstance(message, Record):
                watch.look_up(message)
                last = message.status
            else:
                events += watch.hear(message)
                last = watch._printer.print_stats.state
            if watch.outcome is not None:
                assert said[last] is watch.outcome
                break
    done = [event.lines_done for event in events if isinstance(event, Progress)]
    holds = [type(event) for event in events if isinstance(event, Held | Resumed)]
    assert done == sorted(set(done))
    assert all(lines <= LINES for lines in done)
    assert holds == ([Held, Resumed] * len(holds))[: len(holds)]
