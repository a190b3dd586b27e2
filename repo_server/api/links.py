"""Where the rest of a list is: RFC 8288 links, so that a program need not know how it is cut."""

from typing import Annotated
from urllib.parse import urlencode

from flask import Response, request
from pydantic import Field

from commons.wire import Asked
from repo_server.cursors import Cursor


class From(Asked):
    """From where on a list is wanted."""

    after: Annotated[str, Field(max_length=1000, description="from `Link` of the page before")] = ""

    @property
    def cursor(self) -> Cursor | None:
        """The place behind which it begins; InvalidInput for what is none."""
        return Cursor.read(self.after) if self.after else None


def with_next(answer: Response, after: Cursor | None) -> Response:
    """The answer, with a link to the page that begins behind `after`; without one at the end."""
    if after is not None:
        query = urlencode({**request.args.to_dict(), "after": after.written()})
        answer.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return answer
