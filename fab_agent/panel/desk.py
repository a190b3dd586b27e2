"""What the panel is given: the lab's machines, who may sign in, what is told later."""

import os
import secrets
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Event

from commons.errors import NotFound, Unavailable
from fab_agent.identity import Identity, load_identity
from fab_agent.offered import OfferedBook
from fab_agent.panel.drops import Drops
from fab_agent.panel.floor import Station, Watch
from fab_agent.panel.operators import Doorkeeper, Operators
from fab_agent.panel.passkeys import Challenges, Passkeys, Site
from fab_agent.panel.verdicts import Verdicts
from fab_agent.panel.waiting import Queue
from fab_agent.repository import Repository, new_client
from fab_agent.settings import AgentSettings
from fab_agent.workplace import folder_of

_SECRET = "secret"  # noqa: S105 (the name of the file that holds it)


def utc() -> datetime:
    """Now."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class Desk:
    """All that the panel's pages work with. `folder` is the panel's own; `names` are the hosts
    that it answers to besides addresses."""

    folder: Path
    identity: Identity
    secret: bytes
    names: tuple[str, ...]
    stations: tuple[Station, ...]
    watch: Watch
    doorkeeper: Doorkeeper
    passkeys: Passkeys
    verdicts: Verdicts
    queue: Queue
    now: Callable[[], datetime] = utc

    @property
    def works(self) -> dict[str, Callable[[Event], None]]:
        """What goes on behind the pages, by name: each until its event is set."""
        return {
            "watch": self.watch.run,
            "teller": self._tell,
            "reader": self._ask,
            "programs": self._tell_programs,
            "offered": self._ask_offered,
        }

    def _tell(self, stopping: Event) -> None:
        with closing(new_client()) as http:
            self.verdicts.run(Repository(self.identity, http), stopping)

    def _ask(self, stopping: Event) -> None:
        with closing(new_client()) as http:
            self.queue.run(Repository(self.identity, http), stopping)

    def _tell_programs(self, stopping: Event) -> None:
        with closing(new_client()) as http:
            self.drops.run(Repository(self.identity, http), stopping)

    def _ask_offered(self, stopping: Event) -> None:
        with closing(new_client()) as http:
            self.offered.run(Repository(self.identity, http), stopping, now=self.now)

    @property
    def offered(self) -> OfferedBook:
        """What may be made here while the server is away."""
        return OfferedBook(self.folder.parent)

    @property
    def cache(self) -> Path:
        """The folder of the files that the agent keeps."""
        return self.folder.parent / "cache"

    @property
    def drops(self) -> Drops:
        """The programs that slicers dropped here."""
        return Drops(self.folder / "programs")

    def station(self, machine_id: str) -> Station:
        """The machine of this id; NotFound when there is none here."""
        for station in self.stations:
            if station.machine_id == machine_id:
                return station
        raise NotFound("there is no such machine here (any more): look at the list of machines")


def desk_of(settings: AgentSettings) -> Desk:
    """The desk for these settings; nothing runs yet.

    Raises:
        InvalidInput: the agent or one of its machines is not enrolled.
        Unavailable: its folder cannot be used.
    """
    data = settings.agent.data
    identity = load_identity(data, url=settings.repository.url)
    stations = tuple(
        Station(
            machine_id=identity.machine_id(machine.name),
            folder=folder_of(settings, identity.machine_id(machine.name)),
            profile=machine.profile,
            operators=machine.operators,
        )
        for machine in settings.machines
    )
    folder, operators = data / "panel", Operators(data)
    site = Site(settings.panel.passkey_origin)
    return Desk(
        folder=folder,
        identity=identity,
        secret=_secret_in(folder),
        names=(site.rp_id, *(name.lower() for name in settings.panel.names)),
        stations=stations,
        watch=Watch(stations),
        doorkeeper=Doorkeeper(operators, time.monotonic),
        passkeys=Passkeys(site, operators, Challenges(time.monotonic)),
        verdicts=Verdicts(folder, now=utc),
        queue=Queue(folder, now=utc),
    )


def _secret_in(folder: Path) -> bytes:
    """What signs the panel's cookies, made when it is missing, readable by its owner alone."""
    path = folder / _SECRET
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(secrets.token_bytes(32))
                file.flush()
                os.fsync(file.fileno())
        except FileExistsError:
            pass
        secret = path.read_bytes()
    except OSError as error:
        raise Unavailable(f"the panel's folder {folder} cannot be used: {error}") from error
    if len(secret) < 32:
        raise Unavailable(f"{path} is damaged: remove it, and everybody signs in once more")
    return secret
