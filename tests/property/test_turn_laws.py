"""Nobody is overtaken for ever, whatever is ordered, due, urgent, owed, to be changed or moved by
hand; and who reads the lines from their fronts finds the same as who looks at every job."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import groupby, islice
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from commons.turn import OVERTAKEN_AT_MOST, Claim, begin_by, in_turn, rank

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
MACHINES = ("first", "second")
SEEDS = st.integers(0, 2**32)


@dataclass(frozen=True)
class Job:
    """One that comes at some minute; `changes` are those at each machine that can make it."""

    comes: int
    member: int
    changes: dict[str, int]
    claim: Claim


def some(chance: Random) -> Job:
    comes, member = chance.randrange(300), chance.randrange(4)
    due = chance.choice((None, START + chance.randrange(20_000) * MINUTE))
    by = begin_by(START + comes * MINUTE, due)
    claim = Claim(comes * 1000 + chance.randrange(1000), by, urgent=chance.random() < 0.3)
    able = chance.sample(MACHINES, chance.choice((1, 2)))
    return Job(comes, member, {it: chance.choice((0, 0, 1, 2)) for it in able}, claim)


def moved(chance: Random, job: Job, beside: Job) -> Job:
    """Somebody put it right before or behind the other one, which it is like from then on."""
    place = beside.claim.place + chance.choice((-1, 1))
    return replace(job, comes=beside.comes, member=beside.member,
                   claim=replace(beside.claim, place=place))  # fmt: skip


@given(SEEDS)
def test_a_job_is_overtaken_so_often_and_no_more(seed: int) -> None:
    chance = Random(seed)
    waiting = {number: some(chance) for number in range(40)}
    shares = [chance.randrange(720) * MINUTE for _ in range(4)]
    taken, overtaken, now = list[int](), Counter[int](), 0
    for _ in range(32):
        now += chance.randrange(20)
        machine = chance.choice(MACHINES)
        able = {id_: it for id_, it in waiting.items() if it.comes <= now and machine in it.changes}
        mark = sorted(taken, reverse=True)[:OVERTAKEN_AT_MOST]
        before = mark[-1] * 1000 if len(mark) == OVERTAKEN_AT_MOST else 0
        claims = {
            id_: replace(it.claim, changes=it.changes[machine], share=shares[it.member],
                         pressed=it.claim.place < before)
            for id_, it in able.items()
        }  # fmt: skip
        if able:
            chosen = min(able, key=lambda id_: rank(claims[id_]))
            overtaken.update(id_ for id_, it in able.items() if it.comes < able[chosen].comes)
            taken.append(waiting.pop(chosen).comes)
    assert max(overtaken.values(), default=0) <= OVERTAKEN_AT_MOST


def lines_of(
    jobs: list[Job], shares: list[timedelta], read: Counter[int]
) -> list[Iterator[tuple[Claim, Claim]]]:
    """As an index has them: of one member and urgency, by `begin_by` and place."""

    def line(number: int, claims: list[Claim]) -> Iterator[tuple[Claim, Claim]]:
        for claim in claims:
            read[number] += 1
            yield claim, claim

    found = sorted(jobs, key=lambda it: (it.claim.urgent, it.member))
    groups = [list(it) for _, it in groupby(found, lambda it: (it.claim.urgent, it.member))]
    made = []
    for number, group in enumerate(groups):
        claims = [
            replace(it.claim, share=shares[it.member], changes=it.changes["first"]) for it in group
        ]
        claims.sort(key=lambda it: (it.begin_by, it.place))
        made.append(line(number, claims))
    return made


@given(SEEDS)
def test_reading_lines_from_their_fronts_gives_the_order_of_all_jobs(seed: int) -> None:
    chance = Random(seed)
    jobs = [it for it in (some(chance) for _ in range(60)) if "first" in it.changes]
    for number in range(0, len(jobs), 7):
        jobs[number] = moved(chance, jobs[number], chance.choice(jobs))
    shares = [chance.randrange(720) * MINUTE for _ in range(4)]
    all_of_them = [claim for line in lines_of(jobs, shares, Counter()) for claim, _ in line]
    first = sorted(all_of_them, key=rank)
    found = list(in_turn(lines_of(jobs, shares, Counter())))
    assert [rank(it) for it in found] == [rank(it) for it in first]


def test_of_a_long_line_the_first_is_told_by_reading_the_first() -> None:
    read = Counter[int]()
    jobs = [Job(it, it % 4, {"first": 0}, Claim(it, START + it * MINUTE)) for it in range(1000)]
    assert next(in_turn(lines_of(jobs, [timedelta()] * 4, read))).place == 0
    assert sum(read.values()) == 4
    list(islice(in_turn(lines_of(jobs, [timedelta()] * 4, read)), 10))
    assert sum(read.values()) < 4 + 20
