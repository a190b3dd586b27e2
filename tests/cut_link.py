"""A link to a server that breaks when a test says so: a TCP proxy in a thread of its own."""

import selectors
import socket
import threading
from typing import Self

_PIECE = 64 * 1024


class Link:
    """Everything that connects to `url` reaches the server, until the link is cut.

    `cut_after` are counts of bytes from the clients, in all: at each, every connection is cut.
    While `down` is set no connection lives; with `stays_down` the first cut sets it. While `held`
    is set nothing that clients send is passed on; `hold_after` so many bytes it is set.
    """

    def __init__(
        self, server: str, *cut_after: int, stays_down: bool = False, hold_after: int | None = None
    ) -> None:
        host, port = server.removeprefix("http://").split(":")
        self._server = host, int(port)
        self._listening = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self._listening.getsockname()[1]}"
        self.cut_after = list(cut_after)
        self.sent = 0
        self.cuts = 0
        self.down = threading.Event()
        self.held = threading.Event()
        self._hold_after = hold_after
        self._stays_down = stays_down
        self._ends = threading.Event()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        self._selector.register(self._listening, selectors.EVENT_READ)
        while not self._ends.is_set():
            for key, _ in self._selector.select(timeout=0.05):
                if key.fileobj is self._listening:
                    self._accept()
                elif key.data and self.held.is_set():
                    self._ends.wait(0.01)
                elif isinstance(key.fileobj, socket.socket) and key.fileobj in self._pairs:
                    self._pass_on(key.fileobj, from_client=bool(key.data))
            if self.down.is_set():
                self._cut()
        self._cut()

    def _accept(self) -> None:
        client, _ = self._listening.accept()
        try:
            server = socket.create_connection(self._server)
        except OSError:
            client.close()
            return
        self._pairs |= {client: server, server: client}
        self._selector.register(client, selectors.EVENT_READ, data=True)
        self._selector.register(server, selectors.EVENT_READ, data=False)

    def _pass_on(self, here: socket.socket, *, from_client: bool) -> None:
        there = self._pairs[here]
        try:
            piece = here.recv(_PIECE)
            there.sendall(piece)
        except OSError:
            piece = b""
        if not piece:
            self._close(here, there)
        elif from_client:
            self.sent += len(piece)
            if self._hold_after is not None and self.sent >= self._hold_after:
                self._hold_after = None
                self.held.set()
            if self.cut_after and self.sent >= self.cut_after[0]:
                self.cut_after.pop(0)
                self.cuts += 1
                if self._stays_down:
                    self.down.set()
                self._cut()

    def _cut(self) -> None:
        for here, there in list(self._pairs.items()):
            self._close(here, there)

    def _close(self, *ends: socket.socket) -> None:
        for end in ends:
            if self._pairs.pop(end, None) is not None:
                self._selector.unregister(end)
                end.close()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._ends.set()
        self._thread.join()
        self._selector.close()
        self._listening.close()
