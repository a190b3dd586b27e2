"""Where the rest of a list is: RFC 8288 links, so that a program need not know how it is cut."""

from urllib.parse import urlencode

from flask import Response, request

from repo_server.cursors import Cursor


def with_next(answer: Response, after: Cursor | None) -> Response:
    """The answer, with a link to the page that begins behind `after`; without one at the end."""
    if after is not None:
        query = urlencode({**request.args.to_dict(), "after": after.written()})
        answer.headers["Link"] = f'<{request.path}?{query}>; rel="next"'
    return answer
