"""The file in which a machine's journal lies, and the lock of whoever may write it."""

import fcntl
import os
import sqlite3
from pathlib import Path

from commons.errors import Unavailable

_FILE, _LOCK = "journal.db", "lock"
# Another process has the file only while it is being opened; waiting longer means trouble.
_BUSY_MS = 5000
_SCHEMA = """
CREATE TABLE IF NOT EXISTS machine (
    boot TEXT NOT NULL, intended INTEGER NOT NULL, fenced INTEGER NOT NULL,
    last_seq INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS attempt (
    fence INTEGER PRIMARY KEY, attempt_id TEXT NOT NULL, program_sha256 TEXT NOT NULL,
    stage TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE IF NOT EXISTS outbox (
    seq INTEGER PRIMARY KEY, kind TEXT NOT NULL, fence INTEGER NOT NULL, event TEXT NOT NULL
);
"""


def locked(folder: Path, machine_id: str) -> int:
    """The descriptor that holds the folder's lock; the kernel frees it when the process ends.

    Unavailable when another process holds it, or the folder cannot be used.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise Unavailable(f"the journal folder {folder} cannot be used: {error}") from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(lock)
        raise Unavailable(
            f"another process drives machine {machine_id}: wait until its run has ended, or stop it"
        ) from error
    return lock


def opened(folder: Path) -> sqlite3.Connection:
    """The journal in the folder, made when it is missing; Unavailable when it cannot be used."""
    try:
        db = sqlite3.connect(folder / _FILE, isolation_level=None, check_same_thread=False)
        try:
            db.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            db.execute("PRAGMA journal_mode = WAL")
            db.execute("PRAGMA synchronous = FULL")
            db.executescript(_SCHEMA)
        except BaseException:
            db.close()
            raise
    except sqlite3.Error as error:
        raise unavailable(folder, error) from error
    return db


def unavailable(folder: Path, error: sqlite3.Error) -> Unavailable:
    """What went wrong, in a sentence for people."""
    if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
        return Unavailable(
            f"the disk of {folder} is full: free some space there; nothing is started meanwhile"
        )
    return Unavailable(f"the journal in {folder} cannot be used: {error}; look at that disk")
