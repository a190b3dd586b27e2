"""What people fill in on pages, and what a form may be refused for."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from flask import request

from commons.errors import Conflict, FabError, InvalidInput, NotFound
from repo_server.api import auth

# Anything else has a page of its own.
REFUSED = (InvalidInput, NotFound, Conflict)


@dataclass(frozen=True, slots=True)
class RefusedForm:
    """Which form of a page was refused and why, and what had been filled in."""

    form: str = ""
    error: FabError | None = None
    values: Mapping[str, str] = field(default_factory=dict)


NONE_REFUSED = RefusedForm()


def filled_in() -> dict[str, str]:
    """What somebody filled in; a field that was left empty is not there."""
    given = {name: value.strip() for name, value in request.form.items()}
    return {name: value for name, value in given.items() if value and name != auth.CSRF_FIELD}
