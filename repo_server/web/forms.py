"""What people fill in on pages, and what a form may be refused for."""

from flask import request

from commons.errors import Conflict, InvalidInput, NotFound
from repo_server.api import auth

# Anything else has a page of its own.
REFUSED = (InvalidInput, NotFound, Conflict)


def filled_in() -> dict[str, str]:
    """What somebody filled in; a field that was left empty is not there."""
    given = {name: value.strip() for name, value in request.form.items()}
    return {name: value for name, value in given.items() if value and name != auth.CSRF_FIELD}
