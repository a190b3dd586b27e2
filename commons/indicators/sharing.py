"""I16 to I18, I20: designs that travel, who is named for them, and who tells their numbers.

Nobody is ranked, and cells of fewer than five people are not shown.
"""

from dataclasses import dataclass
from statistics import median

from commons.flows import State
from commons.indicators.figure import Figure, Place, nothing, shared
from commons.indicators.sums import Share
from commons.texts import later

FEWEST_PEOPLE = 5


def design_travel(made_elsewhere: int, cited_from_elsewhere: int, place: Place) -> list[Figure]:
    """I16: data out and data in; downloads are not makings, and are in neither."""
    return [
        _count("data_out", later("Cities elsewhere that made a design of here"), made_elsewhere,
               place),
        _count("data_in", later("Designs from elsewhere that were made here"),
               cited_from_elsewhere, place),
    ]  # fmt: skip


def attribution(cited: int, runs: int, place: Place) -> Figure:
    """I17: runs that name the design that they used, of all runs."""
    return _part("attribution", later("Runs that name their design"), cited, runs, place,
                 later("no machine has reported yet"))  # fmt: skip


def data_sharing(shared_by: int, members: int, place: Place) -> Figure:
    """I20: members that published their numbers; a silent one is not one that made nothing."""
    return _part("data_sharing", later("Members that published their numbers"), shared_by, members,
                 place, later("there are no members"))  # fmt: skip


@dataclass(frozen=True, slots=True)
class Vitality:
    """What happened to designs in a period; the days are until each one's first review."""

    published: int
    forked: int
    merged_back: int
    reviewed: int
    days_to_review: tuple[float, ...]
    contributors: int


def vitality(of: Vitality, place: Place) -> list[Figure]:
    """I18: counts, the median wait, and how many people gave something, from five on."""
    label = later("Median days to a first review")
    waited = nothing("review_days", label, "d", place, later("nothing was reviewed"))
    if of.days_to_review:
        days = median(of.days_to_review)
        waited = Figure("review_days", label, "d", days, days, days, State.MEASURED, None, **place)
    return [
        _count("published", later("Designs published"), of.published, place),
        _count("forked", later("Designs forked"), of.forked, place),
        _count("merged_back", later("Forks merged back"), of.merged_back, place),
        _count("reviewed", later("Designs reviewed"), of.reviewed, place),
        waited,
        people("contributors", later("People who contributed"), of.contributors, place),
    ]


def people(key: str, label: str, number: int, place: Place) -> Figure:
    """A number of people; fewer than five are not told, so that none of them is."""
    if number < FEWEST_PEOPLE:
        return nothing(key, label, "people", place, later("fewer than five are not told"))
    return _count(key, label, number, place, unit="people")


def _count(key: str, label: str, number: int, place: Place, unit: str = "things") -> Figure:
    return Figure(key, label, unit, number, number, number, State.MEASURED, None, **place)


def _part(key: str, label: str, part: int, whole: int, place: Place, missing: str) -> Figure:
    if whole <= 0:
        return nothing(key, label, "%", place, missing)
    return shared(key, label, "%", Share(part, part, whole), place)
