"""Event streams that are open for long: one thread feeds them all, and none waits for any.

A stream that a thread of the web server writes holds that thread for as long as somebody looks;
two hundred screens would leave none for anybody else. So once a stream's head is written, its
socket is taken over: the server is left with a dead one under the same number, which it closes as
any other, and its thread is free. What a topic says is looked up once, however many listen.
"""

import errno
import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field

from commons.errors import Unavailable
from commons.texts import later

LOOK_EVERY_S = 1.0
HEARTBEAT_S = 15.0
# A browser comes back by itself; a page that nobody looks at any more does not.
LIFE_S = 600.0
MOST = 1000
# Who takes nothing for so long is gone, or their network is; they come back, too.
_STUCK_S = 20.0
_STILL_HERE = ": still here\n\n"
_HEAD = "retry: 3000\n\n"
_LOG = logging.getLogger(__name__)

Look = Callable[[], str]


@dataclass(slots=True)
class _Listener:
    """One open stream. What could not be written yet is in `owed`; what is new waits until that
    is empty, so that a slow reader gets the latest and not everything."""

    socket: socket.socket
    chunked: bool
    until: float
    shown: str = ""
    owed: bytearray = field(default_factory=bytearray)
    took_at: float = 0.0

    def say(self, text: str, now: float) -> None:
        data = text.encode()
        self.owed += b"%x\r\n%s\r\n" % (len(data), data) if self.chunked else data
        self.took_at = now

    def write(self, now: float) -> bool:
        """As much as goes is on its way; false when nobody takes it any more."""
        try:
            while self.owed:
                del self.owed[: self.socket.send(self.owed)]
                self.took_at = now
        except BlockingIOError:
            return now - self.took_at < _STUCK_S
        except OSError:
            return False
        return True


@dataclass(slots=True)
class _Topic:
    """What is looked at, for whom, and what it said last."""

    look: Look
    said: str = ""
    told_at: float = 0.0
    listeners: list[_Listener] = field(default_factory=list)


class Streams:
    """All that are open in this process.

    Invariant: a socket in here belongs to nobody else, and only the one thread writes to it. The
    thread lives while there is a listener.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._topics: dict[str, _Topic] = {}
        self._thread: threading.Thread | None = None
        self._stop = threading.Event()

    def __len__(self) -> int:
        with self._lock:
            return sum(len(topic.listeners) for topic in self._topics.values())

    def open(self, environ: Mapping[str, object], topic: str, look: Look) -> Iterator[str]:
        """The body of an answer: what `look` says now and at each change, as it says it.

        Raises Unavailable when too many are open: then a page asks for itself now and then.
        """
        if len(self) >= MOST:
            raise Unavailable(later("too many pages are watching; this one asks now and then"))
        taken = _of_server(environ)
        if taken is None:
            return events(look, clock=self._clock, sleep=time.sleep)
        return self._handed_over(taken, environ, topic, look)

    def _handed_over(
        self, server: socket.socket, environ: Mapping[str, object], topic: str, look: Look
    ) -> Iterator[str]:
        yield _HEAD  # and with it the answer's head is written
        chunked = environ.get("SERVER_PROTOCOL") == "HTTP/1.1"
        ours = _taken_over(server)
        ours.setblocking(False)
        now = self._clock()
        listener = _Listener(ours, chunked, now + LIFE_S, took_at=now)
        with self._lock:
            self._topics.setdefault(topic, _Topic(look, told_at=now)).listeners.append(listener)
            if self._thread is None:
                self._stop = threading.Event()
                self._thread = threading.Thread(
                    target=self._run, args=(self._stop,), name="streams", daemon=True
                )
                self._thread.start()
        raise OSError(errno.EPIPE, "the stream has another writer now")

    def close(self) -> None:
        """Every stream has ended, and the thread with them."""
        with self._lock:
            thread, self._thread = self._thread, None
            self._stop.set()
            topics, self._topics = self._topics, {}
        if thread is not None:
            thread.join()
        for topic in topics.values():
            for listener in topic.listeners:
                listener.socket.close()

    def _run(self, stop: threading.Event) -> None:
        while not stop.is_set():
            began = self._clock()
            with self._lock:
                topics = list(self._topics.items())
            for name, topic in topics:
                self._serve(name, topic)
            with self._lock:
                if not self._topics and self._thread is threading.current_thread():
                    self._thread = None
                    return
            stop.wait(max(0.05, LOOK_EVERY_S - (self._clock() - began)))

    def _serve(self, name: str, topic: _Topic) -> None:
        """Everybody of the topic has what is new, as far as they take it."""
        try:
            topic.said = topic.look()
        except Exception:  # the database is away, or the lab is: whoever listens comes back
            _LOG.exception("nothing can be said of %s", name)
            topic.said = ""
        now = self._clock()
        beat = now - topic.told_at >= HEARTBEAT_S
        if beat:
            topic.told_at = now
        gone = [it for it in topic.listeners if not _tell(it, topic.said, now, beat=beat)]
        for listener in gone:
            listener.socket.close()
        with self._lock:
            topic.listeners = [it for it in topic.listeners if it not in gone]
            if not topic.listeners:
                self._topics.pop(name, None)


def _tell(it: _Listener, said: str, now: float, *, beat: bool) -> bool:
    """Whether the listener stays. One that ends is told so, and comes back."""
    if not said or now >= it.until:
        it.owed += b"0\r\n\r\n" if it.chunked and not it.owed else b""
        it.write(now)
        return False
    if not it.owed and said != it.shown:
        it.say(said, now)
        it.shown = said
    elif not it.owed and beat:
        it.say(_STILL_HERE, now)
    return it.write(now)


def _of_server(environ: Mapping[str, object]) -> socket.socket | None:
    """The socket that an answer is written to; None where it cannot be had, or is no plain one."""
    found = environ.get("gunicorn.socket")
    plain = environ.get("SERVER_PROTOCOL") in ("HTTP/1.0", "HTTP/1.1")
    return found if plain and type(found) is socket.socket else None


def _taken_over(server: socket.socket) -> socket.socket:
    """The connection as a socket of our own; the server's is one that nobody reads."""
    ours = server.dup()
    dead, other = socket.socketpair()
    other.close()
    os.dup2(dead.fileno(), server.fileno(), inheritable=False)
    dead.close()
    return ours


def events(
    look: Look, *, clock: Callable[[], float], sleep: Callable[[float], None]
) -> Iterator[str]:
    """The same where a thread has to be held: at once, at each change, and a sign of life."""
    shown, told_at, until = "", clock(), clock() + LIFE_S
    while clock() < until:
        said = look()
        if said != shown:
            yield said
            shown, told_at = said, clock()
        elif clock() - told_at >= HEARTBEAT_S:
            yield _STILL_HERE
            told_at = clock()
        sleep(LOOK_EVERY_S)
