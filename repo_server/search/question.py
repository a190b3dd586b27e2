"""What somebody looks for, and the steps in which documents are asked for it.

Words are all in the name, or all in name, purpose and keywords, or anywhere; then, where too few
designs have the very words, with near words in their place. No document answers to two steps.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from sqlmodel import Session

from commons.machine import Process
from repo_server.search import fitting, spelling
from repo_server.search.entries import IN_ABOUT, IN_NAME
from repo_server.search.fitting import Workshop
from repo_server.search.labels import Facet, label
from repo_server.search.matching import Groups, Match, Step
from repo_server.search.words import distinct
from repo_server.tables import LabRow

_MAX_WORDS = 10
_MAX_NEAR_LABS = 100
_ANYWHERE = ""


@dataclass(frozen=True, slots=True)
class Circle:
    """Around a place on the globe: degrees, and km."""

    latitude: float
    longitude: float
    km: float


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for. `chosen`: a design has one of the values of each facet in it.

    `fits` is a lab whose machines can make it, `built_near` where it has been built.
    """

    words: str = ""
    chosen: Mapping[Facet, tuple[str, ...]] = field(default_factory=dict)
    fits: LabRow | None = None
    built_near: Circle | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """`near` are the words that may stand for each of `words`; empty where the very words do.

    `filters` are groups of labels, by the facet that each narrows where it is one. `frame` asks
    what the workshop's machines ask of every design, roughly; the workshop itself knows exactly.
    """

    words: tuple[str, ...]
    near: Mapping[str, tuple[str, ...]]
    filters: tuple[tuple[Facet | None, tuple[str, ...]], ...]
    frame: Match
    workshop: Workshop | None

    def steps(self) -> list[Step]:
        """What to ask for, the best first; no document answers to two of them."""
        if not self.words:
            return [Step(self._match(()))]
        name, about, anywhere = (
            self._match(self._groups(zone)) for zone in (IN_NAME, IN_ABOUT, _ANYWHERE)
        )
        steps = [Step(name), Step(about, (name,)), Step(anywhere, (about,))]
        if self.near:
            near_about = self._match(self._groups(IN_ABOUT, near=True))
            near = self._match(self._groups(_ANYWHERE, near=True))
            steps += [Step(near_about, (anywhere,)), Step(near, (anywhere, near_about))]
        return steps

    def everything(self, *, but: Facet | None = None) -> Match:
        """What answers to any step; `but` leaves the choice of that facet out."""
        return self._match(self._groups(_ANYWHERE, near=bool(self.near)), but=but)

    def _groups(self, zone: str, *, near: bool = False) -> Groups:
        """A group for each word, in this zone."""
        return tuple(
            (zone + word, *(zone + other for other in (self.near.get(word, ()) if near else ())))
            for word in self.words
        )

    def _match(self, groups: Groups, *, but: Facet | None = None) -> Match:
        labels = tuple(group for facet, group in self.filters if facet is None or facet is not but)
        return replace(self.frame, groups=(*groups, *labels, *self.frame.groups))


def question_of(session: Session, wanted: Wanted) -> Question:
    """What is asked for the words themselves."""
    workshop = fitting.workshop_of(session, wanted.fits.id) if wanted.fits else None
    return Question(
        words=tuple(distinct(wanted.words))[:_MAX_WORDS],
        near={},
        filters=tuple(_filters(session, wanted)),
        frame=_frame(workshop) if workshop else Match(),
        workshop=workshop,
    )


def with_near_words(session: Session, question: Question) -> Question:
    """The same question, asked for near words too."""
    near = {word: tuple(spelling.near_words(session, word)) for word in question.words}
    return replace(question, near={word: others for word, others in near.items() if others})


def _filters(session: Session, wanted: Wanted) -> list[tuple[Facet | None, tuple[str, ...]]]:
    groups: list[tuple[Facet | None, tuple[str, ...]]] = [
        (facet, tuple(label(facet, value) for value in values))
        for facet, values in wanted.chosen.items()
        if values
    ]
    if circle := wanted.built_near:
        place = (circle.latitude, circle.longitude)
        labs = fitting.labs_near(session, place, km=circle.km)[:_MAX_NEAR_LABS]
        # With no lab near it, nothing has been built there: a lab has no such name.
        groups.append((None, tuple(label(Facet.LAB, lab) for lab in labs) or ("lab:-",)))
    return groups


def _frame(workshop: Workshop) -> Match:
    """No process that the lab lacks, at least one that it has, and no part longer than all."""
    has = workshop.processes
    lacks = tuple(label(Facet.PROCESS, it) for it in Process if it not in has)
    return Match(
        groups=(tuple(label(Facet.PROCESS, it) for it in sorted(has)) or ("process:-",),),
        but_not=((lacks,),) if lacks else (),
        print_mm=workshop.longest_mm(Process.FDM),
        mill_mm=workshop.longest_mm(Process.CNC),
    )
