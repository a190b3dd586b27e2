"""The panel's process: `python -m fab_agent.panel` with its assignment on stdin.

It serves until SIGTERM, or until its supervisor is gone. No machine waits for it.
"""

import logging
import os
import signal
import sys
from threading import Event

import fab_agent.lean  # noqa: F401 (first: what follows would load more)
from commons.errors import FabError
from fab_agent.panel.desk import desk_of
from fab_agent.panel.serving import serve
from fab_agent.workplace import Assignment

log = logging.getLogger(__name__)
# A panel that cannot be served now is tried again after this long, s.
AGAIN_S = 15.0


def main() -> int:
    """Serve the panel of the assignment that stdin holds."""
    stop = Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    parent = os.getppid()
    settings = Assignment.model_validate_json(sys.stdin.buffer.read()).settings
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s panel: %(message)s")
    for chatty in ("httpx", "waitress.queue"):
        logging.getLogger(chatty).setLevel(logging.WARNING)

    def ended() -> bool:
        return stop.is_set() or os.getppid() != parent

    while not ended():
        try:
            serve(desk_of(settings), settings.panel, ended=ended)
        except FabError as problem:  # such as another program that has the port for now
            log.error("%s", problem)
            stop.wait(AGAIN_S)
    return 0


if __name__ == "__main__":
    sys.exit(main())
