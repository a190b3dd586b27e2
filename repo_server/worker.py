"""A worker process: runs the tasks of its lines inside the app's context, one at a time.

`python -m repo_server.worker [LINE …]`: without a line, of all, the short ones first.
"""

import logging
import signal
import sys
from collections.abc import Sequence

import redis
from rq import Queue, Worker
from rq.job import Job

from repo_server import close_app, create_app, queue
from repo_server.parents import end_with_parent
from repo_server.settings import Settings


class _Worker(Worker):
    """RQ's worker, whose forks end with it: a server that was told to stop leaves nobody behind."""

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """In the fork: the task is done, or everything ends at once with the worker."""
        end_with_parent(signal.SIGKILL)
        super().main_work_horse(job, queue)


def work(settings: Settings, *, lines: Sequence[str] = queue.LINES, burst: bool = False) -> None:
    """Tasks are done as they are rung for, until SIGTERM; with `burst` until there are none.

    Each runs in a fork of its own, so that one that is stopped takes nothing with it.
    """
    app = create_app(settings)
    connection = redis.Redis.from_url(settings.queue_url)
    try:
        with app.app_context():
            _Worker(lines, connection=connection).work(burst=burst, logging_level="WARNING")
    finally:
        connection.close()
        close_app(app)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    work(Settings.from_env(), lines=sys.argv[1:] or queue.LINES)
