"""Making one thing without the server: prepared, proved and journalled like any other.

Where the server would give a permit, a person at the machine says that its bed is clear, looks at
what was prepared, and starts it. The server is told with the journal's other events.
"""

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

from commons.bed import BedWord
from commons.dispatch import AWAY_S, FRESH, ClearWord, MachineCard, require_local
from commons.errors import Conflict, FabError, NotFound, Unavailable
from commons.local_starts import LocalStart
from commons.wire import (
    ArmRequest,
    EventKind,
    JobOffer,
    MachineState,
    Permit,
    Phase,
    ProgramFacts,
    ProgressReport,
    Wish,
)
from fab_agent.attempt import End, prepared_for, start_once
from fab_agent.bench import Bench, Prepared
from fab_agent.cache import Cache
from fab_agent.courier import Shown
from fab_agent.handwork import attend
from fab_agent.journal import Ordered, Start
from fab_agent.local_plan import Plan, maker_of, plan, require_away, require_enough
from fab_agent.orders import LocalOrder, Make, StartNow, stopped_at_the_machine

log = logging.getLogger(__name__)
# How often it is looked whether the server is back, s.
LOOK_S = 1.0
# So long people can read why nothing came of it, s.
TELL_S = 60.0


def make(order: LocalOrder, wish: Make, bench: Bench) -> None:
    """The order is answered, and what it wished for was made, or it is shown why not.

    Raises:
        Unavailable: the journal cannot be written. Nothing was started.
    """
    try:
        planned = plan(wish, order.by, bench)
    except FabError as why:
        order.refuse(why)
        return
    title = f"{planned.offer.title}: {planned.offer.part}"
    if order.carry_out(lambda: f"{title} is prepared; it starts once you have looked and said so"):
        log.info("attempt %s: %s, ordered here by %s", planned.offer.attempt_id, title, order.by)
        if why_not := _carry_out(planned, bench):
            _tell(f"{title} was not made: {why_not}", bench)


def _carry_out(planned: Plan, bench: Bench) -> str:
    """It was made, well or badly; or why it was not started."""
    offer = planned.offer
    with ExitStack() as held:
        prepared = prepared_for(offer, replace(bench, jobs=_Kept()), held)
        if isinstance(prepared, End):
            return prepared.sentence
        if bench.made is not None:
            bench.made.staged(offer, prepared.facts)
        bench.show(Shown(offer.attempt_id, prepared.program.path))
        said = _Waiting(planned, prepared, bench).said()
        if isinstance(said, str):
            if bench.made is not None:
                bench.made.ended(offer.attempt_id, EventKind.UNUSED)
            return said
        start = Start(offer.attempt_id, offer.fence, prepared.program.sha256)
        ordered = Ordered(said, prepared.facts)
        end = start_once(start, prepared, bench, asked_at=bench.clock(), ordered=ordered)
        return "it could not be started" if end is EventKind.UNUSED else ""


def _tell(sentence: str, bench: Bench) -> None:
    """The sentence is shown for a while, in which the machine is at everybody's service."""
    log.warning("%s", sentence)
    until = bench.clock() + TELL_S
    bench.display.show(MachineState.IDLE, sentence)
    while not bench.inbox.leaving and bench.clock() < until and bench.silent_s >= AWAY_S:
        match bench.inbox.take(LOOK_S):
            case LocalOrder(wants=Make()) as order:
                bench.inbox.put_back(order)
                return
            case LocalOrder() as order:
                attend(order, bench)


class _Kept:
    """What is fetched while no server answers: the files that are here."""

    def lease(self, machine_id: str) -> JobOffer | None:
        """Nobody offers anything."""
        return None

    def arm(self, request: ArmRequest) -> Permit:
        """Nobody permits anything."""
        raise Unavailable("the server is away")

    def fetch(
        self, sha256: str, size: int, *, cache: Cache, progress: Callable[[int, int], None]
    ) -> Path:
        """The file as it is kept; NotFound when it is not."""
        if (path := cache.file(sha256)) is None:
            raise NotFound(f"file {sha256[:12]} is not kept here any more")
        progress(size, size)
        return path

    fetch_program = fetch


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A proved program that waits for the person who starts it."""

    planned: Plan
    prepared: Prepared
    bench: Bench

    def said(self) -> LocalStart | str:
        """What was said to start it, which uses up the word about the bed; or why it is not."""
        self._show()
        while not self.bench.inbox.leaving:
            if self.bench.silent_s < AWAY_S:
                return "the server is back: order it there"
            match self.bench.inbox.take(LOOK_S):
                case LocalOrder(wants=Wish.CANCEL) as order:
                    order.carry_out(lambda: "it is not started")
                    return stopped_at_the_machine(order.by)
                case LocalOrder(wants=StartNow() as wish) as order:
                    if start := self._start(order, wish):
                        return start
                case LocalOrder(wants=Make()) as order:
                    waits = self.planned.offer.part
                    order.refuse(Conflict(f"{waits} waits to be started here: start or stop it"))
                case LocalOrder() as order:
                    attend(order, self.bench)
                    self._show()
        return "the agent was stopped before the start"

    def _show(self) -> None:
        """What would be made, for whoever is to say so."""
        offer, attempt_id = self.planned.offer, self.planned.offer.attempt_id
        progress = ProgressReport(attempt_id=attempt_id, phase=Phase.PREPARE, done=1, total=1)
        sentence = (
            f"{offer.title}: {offer.part} is ready, {in_words(self.prepared.facts, offer)}; it "
            f"starts once somebody confirms that the machine is clear{self.prepared.facts.holding}"
            ", and starts it"
        )
        self.bench.display.show(MachineState.WAITING, sentence, progress)

    def _start(self, order: LocalOrder, wish: StartNow) -> LocalStart | None:
        """The order is answered; what it starts, or None when it was refused."""
        try:
            start = self._permitted(order, wish)
        except FabError as why:
            order.refuse(why)
            self._show()
            return None
        self.bench.display.unclear()
        return start if order.carry_out(lambda: "it starts") else None

    def _permitted(self, order: LocalOrder, wish: StartNow) -> LocalStart:
        offer = self.planned.offer
        if wish.attempt_id != offer.attempt_id:
            raise Conflict("something else waits here by now: look at the page once more")
        offline, told = require_away(self.bench)
        maker = maker_of(told, order.by, self.bench.machine_id)
        require_enough(self.prepared.facts, self.bench)
        word = self.bench.display.word()
        worth = (
            ClearWord(word.age_s, attended_only=offline.profile.attended_only) if word else FRESH
        )
        card = MachineCard(offline.profile.name, cleared=word is not None)
        require_local(card, worth, silent_s=self.bench.silent_s)
        if word is None or not self.bench.is_ready():
            raise Unavailable("the machine could not start now: look at what it says")
        return self._local(order.by, maker.person_id, word)

    def _local(self, by: str, person_id: str, word: BedWord) -> LocalStart:
        offer = self.planned.offer
        return LocalStart(
            release_id=self.planned.release_id,
            part=offer.part,
            material=offer.material,
            lot_id=self.planned.lot_id,
            by=by,
            person_id=person_id,
            clear=word,
        )


def in_words(facts: ProgramFacts, offer: JobOffer) -> str:
    """What the program takes, as far as it is known."""
    minutes = f"about {max(1, round(facts.duration_s / 60))} min"
    if facts.material_g is None:
        return minutes
    return f"{minutes}, {facts.material_g:.3g} g of {offer.material}"
