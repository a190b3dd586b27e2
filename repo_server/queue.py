"""The doorbell of the worker. The database is the truth: a ring that is lost loses nothing."""

import logging

import redis
import rq

NAME = "cosmolocal"
# A task may inspect a whole release; each of its files has its own, shorter limit.
_TASK_S = 1800
_LOG = logging.getLogger(__name__)


class Queue:
    """Rings for the tasks of `repo_server.tasks`; nothing is opened before the first ring."""

    def __init__(self, url: str) -> None:
        # A request never waits long for a Redis that is down.
        self._redis = redis.Redis.from_url(url, socket_connect_timeout=1, socket_timeout=2)

    def enqueue(self, name: str, *args: str) -> None:
        """The worker will run `tasks.<name>(*args)` soon, or the timer will find it undone."""
        try:
            rq.Queue(NAME, connection=self._redis).enqueue_call(
                f"repo_server.tasks.{name}", args, timeout=_TASK_S, result_ttl=0, failure_ttl=86400
            )
        except (redis.RedisError, OSError) as error:
            _LOG.warning(
                "the queue does not answer (%s); %s%s waits for the timer", error, name, args
            )

    def close(self) -> None:
        """Nothing stays open; the next ring opens it again."""
        self._redis.close()

    def is_empty(self) -> bool:
        """Whether every ring was taken up; also when nobody can be asked."""
        try:
            return rq.Queue(NAME, connection=self._redis).is_empty()
        except (redis.RedisError, OSError):
            return True
