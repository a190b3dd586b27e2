"""agent.toml: which repository this agent works for, and which machines it has.

Units are in the keys. Every wrong field is named at once, an unknown key with its neighbour.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Self, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel, Field, ValidationError, ValidationInfo, field_validator
from pydantic import model_validator as validate

from commons.errors import FieldProblem, InvalidInput
from commons.machine import MATERIALS, Driver, MachineProfile, Process
from commons.quantities import Value
from fab_agent.printers.kinds import kind_of

# The speeds of boards and their USB bridges, bits a second.
BAUD_RATES = (
    2400, 4800, 9600, 14400, 19200, 28800, 38400, 57600, 74880, 76800, 115200, 128000, 230400,
    250000, 256000, 460800, 500000, 921600, 1000000, 1500000, 2000000, 3000000, 4000000,
)  # fmt: skip


class RepositorySettings(Value):
    """Where the repository is."""

    url: str

    @field_validator("url")
    @classmethod
    def _is_a_web_address(cls, url: str) -> str:
        return _web_address(url)


class LabSettings(Value):
    """What the agent calls itself and where it keeps what it needs."""

    name: Annotated[str, Field(min_length=1, max_length=80)]
    data: Path
    cache_gb: Annotated[float, Field(gt=0, le=10_000)] = 20.0

    @field_validator("data")
    @classmethod
    def _beside_the_file(cls, path: Path, info: ValidationInfo) -> Path:
        return _anchored(path, info)


class PanelSettings(Value):
    """The agent's own page. Without this table it is served to this computer alone.

    `names` are the names besides IP addresses by which browsers in the lab reach it; `origin` is
    where passkeys work, as browsers write it.
    """

    enabled: bool = True
    host: str = "127.0.0.1"
    port: Annotated[int, Field(ge=1, le=65535)] = 8090
    names: tuple[Annotated[str, Field(pattern=r"^[A-Za-z0-9.-]{1,253}$")], ...] = ()
    origin: str | None = None

    @field_validator("origin")
    @classmethod
    def _knows_passkeys(cls, origin: str | None) -> str | None:
        return origin and _secure_origin(origin)

    @property
    def passkey_origin(self) -> str:
        """Where passkeys work: what is configured, else this computer's own browser."""
        return self.origin or _secure_origin(f"http://localhost:{self.port}")

    @field_validator("host")
    @classmethod
    def _is_an_address(cls, host: str) -> str:
        try:
            ip_address(host)
        except ValueError as error:
            raise ValueError(
                f"'{host}' is no IP address: 127.0.0.1 is this computer alone, 0.0.0.0 its networks"
            ) from error
        return host


class MachineSettings(MachineProfile):
    """One machine: what it can do, and where it is connected."""

    port: str | None = None
    baud: Annotated[int, Field(gt=0)] = 115200
    url: str | None = None
    key_file: Path | None = None
    # Trained people, by name: they may home, unlock, jog and set the zero at the machine.
    operators: tuple[Annotated[str, Field(min_length=1, max_length=80)], ...] = ()

    @field_validator("baud")
    @classmethod
    def _is_a_speed_of_boards(cls, baud: int) -> int:
        if baud not in BAUD_RATES:
            nearest = min(BAUD_RATES, key=lambda rate: abs(rate - baud))
            raise ValueError(f"{baud} is no baud rate of any board: did you mean {nearest}?")
        return baud

    @field_validator("url")
    @classmethod
    def _is_a_web_address(cls, url: str | None) -> str | None:
        return url and _web_address(url)

    @field_validator("key_file")
    @classmethod
    def _beside_the_file(cls, path: Path | None, info: ValidationInfo) -> Path | None:
        return path and _anchored(path, info)

    @field_validator("materials")
    @classmethod
    def _are_known(cls, materials: tuple[str, ...]) -> tuple[str, ...]:
        for material in materials:
            if material not in MATERIALS:
                raise ValueError(f"'{material}' is no known material; {near(material, MATERIALS)}")
        return materials

    @validate(mode="after")
    def _can_be_reached(self) -> Self:
        if self.driver.hosted:
            if self.url is None:
                raise ValueError(f"a machine behind {self.driver} needs the url of its host")
            if self.driver is Driver.OCTOPRINT and self.key_file is None:
                raise ValueError("a machine behind OctoPrint needs key_file: an application key")
        elif self.port is None:
            raise ValueError(f"a {self.driver} machine needs its port, see /dev/serial/by-id")
        return self

    @validate(mode="after")
    def _parts_fit_process(self) -> Self:
        if (self.driver is Driver.GRBL) != (self.process is Process.CNC):
            raise ValueError(
                f"{self.driver} and process '{self.process}' do not go together: GRBL mills "
                "(cnc), the other drivers print (fdm)"
            )
        if wrong := [m for m in self.materials if MATERIALS[m].process is not self.process]:
            raise ValueError(f"{wrong[0]} is no material for '{self.process}': leave it out")
        return self

    @validate(mode="after")
    def _kind_is_known(self) -> Self:
        if self.process is Process.FDM:
            try:
                kind_of(self)
            except InvalidInput as error:
                raise ValueError(str(error)) from error
        return self

    @property
    def profile(self) -> MachineProfile:
        """What the server learns of it: all but the connection."""
        known = set(MachineProfile.model_fields)
        return MachineProfile.model_validate(self.model_dump(include=known))


class AgentSettings(Value):
    """All of agent.toml, checked. `machines` are its [[machine]] tables, names unique."""

    repository: RepositorySettings
    agent: LabSettings
    panel: PanelSettings = PanelSettings()
    machines: Annotated[tuple[MachineSettings, ...], Field(alias="machine")]

    @field_validator("machines")
    @classmethod
    def _one_name_each(cls, machines: tuple[MachineSettings, ...]) -> tuple[MachineSettings, ...]:
        if not machines:
            raise ValueError("there is no machine: describe one in a [[machine]] table")
        names = [machine.name for machine in machines]
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"two machines are called {', '.join(twice)}: give each its own name")
        return machines


def read_settings(path: Path) -> AgentSettings:
    """The settings in the file; paths in it are relative to its folder.

    Raises:
        InvalidInput: no such file, no TOML, or wrong fields, all of them.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidInput(
            f"cannot read {path} ({error}): write one with 'cosmo agent add'"
        ) from error
    return parse_settings(text, folder=path.resolve().parent, name=path.name)


def parse_settings(text: str, *, folder: Path, name: str = "agent.toml") -> AgentSettings:
    """The settings that `text` holds; see `read_settings`."""
    try:
        raw = tomllib.loads(text)
        return AgentSettings.model_validate(raw, context={"folder": folder})
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{name} is not TOML: {error}") from error
    except ValidationError as error:
        problems = [_problem(e["loc"], e["type"], e["msg"]) for e in error.errors()]
        text = "\n".join(f"  {problem}" for problem in problems)
        raise InvalidInput(f"{name} cannot be used as it is:\n{text}", problems) from error


def near(word: str, known: Iterable[str]) -> str:
    """What was probably meant by `word`, or all that is known."""
    found = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return f"did you mean {found[0]}?" if found else f"known are {', '.join(known)}"


def _web_address(url: str) -> str:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ValueError("is not a web address: write it as in the browser, with http:// before")
    return url.rstrip("/")


def _secure_origin(origin: str) -> str:
    """The origin as browsers write it: with no port where it is the scheme's own."""
    parts = urlsplit(origin.lower())
    host, usual = parts.hostname or "", {"http": 80, "https": 443}
    if not re.fullmatch(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?/?", origin.lower()):
        raise ValueError("is no origin: write it as https://panel.lab.example, with no path behind")
    if re.fullmatch(r"[0-9.]+", host):
        raise ValueError("passkeys need a name such as panel.lab.example: they know no IP address")
    if parts.scheme == "http" and host != "localhost":
        raise ValueError("browsers know passkeys over https alone, besides at http://localhost")
    port = "" if parts.port in (None, usual[parts.scheme]) else f":{parts.port}"
    return f"{parts.scheme}://{host}{port}"


def _anchored(path: Path, info: ValidationInfo) -> Path:
    folder = (info.context or {}).get("folder")
    return path if folder is None else Path(folder) / path.expanduser()


def _problem(where: Sequence[int | str], kind: str, message: str) -> FieldProblem:
    field = ".".join(str(part + 1) if isinstance(part, int) else part for part in where)
    if kind == "extra_forbidden":
        return FieldProblem(field, f"unknown key; {_neighbour(where)}")
    text = message.removeprefix("Value error, ")
    return FieldProblem(field or "agent.toml", text[:1].lower() + text[1:])


def _neighbour(where: Sequence[int | str]) -> str:
    model: type[BaseModel] = AgentSettings
    for part in where[:-1]:
        if isinstance(part, str):
            model = _models_by_key(model)[part]
    keys = [field.alias or name for name, field in model.model_fields.items()]
    return near(str(where[-1]), keys)


def _models_by_key(model: type[BaseModel]) -> dict[str, type[BaseModel]]:
    """The tables inside a table, by their keys."""
    found = {}
    for name, field in model.model_fields.items():
        for kind in (field.annotation, *get_args(field.annotation)):
            if isinstance(kind, type) and issubclass(kind, BaseModel):
                found[field.alias or name] = kind
    return found
