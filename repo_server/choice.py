"""Which machines a job may go to: those that its order names, or the one that somebody chose."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace

from commons.errors import InvalidInput
from commons.matching import Answer, MachineOffer
from commons.texts import Filled, filled

NOT_CHOSEN = "not_chosen"  # beside the codes of matching


def chosen(machines: Collection[str] | None, pinned_to: str | None) -> frozenset[str] | None:
    """The ids of the machines that may make it; None for any. A pin goes before the order."""
    if pinned_to is not None:
        return frozenset({pinned_to})
    return None if machines is None else frozenset(machines)


def refusal(name: str) -> Filled:
    """Why a machine that was not chosen does not make it."""
    return filled("%(machine)s was not chosen for this", machine=name)


def of_chosen(
    machines: Collection[str] | None, answers: Iterable[Answer], offers: Sequence[MachineOffer]
) -> list[Answer]:
    """The answers, and of each machine that is not among these that it was not chosen.

    InvalidInput where one of them is no machine of the lab.
    """
    if machines is None:
        return list(answers)
    _require_known(machines, offers)
    return [
        it
        if it.machine_id in machines
        else replace(it, refusal=NOT_CHOSEN, sentence=refusal(it.name))
        for it in answers
    ]


def _require_known(machines: Iterable[str], offers: Iterable[MachineOffer]) -> None:
    """Pass when all of these are machines of the lab; InvalidInput tells which there are."""
    known = {it.machine_id: it.name for it in offers}
    if strange := [it for it in machines if it not in known]:
        there = ", ".join(f"{name} ({id_})" for id_, name in known.items()) or "none yet"
        raise InvalidInput(
            filled(
                "machines: '%(machine)s' is no machine of this lab; there are: %(known)s",
                machine=strange[0][:64],
                known=there,
            )
        )
