"""The pieces of a job with their cuts, and where on the sheet they lie."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from shapely.geometry.base import BaseGeometry

from commons.errors import ProgramRefused
from commons.machine import MachineProfile
from fab_agent.cam.assigning import tasks_of
from fab_agent.cam.contours import engravings_of, grain_of
from fab_agent.cam.cuts import Cut, cuts_of, engraving, in_order, refuse_gouges
from fab_agent.cam.cutter import Cutter
from fab_agent.cam.drawing import Drawing
from fab_agent.cam.leads import Walls
from fab_agent.cam.options import CutOptions
from fab_agent.cam.part import Feature
from fab_agent.cam.passes import Path3
from fab_agent.cam.pieces import (
    Group,
    Piece,
    in_sheet_order,
    pieces_of,
    single_parts,
    whole_drawing,
)
from fab_agent.cam.placing import Places, moved_path, placed, turns_allowed
from fab_agent.cam.profiles import Setting
from fab_agent.cam.stock import Stock


@dataclass(frozen=True, slots=True)
class Job:
    """What is cut out of which sheet, on which machine, by which cutters (smallest first)."""

    drawing: Drawing
    features: tuple[Feature, ...]
    cutters: tuple[Cutter, ...]
    stock: Stock
    profile: MachineProfile
    copies: int
    options: CutOptions

    @property
    def grain(self) -> str | None:
        """How the drawing wants the sheet's grain to run."""
        return self.options.grain or grain_of(self.drawing)


@dataclass(frozen=True, slots=True)
class Layout:
    """Every piece of a job, and its places on the sheet."""

    pieces: tuple[Piece, ...]
    places: Places

    def parts(self) -> BaseGeometry:
        """What stays of the sheet, seen from above."""
        return self.places.areas([piece.kept for piece in self.pieces])

    def paths(self, cutters: Sequence[Cutter]) -> Iterator[tuple[Cutter, list[Path3]]]:
        """Every way on the sheet in order, one cutter after the other, if it has any."""
        order = in_sheet_order(self.places.places, self.pieces)
        for cutter in cutters:
            paths = [
                moved_path(path, place)
                for place in order
                for cut in self.pieces[place.shape].cuts
                if cut.cutter.diameter_mm == cutter.diameter_mm
                for path in cut.paths
            ]
            if paths:
                yield cutter, paths


def laid_out(job: Job) -> Layout:
    """The pieces and where they lie; where the sheet is too small for leads, without them.

    Raises:
        ProgramRefused: a cutter or the sheet does not suit them.
    """
    try:
        return _laid_out(job)
    except ProgramRefused:
        if not job.options.leads:
            raise
    return _laid_out(replace(job, options=job.options.model_copy(update={"leads": False})))


def _laid_out(job: Job) -> Layout:
    grouped = single_parts if job.options.nest else whole_drawing
    groups = grouped(job.features, engravings_of(job.drawing))
    pieces = pieces_of(groups, lambda group, kept: _cuts(group, kept, job))
    return Layout(tuple(pieces), _places(pieces, job))


def _cuts(group: Group, kept: BaseGeometry, job: Job) -> list[Cut]:
    walls, cutters = Walls(kept), job.cutters
    cuts: list[Cut] = []
    finest = Setting(cutters[0], job.stock, job.options)
    for task in tasks_of(group.features, kept, cutters):
        cuts += cuts_of(task, replace(finest, cutter=task.cutter), walls)
    cuts += [engraving(layer, points, finest) for layer, points in group.engravings]
    refuse_gouges(cuts, kept)
    return in_order(cuts)


def _places(pieces: Sequence[Piece], job: Job) -> Places:
    counts = [job.copies * piece.count for piece in pieces]
    envelope, several = job.profile.envelope, len(job.cutters) > 1
    plain = sum(counts) == 1 and not job.stock.outline and not envelope.keep_out
    reach = job.cutters[-1].diameter_mm + job.options.finish_mm
    # An opening may come loose before a larger cutter has done what lies in it.
    solids = [piece.box() if plain else piece.solid(reach, filled=several) for piece in pieces]
    return placed(
        solids,
        stock=job.stock,
        envelope=envelope,
        counts=counts,
        clearance_mm=job.options.clearance_mm,
        turns=turns_allowed(job.grain, job.stock.grain),
    )
