"""`make corpus`: every real program is made and accepted, every hostile one refused.

Real are parts of designs/ in many ways, and the calibration part on every printer that we know.

What was made once is kept in var/corpus, so that a second run only proves.
"""

import json
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

from commons.errors import FabError
from fab_agent.cache import Cache
from fab_agent.slicing.prusaslicer import PrusaSlicer
from tests.corpus.calibration import recipes
from tests.corpus.hostile import HOSTILE, broken_rule
from tests.corpus.real import RECIPES, Recipe

KEPT = Path(__file__).parents[2] / "var" / "corpus"


def refused_real(recipes: Iterable[Recipe], folder: Path) -> list[str]:
    """The real programs that are not accepted, each with the reason."""
    slicer, problems = PrusaSlicer(), []
    for recipe in recipes:
        with Cache(folder, max_bytes=8 * 2**30) as cache:
            try:
                recipe.proof(recipe.program(cache, slicer))
            except FabError as refused:
                problems.append(f"{recipe.name}: {refused}")
    return problems


def accepted_hostile() -> list[str]:
    """The hostile programs that are not refused by their rule at their line."""
    return [
        f"{case.rule}, line {case.line}: {case.text} gives {found}"
        for case in HOSTILE
        if (found := broken_rule(case)) != (case.rule, case.line)
    ]


def shares(recipes: Sequence[Recipe], folder: Path) -> tuple[dict[str, float], list[str]]:
    """The two shares that must both be 1, and what stands in their way."""
    real, hostile = refused_real(recipes, folder), accepted_hostile()
    figures = {
        "hostile": len(HOSTILE),
        "hostile_refused_share": 1 - len(hostile) / len(HOSTILE),
        "real": len(recipes),
        "real_accepted_share": 1 - len(real) / len(recipes),
    }
    return figures, hostile + real


def main() -> int:
    """Print every problem and the figures; 0 when there was none."""
    figures, problems = shares([*RECIPES, *recipes(KEPT)], KEPT)
    print(*problems, sep="\n")
    print(json.dumps(figures))
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
