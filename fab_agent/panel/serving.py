"""The panel over HTTP, and what goes on behind its pages."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread

from waitress import wasyncore
from waitress.server import create_server

from commons.errors import Unavailable
from fab_agent.panel.app import create_panel
from fab_agent.panel.desk import Desk
from fab_agent.settings import PanelSettings

log = logging.getLogger(__name__)
# How often it is looked whether it shall end, s.
LOOK_S = 0.25
THREADS = 8
# What programs upload is limited by the views that take it; nothing larger is read at all.
LONGEST_BODY = 512 * 1024 * 1024


def serve(desk: Desk, where: PanelSettings, *, ended: Callable[[], bool]) -> None:
    """The panel has answered at this address until `ended`, and nothing of it is left.

    Raises:
        Unavailable: the address cannot be had.
    """
    sockets: dict[int, object] = {}
    try:
        server = create_server(
            create_panel(desk), map=sockets, host=where.host, port=where.port, threads=THREADS,
            ident=None, max_request_body_size=LONGEST_BODY, clear_untrusted_proxy_headers=True,
        )  # fmt: skip
    except OSError as error:
        raise Unavailable(
            f"the panel cannot be served at {where.host}:{where.port} ({error}): choose another "
            "port in [panel] of agent.toml"
        ) from error
    log.info("the panel is at http://%s:%s/", where.host, where.port)
    try:
        with _behind(desk):
            while not ended():
                wasyncore.loop(timeout=LOOK_S, use_poll=True, map=sockets, count=1)
    finally:
        server.task_dispatcher.shutdown()
        wasyncore.close_all(sockets)


@contextmanager
def _behind(desk: Desk) -> Iterator[None]:
    """The machines are looked at, and the server is told what waits for it, all the while."""
    stopping = Event()
    threads = [
        Thread(target=work, args=(stopping,), name=f"panel {name}")
        for name, work in desk.works.items()
    ]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        stopping.set()
        for thread in threads:
            thread.join()
