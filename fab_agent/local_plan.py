"""What people may make on a machine while its server is away, or why not."""

import secrets
from dataclasses import dataclass
from datetime import UTC, datetime

from commons import lots
from commons.dispatch import AWAY_S, local_fence
from commons.errors import Conflict, InvalidInput, NotAllowed, NotFound
from commons.local_builds import LocalBuilds, MachineTold, Makeable, Maker
from commons.local_starts import LOCAL
from commons.wire import JobOffer, ProgramFacts
from fab_agent.bench import Bench, Offline
from fab_agent.orders import Make

_NEVER_TOLD = "the server has told nothing yet of what may be made here without it"


@dataclass(frozen=True, slots=True)
class Plan:
    """What is made, in the words of any offer; of which release and lot."""

    offer: JobOffer
    release_id: str
    lot_id: str | None


def plan(wish: Make, by: str, bench: Bench) -> Plan:
    """The plan for what `by` wishes; nothing was begun.

    Raises:
        Conflict, NotFound, NotAllowed, InvalidInput: why it is not made here and now.
    """
    offline, told = require_away(bench)
    machine = _machine(told, bench)
    item = _item(told, wish)
    maker_of(told, by, bench.machine_id)
    material = _material(item, machine, offline)
    with bench.open_cache() as cache:
        if cache.file(item.file_sha256) is None:
            raise NotFound(
                f"{item.file_name} is not kept here: it can be made once the server is back"
            )
    fence = local_fence(bench.journal.card, heard=machine.fence)
    return Plan(_offer(item, machine, material, fence), item.release_id, machine.lot_id)


def require_away(bench: Bench) -> tuple[Offline, LocalBuilds]:
    """What may be made without the server, which is away; Conflict when it is not."""
    if bench.offline is None:
        raise Conflict("nothing is made here without the server")
    if bench.silent_s < AWAY_S:
        raise Conflict("the server is back: order it there")
    kept = bench.offline.book.seen()
    if kept is None:
        raise Conflict(_NEVER_TOLD)
    return bench.offline, kept.told


def require_enough(facts: ProgramFacts, bench: Bench) -> None:
    """Pass while what is loaded suffices, by what the server told and what was made here since;
    where nobody knows either, too. Conflict with what it lacks."""
    kept = bench.offline.book.seen() if bench.offline else None
    if kept is None or facts.material_g is None:
        return
    told = {it.machine_id: it.mass_left_g for it in kept.told.machines}.get(bench.machine_id)
    if told is None:
        return
    made = bench.made.newest().values() if bench.made else ()
    since = [it.material_g or 0.0 for it in made if it.at is not None and it.at > kept.at]
    if lacks := lots.too_little(told - sum(since), facts.material_g):
        raise Conflict(
            f"what is loaded {lacks}, by what the server knew when it was last there and what was "
            "made here since: load another lot once it is back"
        )


def maker_of(told: LocalBuilds, by: str, machine_id: str) -> Maker:
    """Who `by` is to the server; NotAllowed when it knows nobody so, or not for this machine."""
    if (maker := told.maker(by, machine_id)) is None:
        raise NotAllowed(
            f"the server knows no operator '{by}' of this lab who is trained for this machine: "
            "sign in by the handle or the name that they have there"
        )
    return maker


def _item(told: LocalBuilds, wish: Make) -> Makeable:
    key = (wish.release_id, wish.part)
    item = next((it for it in told.makeable if (it.release_id, it.part) == key), None)
    if item is None:
        raise NotFound("that is not among what may be made here without the server")
    if item.refusal:
        raise NotAllowed(f"{item.title}: {item.part} waits for the server: {item.refusal}")
    return item


def _machine(told: LocalBuilds, bench: Bench) -> MachineTold:
    for machine in told.machines:
        if machine.machine_id == bench.machine_id:
            return machine
    raise Conflict(_NEVER_TOLD)


def _material(item: Makeable, machine: MachineTold, offline: Offline) -> str:
    if item.process is not offline.profile.process:
        raise InvalidInput(f"{item.part} needs {item.process}: choose another machine")
    material = item.material or machine.material
    if material is None:
        raise Conflict(f"nobody has said of what {item.part} is made, nor what is loaded")
    if machine.material not in (None, material):
        raise Conflict(
            f"{item.part} is made of {material}, and {machine.material} was loaded when the server "
            "was last there: another lot is loaded with its help alone"
        )
    return material


def _offer(item: Makeable, machine: MachineTold, material: str, fence: int) -> JobOffer:
    attempt_id = LOCAL + secrets.token_hex(16)
    return JobOffer(
        job_id=attempt_id,
        attempt_id=attempt_id,
        machine_id=machine.machine_id,
        fence=fence,
        lease_ends_at=datetime.now(UTC),
        title=item.title,
        part=item.part,
        process=item.process,
        file_name=item.file_name,
        file_sha256=item.file_sha256,
        file_size=item.file_size,
        material=material,
        thickness_mm=machine.thickness_mm,
        sheet_mm=machine.sheet_mm,
        grain=machine.grain,
    )
