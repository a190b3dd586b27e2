"""Which kinds of printers there are: ours, one TOML beside this module each, and a lab's own.

A kind says what such a printer can do, for people who add one, and how its programs begin and
end. It loosens nothing: the limits of the machine's own profile hold, and its lines are proved
as every other line, by the rules of the firmware that it names.
"""

import tomllib
from collections.abc import Iterable, Mapping
from enum import StrEnum
from functools import cache
from importlib import resources
from pathlib import Path
from string import Template
from typing import Annotated, Any

from pydantic import Field, ValidationError

from commons.errors import InvalidInput
from commons.machine import MATERIALS, Driver, MachineProfile, Process
from commons.quantities import Value

# A lab's own kinds, in the home of the account that the agent runs under.
OWN = Path(".config/cosmolocal/printers")
_GENERIC = {Driver.MOONRAKER: "generic-klipper"}
_GENERIC_MARLIN = "generic-marlin"


class Firmware(StrEnum):
    """Which rules its programs are proved by."""

    MARLIN = "marlin"
    PRUSA = "prusa"
    BUDDY = "buddy"
    KLIPPER = "klipper"


class Frame(Value):
    """How a program begins and ends. A line with a $name without a value is left out."""

    start: str
    end: str


class PrinterKind(Value):
    """One kind of printer, as its TOML says it.

    Args:
        drivers: how it may be connected.
        known_as: words by which its firmware or host calls it, in lower case.
        nozzles_mm: what it is sold with.
        materials: what a lab would most likely print on it.
        machine: what a [[machine]] of this kind most likely says, as in agent.toml.
        slicer: PrusaSlicer's keys that differ from those of all printers.
        advance: linear advance by material and nozzle ("0.4").
        model_code: what a Prusa's M862.2 asks for.
        levelling: Klipper's commands for it, where no macro of the lab's begins a print.
    """

    title: str
    firmware: Firmware
    drivers: tuple[Driver, ...]
    known_as: tuple[str, ...] = ()
    nozzles_mm: Annotated[tuple[float, ...], Field(min_length=1)]
    materials: tuple[str, ...]
    machine: dict[str, Any] = Field(default_factory=dict)
    slicer: dict[str, str] = Field(default_factory=dict)
    advance: dict[str, dict[str, float]] = Field(default_factory=dict)
    model_code: int | None = None
    levelling: tuple[str, ...] = ()
    gcode: Frame

    def advance_of(self, material: str, nozzle_mm: float) -> str | None:
        """Its linear advance, "0" where nobody has measured it; None when it knows none."""
        known = self.advance.get(material, {}).get(f"{nozzle_mm:g}", 0.0)
        return f"{known:g}" if self.advance else None

    def facts(self) -> dict[str, Any]:
        """What it suggests for a new machine, by keys such as `envelope.x_max_mm`."""
        found: dict[str, Any] = {}
        for key, value in self.machine.items():
            if isinstance(value, Mapping):
                found |= {f"{key}.{inner}": one for inner, one in value.items()}
            else:
                found[key] = value
        return found


def kinds() -> Mapping[str, PrinterKind]:
    """Every kind by its key, ours first; a lab's own may not take the name of one of ours.

    Raises:
        InvalidInput: a lab's own cannot be used; says which and why.
    """
    return _read(Path.home() / OWN)


def kind_of(machine: MachineProfile) -> PrinterKind:
    """The kind that the machine names, or else the generic one of its firmware.

    Raises:
        InvalidInput: there is none of that name, or it is driven in another way.
    """
    known, key = kinds(), kind_key(machine)
    if key not in known:
        raise InvalidInput(f"there is no kind of printer '{key}': known are {', '.join(known)}")
    kind = known[key]
    if machine.driver not in kind.drivers or machine.process is not Process.FDM:
        ways = " or ".join(kind.drivers)
        raise InvalidInput(f"a {key} is driven as {ways}, and {machine.name} as {machine.driver}")
    return kind


def kind_key(machine: MachineProfile) -> str:
    """The key of the machine's kind."""
    return machine.model or _GENERIC.get(machine.driver, _GENERIC_MARLIN)


def recognised(words: Iterable[str], driver: Driver) -> str | None:
    """The key of the kind that a firmware's or host's words name; None when they name none."""
    text = " ".join(words).lower()
    for key, kind in kinds().items():
        if driver in kind.drivers and any(word in text for word in kind.known_as):
            return key
    return None


def filled_in(text: str, values: Mapping[str, str | None]) -> str:
    """The lines of a frame with their names filled in; those without a value are left out.

    Raises:
        InvalidInput: a name that there is none of.
    """
    lines = []
    for line in text.strip().splitlines():
        template = Template(line)
        names = template.get_identifiers()
        if unknown := [name for name in names if name not in values]:
            raise InvalidInput(f"'{line}' has ${unknown[0]}; known are {', '.join(values)}")
        told = {name: value for name in names if (value := values[name]) is not None}
        if len(told) == len(set(names)):
            lines.append(template.substitute(told))
    return "\n".join(lines)


@cache
def _read(own: Path) -> Mapping[str, PrinterKind]:
    ours = resources.files("fab_agent.printers").iterdir()
    found = {
        file.name.removesuffix(".toml"): _parse(file.read_text("utf-8"), file.name)
        for file in sorted(ours, key=lambda file: file.name)
        if file.name.endswith(".toml")
    }
    for file in sorted(own.glob("*.toml")):
        if file.stem in found:
            raise InvalidInput(f"{file}: there is a kind '{file.stem}' already: rename the file")
        found[file.stem] = _parse(file.read_text("utf-8"), str(file))
    return found


def _parse(text: str, name: str) -> PrinterKind:
    try:
        kind = PrinterKind.model_validate(tomllib.loads(text))
    except tomllib.TOMLDecodeError as error:
        raise InvalidInput(f"{name} is not TOML: {error}") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"]))
        raise InvalidInput(f"{name}: {where}: {first['msg']}") from error
    if strange := [m for m in kind.materials if m not in MATERIALS]:
        raise InvalidInput(f"{name}: '{strange[0]}' is no known material")
    return kind
