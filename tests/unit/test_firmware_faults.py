"""What a person can ask a simulated machine to do wrong."""

import pytest

from commons.errors import InvalidInput
from fab_agent.machines.firmware.faults import knobs_of
from fab_agent.machines.firmware.grbl_knobs import GrblKnobs
from fab_agent.machines.firmware.marlin_knobs import MarlinKnobs


def test_faults_are_the_knobs_of_the_machine():
    assert knobs_of(
        "marlin", baud=250000, noise=0.01, seed=7, faults=("drop@9", "cold-heater")
    ) == (
        MarlinKnobs(
            moves_take_time=True,
            baudrate=250000,
            bad_line_ratio=0.01,
            seed=7,
            drop_at_line=9,
            heater_fails=True,
        )
    )
    assert knobs_of("grbl", noise=0.02, faults=("limit@3", "door@1", "no-switches")) == GrblKnobs(
        moves_take_time=True, bad_byte_ratio=0.02, limit_at_line=3, door_at_line=1, homing=False
    )


@pytest.mark.parametrize(
    ("kind", "fault", "sentence"),
    [
        ("grbl", "kill@3", "grbl has no fault 'kill': say door, drop, error, limit, locked"),
        ("marlin", "reset", "fault 'reset' needs its line, from 1: say reset@120"),
        ("marlin", "reset@0", "needs its line"),
        ("marlin", "hot-heater@3", "lasts as long as the machine: leave out @3"),
    ],
)
def test_a_fault_that_cannot_be_is_told_in_a_sentence(kind, fault, sentence):
    with pytest.raises(InvalidInput, match=sentence):
        knobs_of(kind, faults=(fault,))
