"""What the campaign has found: each root cause by name, and the seeds that found it."""

from pathlib import Path

import pytest

from tests.campaign.virtual import play

pytestmark = pytest.mark.slow

FOUND = {
    "a line refused at the very end left the run waiting for ever": (2,),
    "a run that failed was told with no line sent": (0, 9, 97),
    "a lost ok was never noticed while temperatures were asked for": (126, 253),
}


@pytest.mark.parametrize(
    "seed", [seed for seeds in FOUND.values() for seed in seeds], ids=lambda seed: f"seed-{seed}"
)
def test_what_was_found_stays_mended(seed: int, tmp_path: Path) -> None:
    assert play(seed, tmp_path) == []
