"""What has to be known of a new machine, what its firmware told, and what is only a guess. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

from pydantic import BaseModel, TypeAdapter, ValidationError

from commons.errors import InvalidInput
from commons.machine import (
    MATERIALS,
    Driver,
    Envelope,
    MachineProfile,
    MillLimits,
    PrintLimits,
    Process,
)
from fab_agent.firmware_facts import Firmware
from fab_agent.printers.kinds import kinds, recognised
from fab_agent.settings import MachineSettings, near
from fab_agent.settings_text import Entry, Setting

GUESS, GIVEN, USUAL = "a guess: check it", "", "usual for its kind: check it"
# What firmwares are called after when nobody gave the machine a name.
_NO_NAMES = ("", "3d printer", "default", "generic reprap printer", "memory", "reprap", "marlin")
_MODELS: dict[str, type[BaseModel]] = {
    "": MachineSettings,
    "envelope": Envelope,
    "fdm": PrintLimits,
    "cnc": MillLimits,
}


@dataclass(frozen=True, slots=True)
class Question:
    """One key of the table that a person is asked for; `guess` None may stay unanswered.

    `risky`: a wrong guess could break the machine, so nothing but a person or its firmware says it.
    """

    key: str
    text: str
    guess: Setting | None
    risky: bool = False


_ANY = (Question("name", "Its name on the lab's board", "machine"),)
_FEEDS = (
    Question("max_feed_mm_s", "Fastest in the plane, mm/s", 150.0, risky=True),
    Question("max_feed_z_mm_s", "Fastest along Z, mm/s", 10.0, risky=True),
)
_MODEL = Question("model", "Which kind of printer", "generic-marlin")
_PRINTER = (
    *_ANY,
    _MODEL,
    Question("envelope.x_max_mm", "Bed along X, mm", 220.0, risky=True),
    Question("envelope.y_max_mm", "Bed along Y, mm", 220.0, risky=True),
    Question("envelope.z_max_mm", "Height it can print, mm", 250.0, risky=True),
    Question("fdm.nozzle_mm", "Nozzle, mm", 0.4),
    Question("fdm.hotend_max_c", "Hottest that its hot end may get, °C", 250.0, risky=True),
    Question(
        "fdm.bed_max_c", "Hottest that its bed may get, °C (0: not heated)", 100.0, risky=True
    ),
    Question("materials", "Materials it may be loaded with", ("pla", "petg")),
    *_FEEDS,
    Question("rated_power_w", "Power on its type plate, W (Enter: not known)", None),
)
_ROUTER = (
    *_ANY,
    Question("envelope.x_max_mm", "Travel along X that sheets may use, mm", 300.0, risky=True),
    Question("envelope.y_max_mm", "Travel along Y that sheets may use, mm", 200.0, risky=True),
    Question(
        "envelope.z_min_mm", "Deepest below the sheet's top, mm (negative)", -20.0, risky=True
    ),
    Question("envelope.z_max_mm", "Room above the sheet's top, mm", 30.0, risky=True),
    Question("cnc.cutter_mm", "Cutter in its collet, mm", 3.0),
    Question("cnc.spindle_max_rpm", "Fastest that its spindle turns, rpm", 24000.0, risky=True),
    Question("cnc.spindle_min_rpm", "Slowest that its spindle turns, rpm", 1000.0),
    Question("cnc.max_plunge_mm_s", "Fastest straight down into the sheet, mm/s", 5.0),
    Question("cnc.homing", "Has it limit switches, and is homed", True),
    Question("materials", "Materials it may be loaded with", ("plywood",)),
    Question("max_feed_mm_s", "Fastest in the plane, mm/s", 40.0, risky=True),
    Question("max_feed_z_mm_s", "Fastest along Z, mm/s", 10.0, risky=True),
)


def process_of(driver: Driver) -> Process:
    """GRBL mills, the others print."""
    return Process.CNC if driver is Driver.GRBL else Process.FDM


def questions(process: Process) -> tuple[Question, ...]:
    """In the order in which a person is asked."""
    if process is Process.CNC:
        return _ROUTER
    known = replace(_MODEL, text=f"{_MODEL.text} ({', '.join(kinds())})")
    return tuple(known if question is _MODEL else question for question in _PRINTER)


def suggestions(firmware: Firmware, *, taken: Collection[str]) -> dict[str, Entry]:
    """For each question what is best known now: the firmware's word, or else a guess."""
    process = process_of(firmware.driver)
    found = {}
    for question in questions(process):
        fact = firmware.facts.get(question.key)
        if fact is not None and question.key != "name" and _cannot_be(question.key, fact) is None:
            found[question.key] = Entry(question.key, fact, firmware.source)
        elif question.guess is not None:
            found[question.key] = Entry(question.key, question.guess, GUESS)
    if "cnc.spindle_min_rpm" in found:
        found |= _capped(found, "cnc.spindle_min_rpm", "cnc.spindle_max_rpm")
        found |= _capped(found, "cnc.max_plunge_mm_s", "max_feed_z_mm_s")
    if "model" in found:
        found |= as_its_kind(found | {"model": _model_of(firmware)})
    name = free_name(str(firmware.facts.get("name", "")), process, taken=taken)
    return found | {"name": Entry("name", name)}


def _model_of(firmware: Firmware) -> Entry:
    """The kind that its own words name, or else the generic one of its firmware."""
    words = (firmware.name, str(firmware.facts.get("name", "")))
    if (key := recognised(words, firmware.driver)) is not None:
        return Entry("model", key, firmware.source)
    generic = "generic-klipper" if firmware.driver is Driver.MOONRAKER else "generic-marlin"
    return Entry("model", generic, GUESS)


def as_its_kind(answers: Mapping[str, Entry]) -> dict[str, Entry]:
    """The answers, with what is usual for the kind where there was only a guess or nothing.

    What an earlier kind suggested is forgotten.
    """
    kept = {key: entry for key, entry in answers.items() if entry.origin != USUAL}
    kind = kinds()[str(kept["model"].value)]
    facts: dict[str, Any] = {**kind.facts(), "materials": kind.materials}
    for key, value in facts.items():
        if key not in kept or kept[key].origin == GUESS:
            told = float(value) if type(value) is int else value
            kept[key] = Entry(key, told, USUAL)
    guesses = ((q.key, q.guess) for q in _PRINTER if q.key not in kept and q.guess is not None)
    return kept | {key: Entry(key, guess, GUESS) for key, guess in guesses}


def free_name(wish: str, process: Process, *, taken: Collection[str]) -> str:
    """A name that no other machine has: the firmware's, or printer-1, router-1 and so on."""
    wish = wish.strip()[:60]
    if wish.lower() not in _NO_NAMES and wish not in taken:
        return wish
    kind = "router" if process is Process.CNC else "printer"
    base = kind if wish.lower() in _NO_NAMES else wish
    return next(n for i in range(1, 1000) if (n := f"{base}-{i}") not in taken)


def unknowable(entries: Mapping[str, Entry], process: Process) -> list[str]:
    """Keys that are only guessed and that nobody but a person may guess.

    What is usual for its kind is known when a person has named the kind.
    """
    risky = [question.key for question in questions(process) if question.risky]
    named = "model" in entries and entries["model"].origin == GIVEN
    guessed = (GUESS,) if named else (GUESS, USUAL)
    return [key for key in risky if entries[key].origin in guessed]


def read_answer(key: str, text: str, *, process: Process) -> Setting:
    """What somebody typed for this key. InvalidInput says what cannot be, and what to write."""
    known = {question.key: question.guess for question in questions(process)}
    if key not in known:
        raise InvalidInput(f"a machine has no '{key}' to be asked for; {near(key, known)}")
    value = _read(key, known[key], text.strip())
    if (problem := _cannot_be(key, value)) is not None:
        raise InvalidInput(f"{key}: {problem}")
    if key == "materials":
        _require_materials(value, process)
    if key == "model" and value not in kinds():
        raise InvalidInput(f"there is no kind of printer '{value}'; {near(str(value), kinds())}")
    return value


def shown(value: Setting) -> str:
    """The value as a person would type it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, tuple):
        return ", ".join(value)
    return value if isinstance(value, str) else f"{value:.10g}"


def attended(firmware: Firmware) -> str:
    """Why a person stays, as the comment above `attended_only`."""
    if process_of(firmware.driver) is Process.CNC:
        return "A router is never left alone."
    if firmware.guarded is None:
        return "Its firmware does not say that it guards against thermal runaway: a person stays."
    if not firmware.guarded:
        return "Its firmware does not guard against thermal runaway: a person stays."
    return "Its firmware guards against thermal runaway; true: a person stays all the same."


def table(
    firmware: Firmware, where: Sequence[Entry], answers: Mapping[str, Entry], *, attended_only: bool
) -> list[Entry]:
    """All entries of the machine's table, in the order in which they are written."""
    process = process_of(firmware.driver)
    head = [
        answers["name"],
        Entry("process", process.value),
        Entry("driver", firmware.driver.value),
        *where,
    ]
    asked = [q.key for q in questions(process)]
    rest = [answers[key] for key in asked if key != "name" and key in answers]
    rest += [e for key, e in answers.items() if key not in asked and e.origin == USUAL]
    flags = [Entry("attended_only", attended_only)]
    if firmware.simulated:
        flags.append(Entry("simulated", True))
    return [*head, *rest, *flags]


def provisional(driver: Driver) -> MachineProfile:
    """A profile under which a driver may be asked who is there, before anything is settled."""
    process = process_of(driver)
    limits: dict[str, Any] = (
        {"cnc": MillLimits()} if process is Process.CNC else {"fdm": PrintLimits()}
    )
    return MachineProfile(
        name="new machine",
        process=process,
        driver=driver,
        envelope=Envelope(x_max_mm=100, y_max_mm=100, z_max_mm=100),
        max_feed_mm_s=10,
        max_feed_z_mm_s=1,
        materials=(),
        **limits,
    )


def _capped(entries: Mapping[str, Entry], key: str, limit: str) -> dict[str, Entry]:
    """A guess is never above what limits it."""
    value, most = entries[key].value, entries[limit].value
    if isinstance(value, float) and isinstance(most, float) and value > most:
        return {key: Entry(key, most, entries[key].origin)}
    return {}


def _read(key: str, guess: Setting | None, text: str) -> Setting:
    if isinstance(guess, bool):
        if text.lower() not in _BOOLEANS:
            raise InvalidInput(f"{key}: write yes or no")
        return _BOOLEANS[text.lower()]
    if isinstance(guess, tuple):
        return tuple(part for part in text.replace(",", " ").split())
    if isinstance(guess, str):
        return text
    try:
        return float(text.replace(",", "."))
    except ValueError:
        raise InvalidInput(f"{key}: '{text}' is no number") from None


_BOOLEANS = {"yes": True, "y": True, "true": True, "no": False, "n": False, "false": False}


def _require_materials(value: Setting, process: Process) -> None:
    mine = [key for key, material in MATERIALS.items() if material.process is process]
    for material in value if isinstance(value, tuple) else ():
        if material not in mine:
            raise InvalidInput(f"'{material}' is no material for it; {near(material, mine)}")


def _cannot_be(key: str, value: object) -> str | None:
    """What is wrong with the value by itself; None when it can be."""
    table_name, _, name = key.rpartition(".")
    field = _MODELS[table_name].model_fields[name]
    kind: Any = Annotated[field.annotation, field]
    try:
        TypeAdapter(kind).validate_python(value)
    except ValidationError as error:
        return error.errors()[0]["msg"].removeprefix("Value error, ")
    return None
