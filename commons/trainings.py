"""Whether somebody is trained for a class of machine at a moment, and what to do if not."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from commons.texts import filled


@dataclass(frozen=True, slots=True)
class Span:
    """One training, as it was signed: it counts from its begin until its end, if it has one, or
    until it was revoked."""

    begins_at: datetime
    ends_at: datetime | None = None
    revoked_at: datetime | None = None

    def counts(self, at: datetime) -> bool:
        """Whether it counts at that moment."""
        ends = [it for it in (self.ends_at, self.revoked_at) if it is not None]
        return self.begins_at <= at and all(at < end for end in ends)


@dataclass(frozen=True, slots=True)
class Required:
    """A training that a machine asks for: the name of its class, who gives it, and who has had
    it, by the person's id."""

    name: str
    trainers: tuple[str, ...]
    spans: Mapping[str, Sequence[Span]]


def missing(required: Required, person_id: str, *, at: datetime) -> str | None:
    """Why the person is not trained at that moment, and whom to ask; None for one who is."""
    spans = required.spans.get(person_id, ())
    if any(span.counts(at) for span in spans):
        return None
    places = {"name": required.name, "ask": _whom(required.trainers)}
    begun = [span for span in spans if span.begins_at <= at]
    if not begun:
        return _not_begun(spans, places, at)
    last = max(begun, key=lambda span: (span.ends_at or span.revoked_at or at, span.begins_at))
    if last.revoked_at is not None and last.revoked_at <= at:
        day = day_of(last.revoked_at, at)
        said = "the training for %(name)s was revoked on %(day)s: ask %(ask)s"
        return filled(said, day=day, **places)
    day = day_of(last.ends_at or at, at)
    return filled("the training for %(name)s ended on %(day)s: ask %(ask)s", day=day, **places)


def missing_within(
    required: Required, person_id: str, begins_at: datetime, ends_at: datetime, *, now: datetime
) -> str | None:
    """Why the person is not trained, as is known now, from then until then; None for one who is."""
    spans = required.spans.get(person_id, ())
    last = ends_at - timedelta.resolution
    if all(any(span.counts(at) for span in spans) for at in (begins_at, last)):
        return None
    ends = [it.ends_at for it in spans if it.counts(now) and it.ends_at is not None]
    if not ends:
        return missing(required, person_id, at=now) or missing(required, person_id, at=last)
    return filled(
        "the training for %(name)s ends on %(day)s, before that is over: ask %(ask)s",
        name=required.name,
        day=day_of(max(ends), now),
        ask=_whom(required.trainers),
    )


def _not_begun(spans: Sequence[Span], places: Mapping[str, str], at: datetime) -> str:
    coming = [it.begins_at for it in spans if it.revoked_at is None]
    if not coming:
        return filled("a training for %(name)s is missing: ask %(ask)s", **places)
    day = day_of(min(coming), at)
    return filled("the training for %(name)s counts from %(day)s: ask %(ask)s", day=day, **places)


def _whom(trainers: Sequence[str]) -> str:
    if not trainers:
        return "a manager of the lab"
    return f"{', '.join(trainers)} ({'trainers' if len(trainers) > 1 else 'trainer'})"


def day_of(at: datetime, now: datetime) -> str:
    """The day as people say it, with its year where that is not this one."""
    return f"{at.day} {at:%B}" + ("" if at.year == now.year else f" {at.year}")
