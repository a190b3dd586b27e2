"""What a design's licence says to those who ask: about an order, and about everything."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import product

from sqlmodel import Session, col, func, select

from commons.errors import Conflict, NotAllowed
from commons.licences.answers import Answer, ask_licence, says_the_same_to_all, together
from commons.licences.forks import may_fork
from commons.licences.purposes import EVENTS, Purpose, lab_acts
from commons.licences.scopes import Licences, licences_of
from commons.licences.terms import Event
from repo_server import leave, parties, published
from repo_server.parties import Party
from repo_server.published import Published
from repo_server.tables import ParentRow, ReleaseRow


class LicenceAsks(Conflict):
    """The licence does not say yes: its licensor, or who asks, has to say something first."""

    def __init__(self, answer: Answer, design_id: str) -> None:
        super().__init__(sentence(answer))
        self.answer = answer
        self.design_id = design_id


class LicenceForbids(NotAllowed):
    """The licence says no."""


def ask(
    session: Session, release: ReleaseRow, event: Event, party: Party, *,
    part: str | None, now: datetime,
) -> Answer:  # fmt: skip
    """What the release's licence says to the party, with what they stated and were granted."""
    expression = licences(release).for_event(event, part)
    return _ask(session, expression, event, party, design_id=release.design_id, now=now)


def _ask(
    session: Session, expression: str, event: Event, party: Party, *, design_id: str, now: datetime
) -> Answer:
    contributed = _contributed(session, design_id, party)
    return ask_licence(
        expression,
        event,
        actor=parties.actor(session, party, contributed=contributed),
        grants=leave.held_by(session, design_id, party, now=now),
    )


def ask_fork(
    session: Session, base: ReleaseRow, fork: Mapping[str, object], party: Party, *, now: datetime
) -> Answer:
    """Whether the party may publish a design with the manifest `fork` that is made from `base`."""
    wanted = licences_of(fork).for_event(Event.PUBLISH_FORK)
    contributed = _contributed(session, base.design_id, party)
    return may_fork(
        licences(base).for_event(Event.PUBLISH_FORK),
        wanted,
        actor=parties.actor(session, party, contributed=contributed),
        grants=leave.held_by(session, base.design_id, party, now=now),
    )


def licences(release: ReleaseRow) -> Licences:
    """The licences of a release: of the whole, its scopes and its parts."""
    return licences_of({**release.manifest, "license": release.license})


def _contributed(session: Session, design_id: str, party: Party) -> int | None:
    """How many releases of the design the person published; of a lab nobody counts them."""
    if party.person_id is None:
        return None
    theirs = (ReleaseRow.design_id == design_id, ReleaseRow.published_by == party.person_id)
    return session.exec(select(func.count(col(ReleaseRow.id))).where(*theirs)).one()


@dataclass(frozen=True, slots=True)
class Use:
    """What an order does with a part. `adapted`: its source is given other values, and what it then
    draws is an adaptation."""

    part: str
    purpose: Purpose
    adapted: bool = False

    @property
    def events(self) -> tuple[Event, ...]:
        """What its licence has to allow. Who makes an adaptation for themselves hands none on."""
        hands_on = self.adapted and self.purpose is not Purpose.OWN_USE
        return (EVENTS[self.purpose], *((Event.PUBLISH_FORK,) if hands_on else ()))


def require_leave(
    session: Session, release_id: str, use: Use, *, lab_id: str, by: str, now: datetime
) -> dict[str, object]:
    """The answer to an order of the release's licence and those of all that it was made from,
    where they allow it: with the duties and clauses of all, as it is kept. Of an adaptation for own
    use that must not be handed on, `adaptation` says so.

    Raises LicenceForbids or LicenceAsks with the sentence of the first answer that does not.
    """
    party = acting(use.purpose, lab_id=lab_id, by=by)
    works = published.lineage_of(session, release_id)

    def answer_of(work: Published, event: Event) -> Answer:
        answer = _says(session, work, event, party, part=use.part, now=now)
        reason = [answer.reason]
        if event is Event.PUBLISH_FORK:
            reason.append("a variant is an adaptation")
        if work is not works[0]:
            reason.append(f"it was made from {work.name} {work.version}")
        return replace(answer, reason="; ".join(reason))

    answers = [_allowed(session, answer_of(*it), it[0]) for it in product(works, use.events)]
    said = kept(replace(together(answers), reason=answers[0].reason))
    if use.adapted and Event.PUBLISH_FORK not in use.events:
        handed_on = [answer_of(work, Event.PUBLISH_FORK) for work in works]
        if refused := next((it for it in handed_on if not it.allowed), None):
            said["adaptation"] = sentence(refused)
    return said


def _says(
    session: Session, work: Published, event: Event, party: Party, *, part: str, now: datetime
) -> Answer:
    """What the work's licence says to the party. What it allows to everybody is answered without
    looking at who asks."""
    expression = work.licences.for_event(event, part)
    if says_the_same_to_all(expression, event):
        answer = ask_licence(expression, event)
        if answer.allowed:
            return answer
    design_id = session.get_one(ReleaseRow, work.id).design_id
    return _ask(session, expression, event, party, design_id=design_id, now=now)


def _allowed(session: Session, answer: Answer, work: Published) -> Answer:
    """The answer, where it allows what was asked; else it is raised."""
    if answer.permission == "ask":
        raise LicenceAsks(answer, session.get_one(ReleaseRow, work.id).design_id)
    if not answer.allowed:
        raise LicenceForbids(f"{sentence(answer)}; only a grant by its steward could")
    return answer


def ancestors(session: Session, release_id: str) -> list[ReleaseRow]:
    """Every release that this one was made from, the nearest first."""
    found: dict[str, ReleaseRow] = {}
    children = [release_id]
    while children:
        parents = select(ParentRow.parent_id).where(col(ParentRow.release_id).in_(children))
        rows = select(ReleaseRow).where(col(ReleaseRow.id).in_(parents)).order_by(ReleaseRow.id)
        new = {row.id: row for row in session.exec(rows) if row.id not in found}
        found |= new
        children = list(new)
    return list(found.values())


def acting(purpose: Purpose, *, lab_id: str, by: str) -> Party:
    """Whose legal form and grants count for an order."""
    return Party(lab_id=lab_id) if lab_acts(purpose) else Party(person_id=by)


_EVENT_WORDS = {
    Event.DOWNLOAD: "downloading it",
    Event.MAKE_OWN_USE: "making it for own use",
    Event.MAKE_GIFT: "making it as a gift",
    Event.MAKE_FOR_PAY: "making it for a client who pays",
    Event.SELL_PRODUCT: "selling it",
    Event.PUBLISH_FORK: "publishing a fork",
    Event.COMBINE: "combining it with other work",
    Event.FEDERATE: "passing copies on",
}


def sentence(answer: Answer) -> str:
    """The answer in a sentence with its clause."""
    by = f" ({', '.join(answer.clauses)})" if answer.clauses else ""
    what = _EVENT_WORDS[answer.event]
    said = {"deny": "does not allow", "ask": "does not settle"}.get(answer.permission, "allows")
    return f"the licence {answer.chosen} {said} {what}: {answer.reason}{by}"


def kept(answer: Answer) -> dict[str, object]:
    """The answer as it is kept and sent: JSON, with its sentence."""
    return {**asdict(answer), "sentence": sentence(answer)}
