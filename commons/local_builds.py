"""What an agent is told beforehand, so that its lab can go on making things without the server."""

from commons.machine import Process
from commons.wire import Axis, Count, Id, Sha256, Told


class Makeable(Told):
    """A part of a release that the lab ordered lately, and the file that it is made from.

    `material` is its designer's, None where nobody named one. `refusal` is why it is not made
    without the server: its licence wants somebody's word, or it was yanked; empty when it may be.
    """

    release_id: Sha256
    title: str
    part: str
    process: Process
    material: str | None
    file_name: str
    file_sha256: Sha256
    file_size: Count
    refusal: str = ""


class Maker(Told):
    """An operator of the lab, and the names by which a panel may know them."""

    person_id: Id
    names: tuple[str, ...]


class MachineTold(Told):
    """A machine: the greatest fence that is known of it, what is loaded and how much is left of
    that, who may make things there.

    `makers` are ids of people whose trainings the machine does not ask for, or who have them.
    """

    machine_id: Id
    fence: Count
    lot_id: Id | None = None
    material: str | None = None
    mass_left_g: float | None = None
    thickness_mm: float | None = None
    sheet_mm: tuple[float, float] | None = None
    grain: Axis | None = None
    makers: tuple[Id, ...] = ()


class LocalBuilds(Told):
    """All of it, for the machines of one agent."""

    makeable: tuple[Makeable, ...] = ()
    people: tuple[Maker, ...] = ()
    machines: tuple[MachineTold, ...] = ()

    def maker(self, name: str, machine_id: str) -> Maker | None:
        """Who `name` is of those who may make things on the machine; None when nobody is."""
        of_machine = next((it.makers for it in self.machines if it.machine_id == machine_id), ())
        called = [
            it
            for it in self.people
            if it.person_id in of_machine and name.casefold() in map(str.casefold, it.names)
        ]
        return called[0] if len(called) == 1 else None
