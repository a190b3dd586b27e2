"""The calibration part on one of each kind of printer; `make corpus` makes it in every way."""

from pathlib import Path

import pytest

from fab_agent.cache import Cache
from fab_agent.printers.kinds import kinds
from fab_agent.slicing.prusaslicer import PrusaSlicer
from tests.corpus.calibration import covering, recipes
from tests.corpus.real import Recipe


def seen(chosen: list[Recipe]) -> tuple[set[object], ...]:
    """The kinds, nozzles, materials and qualities among them."""
    values = (
        (r.machine.model, r.machine.fdm and r.machine.fdm.nozzle_mm, r.material, r.quality)
        for r in chosen
    )
    return tuple(map(set, zip(*values, strict=True)))


def test_the_few_have_every_kind_nozzle_material_and_quality(tmp_path: Path) -> None:
    every = list(recipes(tmp_path))
    assert seen(covering(every)) == seen(every)


@pytest.mark.slow
@pytest.mark.parametrize("number", range(len(kinds())), ids=list(kinds()))
def test_the_calibration_part_is_made_and_proved_for_its_printer(
    number: int, tmp_path: Path
) -> None:
    recipe = covering(recipes(tmp_path))[number]
    with Cache(tmp_path / "cache", max_bytes=2**30) as cache:
        program = recipe.program(cache, PrusaSlicer())
        assert recipe.proof(program).sha256 == program.sha256
