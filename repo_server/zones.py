"""The time zone that a lab lives in: one, by which its hours are read and its machines booked."""

from difflib import get_close_matches
from zoneinfo import available_timezones

from commons.errors import FieldProblem, InvalidInput
from commons.texts import filled
from repo_server.tables import LabRow


def move(lab: LabRow, name: str, *, field: str) -> None:
    """The lab lives in that zone from now on; InvalidInput of `field` with the nearest names where
    there is none of this name."""
    known = available_timezones()
    if name not in known:
        near = " or ".join(get_close_matches(name, known, 3, 0.5) or ["Europe/Berlin"])
        sentence = filled(
            "'%(name)s' is not known: did you mean %(near)s?", name=name[:64], near=near
        )
        problem = FieldProblem(field, sentence)
        raise InvalidInput(str(problem), [problem])
    lab.time_zone = name
