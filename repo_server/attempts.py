"""How an attempt ends, and what its end means for the ledger and for the lot on the machine."""

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session, col, select

from commons.errors import NotFound
from commons.fabrication import (
    FDM_SHARE_OF_RATED_POWER,
    AttemptFacts,
    events_of_attempt,
    events_of_verdict,
)
from commons.flows import Action, EventDraft, Ring, Unit
from commons.machine import MachineProfile, Process
from commons.wire import ProgramFacts, RunFacts
from repo_server import ledger, lot_mass, shares
from repo_server.tables import (
    AttemptRow,
    BuildOrderRow,
    DesignRow,
    JobRow,
    MachineRow,
    MaterialLotRow,
    ReleaseRow,
)


class Outcome(StrEnum):
    """How a try ended. Those before UNKNOWN ran; those after it never moved anything."""

    DONE = "done"  # the machine reached the end of the program
    REJECTED = "rejected"  # it did, and a person found the thing no good
    FAILED = "failed"  # it stopped before the end
    ABORTED = "aborted"  # a person stopped it
    UNKNOWN = "unknown"  # the agent lost sight of it; the truth is still to be told
    DECLINED = "declined"  # the agent gave it back
    REFUSED = "refused"  # it cannot be made as it is
    LAPSED = "lapsed"  # the lease ran out
    CANCELLED = "cancelled"  # a person cancelled it before a permit was given
    UNUSED = "unused"  # the permit was never used


RAN = frozenset({Outcome.DONE, Outcome.REJECTED, Outcome.FAILED, Outcome.ABORTED})


@dataclass(frozen=True, slots=True)
class End:
    """The end of an attempt as it was told. `run` is None when nobody knows how far it came."""

    outcome: Outcome
    at: datetime
    sentence: str = ""
    run: RunFacts | None = None


@dataclass(frozen=True, slots=True)
class Background:
    """The rows behind an attempt. A program that somebody brought is of no release."""

    job: JobRow
    order: BuildOrderRow
    release: ReleaseRow | None
    design: DesignRow | None
    machine: MachineRow

    @property
    def profile(self) -> MachineProfile:
        return MachineProfile.model_validate(self.machine.profile)


def of_id(session: Session, attempt_id: str) -> AttemptRow:
    """The attempt; NotFound when there is none."""
    attempt = session.get(AttemptRow, attempt_id)
    if attempt is None:
        raise NotFound(f"there is no attempt {attempt_id}")
    return attempt


def background(session: Session, attempt: AttemptRow) -> Background:
    """The job, order, release, design and machine of `attempt`."""
    job = session.get_one(JobRow, attempt.job_id)
    order = session.get_one(BuildOrderRow, job.order_id)
    release = session.get_one(ReleaseRow, order.release_id) if order.release_id else None
    design = session.get_one(DesignRow, release.design_id) if release else None
    machine = session.get_one(MachineRow, attempt.machine_id)
    return Background(job, order, release, design, machine)


def leading(session: Session, attempt: AttemptRow) -> AttemptRow:
    """The attempt that holds the machine: itself, or the one that leads its plate."""
    return attempt if attempt.led_by is None else of_id(session, attempt.led_by)


def mates(session: Session, attempt_id: str) -> list[AttemptRow]:
    """The attempts that share the plate which this one leads, as they came aboard."""
    led = select(AttemptRow).where(AttemptRow.led_by == attempt_id)
    led = led.order_by(col(AttemptRow.fence).desc())
    return list(session.exec(led))


def tell_mates(session: Session, attempt: AttemptRow) -> None:
    """Whatever is known of the program and its course is known of each that shares its plate."""
    for mate in mates(session, attempt.id):
        mate.program, mate.run = attempt.program, attempt.run
        mate.armed_at, mate.started_at = attempt.armed_at, attempt.started_at
        session.add(mate)


def lost_sight(attempt: AttemptRow, end: End) -> None:
    """The attempt is open still, and marked as one whose truth is to be told.

    Nothing goes to the ledger: the events come with that truth, once.
    """
    attempt.outcome = Outcome.UNKNOWN
    attempt.sentence = end.sentence
    if end.run is not None:
        attempt.run = end.run.model_dump(mode="json")


def close(session: Session, attempt_id: str, end: End, *, now: datetime) -> None:
    """The attempt has ended, once, and with it all that share its plate. If it ran, its events and
    its lot's mass say so."""
    attempt = of_id(session, attempt_id)
    if attempt.ended_at is not None:
        return
    attempt.outcome = end.outcome
    # A run ended by its agent's clock, unless that is ahead; what never ran ends here and now.
    attempt.ended_at = min(end.at, now) if end.outcome in RAN else now
    attempt.sentence = end.sentence or attempt.sentence
    if end.run is not None:
        attempt.run = end.run.model_dump(mode="json")
    session.add(attempt)
    shares.end(session, attempt, ran=end.outcome in RAN, now=now)
    if end.outcome in RAN:
        _account_for(session, attempt, now=now)
    tell_mates(session, attempt)
    same = Outcome.LAPSED if end.outcome is Outcome.CANCELLED else end.outcome
    for mate in mates(session, attempt_id):
        close(session, mate.id, replace(end, outcome=same), now=now)


def judge(session: Session, attempt_id: str, *, good: int, by: str | None, now: datetime) -> None:
    """A person's verdict stands beside the run, and in the ledger as good things and as scrap; of
    what calibrates a machine it stands beside the run alone."""
    attempt = of_id(session, attempt_id)
    behind = background(session, attempt)
    attempt.outcome = Outcome.DONE if good else Outcome.REJECTED
    attempt.good_copies = good
    sign(session, attempt_id, by=by, now=now)
    if behind.order.calibrates is not None:
        return  # nothing was produced for anybody, and a piece that is thrown away is no scrap
    drafts = events_of_verdict(
        lab_id=behind.job.lab_id,
        release_id=behind.order.release_id,
        part=behind.order.part,
        good=good,
        copies=behind.job.copies,
        mass_g=used_g(attempt) if attempt.weighed_g is None else attempt.weighed_g,
        weighed=attempt.weighed_g is not None,
    )
    ledger.append(session, drafts, _occasion(attempt, behind, now), now=now)


def sign(session: Session, attempt_id: str, *, by: str | None, now: datetime) -> None:
    """The attempt bears the name of the person who told how it ended."""
    attempt = of_id(session, attempt_id)
    attempt.verdict_by, attempt.verdict_at = by, now
    session.add(attempt)


def used_g(attempt: AttemptRow) -> float | None:
    """Grams that the attempt used by the program's own figures; None when not known."""
    if attempt.program is None or attempt.run is None:
        return None
    material_g = ProgramFacts.model_validate(attempt.program).material_g
    return None if material_g is None else material_g * attempt.share * share_done(attempt)


def ran_s(attempt: AttemptRow) -> float | None:
    """Seconds for which its machine worked for it; None when not known."""
    if attempt.run is None:
        return None
    return RunFacts.model_validate(attempt.run).ran_s * attempt.share


def share_done(attempt: AttemptRow) -> float:
    """Lines that the machine acknowledged, of all lines (0…1); 0 when nobody knows."""
    if attempt.run is None:
        return 0.0
    run = RunFacts.model_validate(attempt.run)
    return min(1.0, run.lines_done / run.line_count) if run.line_count else 0.0


def _account_for(session: Session, attempt: AttemptRow, *, now: datetime) -> None:
    behind = background(session, attempt)
    lot = session.get(MaterialLotRow, attempt.lot_id) if attempt.lot_id else None
    drafts = events_of_attempt(_facts(attempt, behind, lot))
    if attempt.run is None:
        # It ran, but nobody knows how far: what it used stays unknown, and is never a zero.
        drafts = [draft for draft in drafts if draft.action is Action.CITE]
    happened_at = attempt.ended_at or now
    ledger.append(session, drafts, _occasion(attempt, behind, happened_at), now=now)
    if lot is not None:
        _take_from(session, lot, attempt, drafts)


def _occasion(attempt: AttemptRow, behind: Background, at: datetime) -> ledger.Occasion:
    return ledger.Occasion(behind.job.lab_id, attempt.id, behind.profile.simulated, at)


def _facts(attempt: AttemptRow, behind: Background, lot: MaterialLotRow | None) -> AttemptFacts:
    program = ProgramFacts.model_validate(attempt.program) if attempt.program else None
    run = RunFacts.model_validate(attempt.run) if attempt.run else None
    share = attempt.share
    return AttemptFacts(
        lab_id=behind.job.lab_id,
        steward=behind.design.steward_id if behind.design else None,
        release_id=behind.order.release_id,
        machine_id=attempt.machine_id,
        lot_id=attempt.lot_id,
        lot_ring=lot.ring if lot else Ring.UNKNOWN,
        material=behind.order.material or (lot.material if lot else "unknown"),
        program_duration_s=program.duration_s * share if program else 0.0,
        program_material_g=_of(share, program.material_g if program else None),
        share_done=share_done(attempt),
        ran_s=ran_s(attempt) or 0.0,
        average_power_w=average_power_w(behind.profile),
        energy_kwh=_of(share, run.energy_kwh if run else None),
    )


def _of(share: float, whole: float | None) -> float | None:
    return None if whole is None else share * whole


def average_power_w(profile: MachineProfile) -> float | None:
    """Mean power over a run (W); None where no share of the rated power is published."""
    if profile.rated_power_w is None or profile.process is not Process.FDM:
        return None
    return profile.rated_power_w * FDM_SHARE_OF_RATED_POWER


def _take_from(
    session: Session, lot: MaterialLotRow, attempt: AttemptRow, drafts: list[EventDraft]
) -> None:
    """The lot has less left by what the attempt consumed, or may have."""
    for draft in drafts:
        if draft.quantity.unit is Unit.GRAM:
            lot_mass.take(session, lot, draft.quantity)
    if attempt.run is None and attempt.program is not None:
        program = ProgramFacts.model_validate(attempt.program)
        lot_mass.take_unseen(session, lot, (program.material_g or 0.0) * attempt.share)
