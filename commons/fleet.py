"""Machines side by side: those that are alike but for their names answer alike, and are asked once.

Labs have a few kinds of machines and many of each, and a board asks all of them about every job.
"""

from collections.abc import Iterable
from dataclasses import replace

from commons.lots import MASS_RESERVE
from commons.matching import Answer, BuildNeed, MachineOffer, first_refusal


class Fleet:
    """Machines as they stand. It answers what `matching.candidates` answers, in the same order."""

    def __init__(self, offers: Iterable[MachineOffer]) -> None:
        self.offers = tuple(offers)
        self._kinds = _kinds(self.offers)

    def answers(self, need: BuildNeed) -> list[Answer]:
        """One answer a machine, in the order given: it fits, or the first reason why not."""
        asked: dict[object, tuple[str | None, str]] = {}
        answers = []
        for kind, offer in zip(self._kinds, self.offers, strict=True):
            like = (kind, *_load(need, offer))
            if like not in asked:
                asked[like] = first_refusal(need, offer)
            refusal, words = asked[like]
            answers.append(Answer(offer.machine_id, offer.name, refusal, f"{offer.name} {words}"))
        return answers


def _kinds(offers: Iterable[MachineOffer]) -> list[int]:
    """The same number for machines that are alike whatever is loaded on them."""
    known: list[MachineOffer] = []
    numbers = []
    for offer in offers:
        bare = replace(
            offer,
            machine_id="",
            name="",
            profile=offer.profile.model_copy(update={"name": ""}),
            loaded_material=None,
            mass_left_g=None,
            loaded_thickness_mm=None,
            loaded_sheet_mm=None,
            next_lot="",
            next_mass_left_g=None,
        )
        if bare not in known:
            known.append(bare)
        numbers.append(known.index(bare))
    return numbers


def _load(need: BuildNeed, offer: MachineOffer) -> tuple[object, ...]:
    """What counts for the need of what is loaded. Spools are never equally full: how much is left
    counts only where it is too little."""
    left_g = offer.mass_left_g
    enough = need.mass_g is None or left_g is None or left_g >= need.mass_g * MASS_RESERVE
    short = () if enough else (left_g, offer.next_lot)
    return (offer.loaded_material, offer.loaded_thickness_mm, offer.loaded_sheet_mm, short)
