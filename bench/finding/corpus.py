"""Any number of designs with texts as designs have them, the same ones for the same seed.

Words follow Zipf's law as Mandelbrot amended it; the frequent ones are those of five languages and
of workshops, the rare ones are made of syllables. Names and keywords hold no function words.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path

import numpy as np

from commons.machine import Process
from repo_server.search.entries import Entry, Need
from repo_server.search.labels import Facet, label

SEED = 20260101
VOCABULARY = 300_000
LABS = 1000
CHUNK = 5000
# Function words, words of workshops, and licences: the frequent ones first.
_FUNCTION_WORDS, _WORKSHOP, _LICENCES = (
    part.split() for part in (Path(__file__).parent / "words.txt").read_text().split("\n\n")
)
_SYLLABLES = [a + b for a in "bcdfghklmnprstvz" for b in "aeio"]
_MATERIALS = {
    Process.FDM: ["pla", "petg", "abs", "tpu", "asa", "petg-cf"],
    Process.CNC: ["plywood", "mdf", "pine"],
}


@dataclass(frozen=True)
class Corpus:
    """The vocabulary, the most frequent word first, and how often each is used."""

    words: list[str]
    all: np.ndarray
    content: np.ndarray


def corpus() -> Corpus:
    """The vocabulary and its cumulated frequencies."""
    rng = np.random.default_rng(SEED)
    known = list(dict.fromkeys([*_FUNCTION_WORDS, *_WORKSHOP]))
    made: dict[str, None] = dict.fromkeys(known)
    while len(made) < VOCABULARY:
        lengths = rng.integers(2, 6, 50_000)
        picks = rng.integers(0, len(_SYLLABLES), (50_000, 5))
        made |= dict.fromkeys(
            "".join(_SYLLABLES[i] for i in row[:n]) for row, n in zip(picks, lengths, strict=True)
        )
    ranks = np.arange(VOCABULARY)
    weights = 1 / (ranks + 2.7) ** 1.05
    content = weights * (ranks >= len(dict.fromkeys(_FUNCTION_WORDS)))
    cumulated = (np.cumsum(each) / each.sum() for each in (weights, content))
    return Corpus(list(made)[:VOCABULARY], *cumulated)


def entries(of: Corpus, count: int, *, start: int = 0) -> Iterator[Entry]:
    """So many designs from number `start` on, a multiple of CHUNK; the oldest first."""
    for begin in range(start, start + count, CHUNK):
        rng = np.random.default_rng([SEED, begin])
        yield from _chunk(of, rng, begin, min(CHUNK, start + count - begin))


def _texts(
    of: Corpus, rng: np.random.Generator, count: int, low: int, high: int, *, content: bool = False
) -> list[list[str]]:
    """Words for each of `count` designs, `low` to `high` of them."""
    lengths = rng.integers(low, high + 1, count)
    ranks = np.searchsorted(of.content if content else of.all, rng.random(lengths.sum()))
    words = iter(of.words[rank] for rank in ranks.tolist())
    return [list(islice(words, n)) for n in lengths.tolist()]


def _chunk(of: Corpus, rng: np.random.Generator, start: int, count: int) -> Iterator[Entry]:
    names = _texts(of, rng, count, 2, 4, content=True)
    keywords = _texts(of, rng, count, 3, 6, content=True)
    functions = _texts(of, rng, count, 12, 25)
    boms = _texts(of, rng, count, 5, 30, content=True)
    readmes = _texts(of, rng, count, 20, 100)
    for i in range(count):
        number = start + i
        process = Process.FDM if rng.random() < 0.75 else Process.CNC
        materials = _MATERIALS[process]
        material = materials[min(int(rng.exponential(1.2)), len(materials) - 1)]
        licence = _LICENCES[min(int(rng.exponential(2.5)), len(_LICENCES) - 1)]
        labs = rng.integers(0, LABS, int(rng.integers(1, 4))) if rng.random() < 0.1 else ()
        labels = [
            label(Facet.LICENCE, licence),
            label(Facet.PROCESS, process),
            label(Facet.MATERIAL, material),
            label(Facet.READINESS, f"OTRL-{rng.integers(1, 7)}"),
            *(["built:yes"] if len(labs) else []),
            *(label(Facet.LAB, f"lab-{lab}") for lab in sorted(set(map(int, labs)))),
        ]
        x, y, z = (float(edge) for edge in rng.lognormal(4.2, 0.7, 3).round(1))
        yield Entry(
            design_id=f"d{number}",
            slug=f"{'-'.join(names[i])}-{number}",
            release_id=f"{number:064x}",
            version="1.0.0",
            name=" ".join(names[i]).capitalize(),
            function=" ".join(functions[i]),
            license=licence,
            keywords=tuple(keywords[i]),
            bom=" ".join(boms[i]),
            readme=" ".join(readmes[i]),
            pictures=(f"{number:064x}",),
            labels=tuple(labels),
            needs=(Need(process, material, (x, y, z), None),),
            published_at=datetime(2020, 1, 1, tzinfo=UTC) + timedelta(seconds=number),
        )
