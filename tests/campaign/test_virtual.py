"""Four hundred runs in virtual time: noise, resets, pulled cables, holds and aborts."""

from pathlib import Path

import pytest

from tests.campaign.virtual import play

pytestmark = pytest.mark.slow
RUNS, IN_A_ROW = 400, 100


@pytest.mark.parametrize("first", range(0, RUNS, IN_A_ROW))
def test_whatever_the_wire_does_a_program_runs_once_in_order_or_ends_with_its_reason(
    first: int, tmp_path: Path
) -> None:
    broken = {
        seed: told for seed in range(first, first + IN_A_ROW) if (told := play(seed, tmp_path))
    }
    assert not broken
