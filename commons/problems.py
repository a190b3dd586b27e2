"""How every answer that is an error tells what is wrong."""

from commons.wire import Told


class Problem(Told):
    """An error as RFC 9457 problem details; `fields` when several things are wrong at once."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    reason: str | None = None
    fields: tuple[dict[str, str | int], ...] = ()
