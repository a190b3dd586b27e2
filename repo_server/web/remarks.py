"""What a beginner should know before a mesh is printed, in sentences."""

from dataclasses import dataclass

from commons.machine import MATERIALS
from commons.texts import later
from repo_server.mesh_facts import MeshFacts, Printability, Thickness
from repo_server.print_estimate import estimate
from repo_server.web import figures
from repo_server.web.languages import Texts, gettext
from repo_server.web.words import Word

_UNIT = Word(later("Unit"), "wait")
_WALLS = {tone: Word(later("Walls"), tone) for tone in ("good", "wait", "bad")}
_GAPS = Word(later("Gaps"), "wait")
_OVERHANGS = {tone: Word(later("Overhangs"), tone) for tone in ("good", "wait")}
_TAKES = Word(later("Takes"))
_UNITS = Texts(
    {
        "in": later(
            "Its file names no unit. Taken as millimetres it is very small: was it drawn in inches?"
        ),
        "m": later(
            "Its file names no unit. Taken as millimetres it is very small: was it drawn in metres?"
        ),
        "µm": later(
            "Its file names no unit. Taken as millimetres it is very large: was it drawn in "
            "micrometres?"
        ),
    }
)
_NO_UNIT = later("Its file names no unit, and in none has it the size of a usual part: look at it.")
_LINE_MM = 0.4  # of the usual nozzle
_EDGES = 0.01  # of the surface: less than that are tapering edges and corners
_BRIDGED = 0.005  # of the surface: so little any printer bridges
_MATERIAL = "pla"  # what most people print with: estimates are told for it


@dataclass(frozen=True, slots=True)
class Remark:
    """What one sentence is about, with the tone of that, and the sentence."""

    about: Word
    text: str


def remarks_of(facts: MeshFacts) -> list[Remark]:
    """The remarks on a mesh that is to be printed; of one that is no body only its unit is told."""
    said: list[Remark | None] = [_unit(facts.unit_guess)]
    if found := facts.printability:
        said += [_walls(found.walls), _gaps(found.gaps), _hanging(found)]
    said.append(_takes(facts))
    return [it for it in said if it]


def _unit(guess: str | None) -> Remark | None:
    if guess == "mm":
        return None
    return Remark(_UNIT, _UNITS[guess] if guess and guess in _UNITS else gettext(_NO_UNIT))


def _walls(found: Thickness) -> Remark | None:
    if found.least_mm is None:
        return None
    if not found.share:
        return Remark(_WALLS["good"], gettext("Its walls are thick enough."))
    text = gettext(
        "%(share)s of its surface is wall of less than 0.8 mm, the thinnest %(least)s mm: a usual "
        "nozzle makes that of one line, which breaks easily, or leaves it out."
    )
    told = {"least": figures.number(found.least_mm), "share": _percent(found.share)}
    grave = found.least_mm < _LINE_MM and found.share > _EDGES
    return Remark(_WALLS["bad" if grave else "wait"], text % told)


def _gaps(found: Thickness) -> Remark | None:
    if not found.share or found.least_mm is None:
        return None
    text = gettext(
        "It has gaps of less than 0.3 mm, the narrowest %(least)s mm: what lies on both sides "
        "grows together when it is printed."
    )
    return Remark(_GAPS, text % {"least": figures.number(found.least_mm)})


def _hanging(found: Printability) -> Remark:
    if found.hanging_share < _BRIDGED:
        return Remark(_OVERHANGS["good"], gettext("As drawn nothing hangs in the air."))
    text = gettext(
        "As drawn, %(share)s of its surface hangs in the air and needs supports; the orientation "
        "“suggested by the lab” may need fewer."
    )
    return Remark(_OVERHANGS["wait"], text % {"share": _percent(found.hanging_share)})


def _percent(share: float) -> str:
    return gettext("%(number)s %%") % {"number": figures.number(100 * share)}


def _about(value: float) -> float:
    """Two digits: more would look as if it were known."""
    return float(f"{value:.2g}")


def _takes(facts: MeshFacts) -> Remark | None:
    if facts.volume_mm3 is None:
        return None
    it = estimate(
        volume_mm3=facts.volume_mm3,
        area_mm2=facts.area_mm2,
        height_mm=facts.box_mm[2],
        density_g_cm3=MATERIALS[_MATERIAL].density_g_cm3,
    )
    text = gettext(
        "About %(from_g)s to %(to_g)s of PLA and %(from_s)s to %(to_s)s on a usual printer, "
        "reckoned from its size; the lab's slicer will say it exactly."
    )
    told = {
        "from_g": figures.grams(_about(it.mass_g[0])),
        "to_g": figures.grams(_about(it.mass_g[1])),
        "from_s": figures.duration(60 * _about(it.time_s[0] / 60)),
        "to_s": figures.duration(60 * _about(it.time_s[1] / 60)),
    }
    return Remark(_TAKES, text % told)
