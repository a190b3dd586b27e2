"""A verdict that an operator gave at the agent's panel, on its way to the server."""

from typing import Annotated

from pydantic import Field

from commons.wire import Asked, Count, Id, Seconds, Told

# A photograph after the agent has drawn it anew, and the whole message with it in base 64.
MAX_PHOTO_BYTES = 600_000
MAX_VERDICT_BYTES = 1024 * 1024
# No plate or sheet weighs more, g.
HEAVIEST_G = 100_000.0

Weight = Annotated[float, Field(gt=0, le=HEAVIEST_G, allow_inf_nan=False)]


class PanelVerdict(Asked):
    """`good_copies` of the attempt's copies are good, says `by`, who looked `age_s` ago.

    `weighed_g` is what all of them weigh together. `photo` is a JPEG in base 64, drawn anew by the
    agent: nothing of the file that somebody sent is in it but its picture.
    """

    id: Id
    attempt_id: Id
    good_copies: Count
    note: Annotated[str, Field(max_length=500)] = ""
    by: Annotated[str, Field(min_length=1, max_length=80)]
    age_s: Seconds
    weighed_g: Weight | None = None
    photo: Annotated[str, Field(max_length=MAX_PHOTO_BYTES * 4 // 3 + 4)] | None = None


class VerdictReceipt(Told):
    """The server has heard it. `taken` is false when it changes nothing; the sentence says why."""

    taken: bool
    sentence: str = ""
