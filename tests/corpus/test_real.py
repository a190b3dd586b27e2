"""Real programs are accepted: a few in every run, all of them by `make corpus`."""

import pytest

from commons.machine import Driver
from fab_agent.cache import Cache
from fab_agent.slicing.prusaslicer import PrusaSlicer
from tests.corpus.real import QUICK, RECIPES


@pytest.mark.slow
@pytest.mark.parametrize("recipe", QUICK, ids=lambda recipe: recipe.name)
def test_a_real_program_is_accepted(recipe, tmp_path):
    with Cache(tmp_path / "cache", max_bytes=2**30) as cache:
        program = recipe.program(cache, PrusaSlicer())
        proof = recipe.proof(program)
    assert proof.sha256 == program.sha256
    # Ramps and corners come on top of path over feed; GRBL's rapids differ a little.
    assert program.estimate.duration_s > 0.95 * proof.duration_s > 0


def test_there_are_two_hundred_real_programs_and_no_two_alike() -> None:
    assert len({recipe.name for recipe in RECIPES}) == len(RECIPES) >= 200
    assert {recipe.machine.driver for recipe in QUICK} == set(Driver)
