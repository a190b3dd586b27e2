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


def with_next(answer: Response, after: Cursor | str | None, *, name: str = "after") -> Response:
    """The answer, with a link to the page that begins behind `after`; without one at the end."""
    if after is not None:
        place = after if isinstance(after, str) else after.written()
        asked = [(key, text) for key, text in request.args.items(multi=True) if key != name]
        answer.headers["Link"] = (
            f'<{request.path}?{urlencode([*asked, (name, place)])}>; rel="next"'
        )
    return answer
