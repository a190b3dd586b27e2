"""Where the rest of a list is: RFC 8288 links, so that a program need not know how it is cut."""

from typing import Annotated
from urllib.parse import urlencode

from flask import Response, request
from pydantic import Field

from commons.wire import Asked
from repo_server.cursors import Cursor
from repo_server.paging import MOST, PAGE, Stretch


class From(Asked):
    """From where on a list is wanted, and how much of it."""

    after: Annotated[str, Field(max_length=1000, description="from `Link` of the page before")] = ""
    limit: Annotated[int, Field(ge=1, le=MOST, description="entries of a page")] = PAGE

    @property
    def stretch(self) -> Stretch:
        """What is wanted of the list; InvalidInput for a cursor that is none."""
        return Stretch(Cursor.read(self.after) if self.after else None, self.limit)


def with_next(answer: Response, after: Cursor | str | None, *, name: str = "after") -> Response:
    """The answer, with a link to the page that begins behind `after`; without one at the end."""
    if after is not None:
        place = after if isinstance(after, str) else after.written()
        asked = [(key, text) for key, text in request.args.items(multi=True) if key != name]
        answer.headers["Link"] = (
            f'<{request.path}?{urlencode([*asked, (name, place)])}>; rel="next"'
        )
    return answer
