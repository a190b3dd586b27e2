"""Whether the machines of a lab can make a design, and which labs are near a place."""

import json
from collections.abc import Sequence
from dataclasses import replace
from math import asin, cos, radians, sin, sqrt

from sqlmodel import Session, col, select

from commons.machine import Process
from commons.matching import BuildNeed, MachineOffer, candidates
from repo_server import designs, fleets, matches
from repo_server.search import index
from repo_server.search.entries import Need, need_of
from repo_server.tables import LabRow

_EARTH_KM = 6371.0


class Workshop:
    """The machines of one lab, asked what they can make. An answer is kept for the next design
    that needs the same.

    A machine counts whatever is loaded: with every material that it takes, and a print may be
    turned to another side. What is not known of a part lets it pass, as when it is ordered.
    """

    def __init__(self, offers: Sequence[MachineOffer]) -> None:
        self._offers = [
            replace(it, mass_left_g=None, loaded_thickness_mm=None, loaded_sheet_mm=None)
            for it in offers
        ]
        self._answers: dict[str, bool] = {}

    def longest_mm(self, process: Process) -> float | None:
        """The longest edge that any of its machines of this process has room for."""
        of_it = [o.profile for o in self._offers if o.profile.process is process]
        return max((max(profile.envelope.size_mm) for profile in of_it), default=None)

    @property
    def processes(self) -> set[Process]:
        """What its machines do."""
        return {offer.profile.process for offer in self._offers}

    def can_make(self, needs: str) -> bool:
        """Whether each of the parts can be made on one of the machines; `needs` as JSON."""
        if needs not in self._answers:
            asked = [need_of(it) for it in json.loads(needs)]
            self._answers[needs] = bool(asked) and all(self._can_make(need) for need in asked)
        return self._answers[needs]

    def _can_make(self, need: Need) -> bool:
        for offer in self._offers:
            takes = offer.profile.materials
            if need.material is not None and need.material not in takes:
                continue
            material = need.material or "any"
            asked = BuildNeed(
                process=need.process,
                size_mm=need.size_mm,
                material=material,
                thickness_mm=need.thickness_mm,
                any_side=need.process is Process.FDM,
            )
            (answer,) = candidates(asked, [replace(offer, loaded_material=material)])
            if answer.refusal is None:
                return True
        return False


def measure(session: Session, release_id: str) -> None:
    """What the release's parts ask of machines is kept by their measured sizes."""
    release = designs.show_release(session, release_id)
    keys = [(release.id, part.name) for part in release.manifest.parts]
    needs = [
        Need(it.process, it.part.material, it.size_mm, it.part.thickness_mm)
        for it in matches.buildables(session, keys).values()
    ]
    index.measure(session, release_id, list(dict.fromkeys(needs)))


def workshop_of(session: Session, lab_id: str) -> Workshop:
    """The machines of the lab as they are."""
    return Workshop(fleets.fleet_of(session, lab_id).offers)


def labs_near(session: Session, place: tuple[float, float], *, km: float) -> list[str]:
    """Slugs of the labs within so many km of (latitude, longitude), the nearest first."""
    rows = session.exec(
        select(LabRow.slug, LabRow.latitude, LabRow.longitude).where(
            col(LabRow.latitude).is_not(None), col(LabRow.longitude).is_not(None)
        )
    )
    near = [
        (distance_km(place, (latitude, longitude)), slug)
        for slug, latitude, longitude in rows
        if latitude is not None and longitude is not None
    ]
    return [slug for distance, slug in sorted(near) if distance <= km]


def distance_km(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The way over the globe between two places, each (latitude, longitude) in degrees."""
    (lat1, lon1), (lat2, lon2) = (tuple(map(radians, place)) for place in (one, other))
    half = sin((lat2 - lat1) / 2) ** 2 + cos(lat1) * cos(lat2) * sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_KM * asin(sqrt(half))
