"""The server's settings: COSMO_* variables, read once, checked, then passed on."""

import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from commons.errors import FieldProblem, InvalidInput, Unavailable

VARIABLES = {
    "COSMO_DATABASE_URL": "SQLAlchemy address of the database; absent: a SQLite file in COSMO_DATA",
    "COSMO_DATA": "folder for files, secrets and what is embedded; absent: var/server",
    "COSMO_REDIS_URL": "address of a Redis or Valkey; absent: an embedded one in COSMO_DATA",
    "COSMO_LAN_HOSTS": "names in your own network that webhooks may call, by http too",
    "COSMO_SECRET_FILE": "file with the server's secret, made when missing; absent: in COSMO_DATA",
    "COSMO_BASE_URL": "address by which browsers and agents reach this server",
    "COSMO_FILES_URL": "address of its own for strangers' files; absent: see `cosmo server run`",
    "COSMO_SMTP_URL": "where e-mails are handed in, smtp://user@host:port; absent: none are sent",
    "COSMO_SMTP_PASSWORD_FILE": "file with that user's password",
    "COSMO_MAIL_FROM": "the address that e-mails are from",
    "COSMO_UPLOAD_QUOTA_GB": "how much a person's unfinished uploads may be together; absent: 10",
    "COSMO_UPLOAD_DAYS": "how long an unfinished upload is kept; absent: 7",
    "COSMO_GUEST_DAYS": "how long after its end a guest's request says whose it was; absent: 30",
}
_SECRET_BYTES = 32
_MOST = 36_500  # days, or GB: more is a slip of the hand


@dataclass(frozen=True, slots=True)
class Post:
    """Where letters are handed in: `url` is smtp:// (with STARTTLS where it is offered) or smtps://,
    with the user's name; the password lies in a file."""

    url: str
    password_file: Path | None
    sender: str


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that differs between two servers. `redis_url` None means the embedded one.

    `files_url` is another origin than `base_url`; None means that strangers' files have none.
    """

    data: Path
    database_url: str
    redis_url: str | None
    secret_file: Path
    base_url: str
    upload_quota_gb: float
    upload_days: float
    guest_days: float
    lan_hosts: frozenset[str] = frozenset()
    files_url: str | None = None
    post: Post | None = None

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """The settings in `environ` (the process's own when None).

        Raises InvalidInput for every COSMO_* variable that is not known, naming its nearest.
        """
        given = os.environ if environ is None else environ
        given = {key: value for key, value in given.items() if key.startswith("COSMO_") and value}
        _refuse_unknown(given)
        data = Path(given.get("COSMO_DATA", "var/server")).resolve()
        base_url = given.get("COSMO_BASE_URL", "http://127.0.0.1:8000").rstrip("/")
        if urlsplit(base_url).scheme not in ("http", "https"):
            raise InvalidInput(f"COSMO_BASE_URL is '{base_url}'; it must be a web address")
        files_url = given.get("COSMO_FILES_URL", "").rstrip("/") or None
        if files_url is not None:
            _require_apart(files_url, base_url)
        return cls(
            data=data,
            database_url=given.get("COSMO_DATABASE_URL", f"sqlite:///{data / 'cosmolocal.sqlite'}"),
            redis_url=given.get("COSMO_REDIS_URL"),
            secret_file=Path(given.get("COSMO_SECRET_FILE", data / "secret")).resolve(),
            base_url=base_url,
            lan_hosts=frozenset(given.get("COSMO_LAN_HOSTS", "").replace(",", " ").split()),
            files_url=files_url,
            upload_quota_gb=_number(given, "COSMO_UPLOAD_QUOTA_GB", 10),
            upload_days=_number(given, "COSMO_UPLOAD_DAYS", 7),
            guest_days=_number(given, "COSMO_GUEST_DAYS", 30),
            post=_post(given),
        )

    def environment(self) -> dict[str, str]:
        """The variables that make another process read these settings."""
        chosen = {
            "COSMO_DATA": str(self.data),
            "COSMO_DATABASE_URL": self.database_url,
            "COSMO_SECRET_FILE": str(self.secret_file),
            "COSMO_BASE_URL": self.base_url,
            "COSMO_LAN_HOSTS": " ".join(sorted(self.lan_hosts)),
            "COSMO_UPLOAD_QUOTA_GB": str(self.upload_quota_gb),
            "COSMO_UPLOAD_DAYS": str(self.upload_days),
            "COSMO_GUEST_DAYS": str(self.guest_days),
        }
        password = self.post.password_file if self.post else None
        maybe = {
            "COSMO_REDIS_URL": self.redis_url,
            "COSMO_FILES_URL": self.files_url,
            "COSMO_SMTP_URL": self.post.url if self.post else None,
            "COSMO_SMTP_PASSWORD_FILE": str(password) if password else None,
            "COSMO_MAIL_FROM": self.post.sender if self.post else None,
        }
        return {**chosen, **{key: value for key, value in maybe.items() if value is not None}}

    @property
    def queue_url(self) -> str:
        """Where the queue is: the Redis that was named, or the embedded one's socket."""
        return self.redis_url or f"unix://{self.data / 'valkey.sock'}"

    @property
    def upload_quota_bytes(self) -> int:
        """How many bytes a person's unfinished uploads may be together."""
        return int(self.upload_quota_gb * 1024**3)

    @property
    def upload_kept(self) -> timedelta:
        """How long an unfinished upload is kept after somebody last went on with it."""
        return timedelta(days=self.upload_days)

    @property
    def guests_kept(self) -> timedelta:
        """How long after its end a guest's request says whose it was."""
        return timedelta(days=self.guest_days)

    @property
    def https(self) -> bool:
        """Whether browsers reach this server encrypted, so that cookies may insist on it."""
        return self.base_url.startswith("https://")


def _refuse_unknown(given: Mapping[str, str]) -> None:
    problems = []
    for key in sorted(given.keys() - VARIABLES.keys()):
        near = get_close_matches(key, VARIABLES, n=1, cutoff=0.5)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(VARIABLES)}"
        problems.append(FieldProblem(key, f"is not a setting; {hint}"))
    if problems:
        raise InvalidInput("; ".join(str(problem) for problem in problems), problems)


def _require_apart(files_url: str, base_url: str) -> None:
    """Pass for the address of an origin, and of another one than the pages have."""
    parts = urlsplit(files_url)
    if parts.scheme not in ("http", "https") or not parts.netloc or parts.path or parts.query:
        raise InvalidInput(
            f"COSMO_FILES_URL is '{files_url}'; it must be a web address without a path"
        )
    if parts.netloc.lower() == urlsplit(base_url).netloc.lower():
        raise InvalidInput(
            f"COSMO_FILES_URL is '{files_url}', where the pages are; strangers' files need another "
            "name, or another port"
        )


def _post(given: Mapping[str, str]) -> Post | None:
    """Where e-mails are handed in; None where nothing says so."""
    url, sender = given.get("COSMO_SMTP_URL"), given.get("COSMO_MAIL_FROM", "")
    if url is None:
        return None
    parts = urlsplit(url)
    if parts.scheme not in ("smtp", "smtps") or not parts.hostname or parts.password:
        raise InvalidInput(
            "COSMO_SMTP_URL must be like smtp://user@mail.example.org:587, without the password: "
            "that lies in COSMO_SMTP_PASSWORD_FILE"
        )
    if "@" not in sender:
        raise InvalidInput(f"COSMO_MAIL_FROM is '{sender}'; it must be an e-mail address")
    password = given.get("COSMO_SMTP_PASSWORD_FILE")
    return Post(url, Path(password).resolve() if password else None, sender)


def _number(given: Mapping[str, str], key: str, absent: float) -> float:
    """The number above 0 that the variable holds."""
    try:
        number = float(given.get(key, absent))
    except ValueError:
        number = 0.0
    if not 0 < number <= _MOST:
        raise InvalidInput(
            f"{key} is '{given[key]}'; it must be a number above 0, such as {absent}"
        )
    return number


def read_secret(path: Path) -> bytes:
    """The server's secret, made on the first call and readable by this user alone.

    Two processes that start at once read the same one.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _write_once(path, secrets.token_bytes(_SECRET_BYTES))
        secret = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"the secret in {path} cannot be read or made: {error}") from error
    if len(secret) < _SECRET_BYTES:
        raise InvalidInput(f"{path} holds no secret ({len(secret)} bytes); remove it for a new one")
    return secret


def _write_once(path: Path, secret: bytes) -> None:
    """A whole file or none: written aside, and linked into place by whoever comes first."""
    aside = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(secret)
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(aside, path)
    except FileExistsError:
        pass
    finally:
        aside.unlink()
