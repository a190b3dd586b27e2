"""One of several things that people name."""

from commons.errors import Conflict, NotFound
from cosmo.client import Answer


def chosen(among: list[Answer], wanted: str, *, what: str) -> Answer:
    """The one of this id or name. NotFound lists the names, Conflict the ids of namesakes."""
    found = [it for it in among if wanted in (it["id"], it["name"])]
    if not found:
        names = ", ".join(it["name"] for it in among) or "none"
        raise NotFound(f"there is no {what} '{wanted}' in this lab; there is: {names}")
    if len(found) > 1:
        ids = ", ".join(it["id"] for it in found)
        raise Conflict(f"more than one {what} is named '{wanted}'; say its id: {ids}")
    return found[0]
