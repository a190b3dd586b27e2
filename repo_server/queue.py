"""The doorbell of the workers. The database is the truth: a ring that is lost loses nothing.

There are two lines, so that what is short never waits for files that are read. Releases take turns
in the line of files: a turn is one file, and whoever wants another one goes to the end of the line.
"""

import logging

import redis
import rq

from repo_server.parsing import sandbox

SHORT = "cosmolocal"
FILES = "cosmolocal-files"
LINES = (SHORT, FILES)
_IN_FILES = frozenset(
    {"inspect_release", "repair_waiting", "compare_waiting", "render_waiting", "read_calendars"}
)
# What a task waits for has its own, shorter limit: a file that is read, an address that is told.
_TASK_S = 1800
_LOG = logging.getLogger(__name__)


class Queue:
    """Rings for the tasks of `repo_server.tasks`; nothing is opened before the first ring."""

    def __init__(self, url: str) -> None:
        # A request never waits long for a Redis that is down.
        self._redis = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=2)

    def enqueue(self, name: str, *args: str) -> None:
        """A worker will run `tasks.<name>(*args)` soon, or the timer will find it undone."""
        line = FILES if name in _IN_FILES else SHORT
        try:
            rq.Queue(line, connection=self._redis).enqueue_call(
                f"repo_server.tasks.{name}", args, timeout=_TASK_S, result_ttl=0, failure_ttl=86400
            )
        except (redis.RedisError, OSError) as error:
            _LOG.warning(
                "the queue does not answer (%s); %s%s waits for the timer", error, name, args
            )

    def inspect(self, release_id: str, *, files: int = 1) -> None:
        """The release stands in the line of files, as often as several of its `files` can be read
        at the same time."""
        for _ in range(max(1, min(files, sandbox.most_children()))):
            self.enqueue("inspect_release", release_id)

    def close(self) -> None:
        """Nothing stays open; the next ring opens it again."""
        self._redis.close()

    def is_empty(self, line: str = SHORT) -> bool:
        """Whether every ring of the line was taken up; also when nobody can be asked."""
        try:
            return rq.Queue(line, connection=self._redis).is_empty()
        except (redis.RedisError, OSError):
            return True
