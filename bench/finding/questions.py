"""What people ask of a list of designs: words that go together, slips, and facets."""

import random
from collections.abc import Sequence

from bench.finding.corpus import LABS, SEED
from repo_server.search.entries import Entry
from repo_server.search.labels import Facet
from repo_server.search.question import Circle, Wanted
from repo_server.tables import LabRow

_SHOWN = (Facet.LICENCE, Facet.PROCESS, Facet.MATERIAL, Facet.READINESS, Facet.BUILT)


def questions(count: int, sample: Sequence[Entry], lab: LabRow) -> list[Wanted]:
    """So many questions. Six in ten have a facet, one in seven a slip of the fingers, one in twenty
    no words; one in twenty each asks for a lab's machines, or for what was built near a place."""
    rng = random.Random(SEED)
    return [_question(rng, rng.choice(sample), lab) for _ in range(count)]


def _question(rng: random.Random, design: Entry, lab: LabRow) -> Wanted:
    chosen: dict[Facet, tuple[str, ...]] = {}
    if rng.random() < 0.6:
        for facet in rng.sample(_SHOWN, rng.choice((1, 1, 2))):
            values = [it.partition(":")[2] for it in design.labels if it.startswith(f"{facet}:")]
            if values:
                chosen[facet] = tuple(values)
    place = Circle(rng.uniform(36, 60), rng.uniform(-9, 25), rng.choice((25.0, 50.0, 100.0)))
    return Wanted(
        words=_words(rng, design),
        chosen=chosen,
        fits=lab if rng.random() < 0.05 else None,
        built_near=place if rng.random() < 0.05 else None,
    )


def _words(rng: random.Random, design: Entry) -> str:
    if rng.random() < 0.05:
        return ""
    about = [
        *design.name.lower().split(),
        *design.keywords,
        *rng.sample(design.function.split(), 2),
    ]
    asked = rng.sample(about, rng.choices((1, 2, 3), (4, 4, 2))[0])
    if rng.random() < 1 / 7:
        place = rng.randrange(len(asked))
        asked[place] = _slip(rng, asked[place])
    return " ".join(asked)


def _slip(rng: random.Random, word: str) -> str:
    if len(word) < 4:
        return word
    i = rng.randrange(1, len(word) - 1)
    swapped = word[:i] + word[i + 1] + word[i] + word[i + 2 :]
    return rng.choice((word[:i] + word[i + 1 :], swapped, word[:i] + "x" + word[i + 1 :]))


def places(seed: int = SEED) -> list[tuple[str, float, float]]:
    """Slug, latitude and longitude of a thousand labs between Lisbon and Helsinki."""
    rng = random.Random(seed)
    return [(f"lab-{n}", rng.uniform(36, 60), rng.uniform(-9, 25)) for n in range(LABS)]
