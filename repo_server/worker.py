"""The worker process: runs the tasks inside the app's context, one at a time."""

import logging

import redis
from rq import Worker

from repo_server import close_app, create_app, queue
from repo_server.settings import Settings


def work(settings: Settings, *, burst: bool = False) -> None:
    """Tasks are done as they are rung for, until SIGTERM; with `burst` until there are none.

    Each runs in a fork of its own, so that one that is stopped takes nothing with it.
    """
    app = create_app(settings)
    connection = redis.Redis.from_url(settings.queue_url)
    try:
        with app.app_context():
            Worker([queue.NAME], connection=connection).work(burst=burst, logging_level="WARNING")
    finally:
        connection.close()
        close_app(app)


if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    work(Settings.from_env())
