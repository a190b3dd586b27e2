"""What is right and what is wrong with a lab's agent, as sentences. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from commons.errors import InvalidInput
from commons.machine import MachineProfile
from commons.signing import MAX_SKEW_S
from commons.wire import API_VERSION
from fab_agent.hosts import HostReport

# Programs, meshes and a journal of a busy week, bytes.
LEAST_FREE = 10**9
# A large print's program, bytes.
LARGE_PROGRAM = 200 * 10**6
# A clock that is kept by the network is never so far off, s.
SUSPICIOUS_SKEW_S = 30


class Level(StrEnum):
    """How bad it is. Only a problem keeps the agent from working."""

    OK = "ok"
    WARNING = "warning"
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at, and what to do about it; `advice` is "" when all is well."""

    level: Level
    what: str
    advice: str = ""

    def __str__(self) -> str:
        return f"{self.what}: {self.advice}" if self.advice else self.what


def fine(what: str) -> Finding:
    """All is well with it."""
    return Finding(Level.OK, what)


def warning(what: str, advice: str) -> Finding:
    """It works, but somebody should know."""
    return Finding(Level.WARNING, what, advice)


def problem(what: str, advice: str = "") -> Finding:
    """It does not work like this."""
    return Finding(Level.PROBLEM, what, advice)


def wrong_settings(error: InvalidInput) -> list[Finding]:
    """Every wrong field of agent.toml."""
    found = [problem(f"agent.toml, {field.field}", field.problem) for field in error.fields]
    return found or [problem(str(error))]


def judge_room(folder: str, free_bytes: int, cache_gb: float) -> Finding:
    """The disk of the data folder."""
    free = f"{free_bytes / 1e9:.1f} GB free in {folder}"
    if free_bytes < LEAST_FREE:
        return problem(f"only {free}", "make room; nothing can be prepared on a full disk")
    if free_bytes < cache_gb * 1e9:
        return warning(f"{free}, less than cache_gb = {cache_gb:g}", "make room, or set it lower")
    return fine(free)


def judge_clock(here: datetime, there: datetime) -> Finding:
    """This computer's clock against the server's."""
    skew_s = abs((here - there).total_seconds())
    advice = "let the network keep it: 'sudo timedatectl set-ntp true'"
    if skew_s > MAX_SKEW_S:
        what = f"this computer's clock is {skew_s:.0f} s off, and the server refuses more than"
        return problem(f"{what} {MAX_SKEW_S} s", advice)
    if skew_s > SUSPICIOUS_SKEW_S:
        return warning(f"this computer's clock is {skew_s:.0f} s off", advice)
    return fine("this computer's clock agrees with the server's")


def judge_server(url: str, health: Mapping[str, Any]) -> Finding:
    """What the server answered to the question how it is."""
    spoken = health.get("api_version")
    if health.get("status") != "ok":
        return problem(f"{url} answers, but not as a repository", "is this its address?")
    if spoken not in (None, API_VERSION):
        older = "this agent" if spoken > API_VERSION else "the server"
        return problem(
            f"the server at {url} speaks version {spoken}, this agent {API_VERSION}",
            f"update {older}",
        )
    return fine(f"the server at {url} answers")


def judge_enrolment(
    profiles: Sequence[MachineProfile],
    machine_ids: Mapping[str, str],
    told: Mapping[str, Mapping[str, Any]],
) -> Iterator[Finding]:
    """The machines of agent.toml against those that the server was told of, and how."""
    again = "ask a manager of the lab for a code, then run 'cosmo agent enrol CODE'"
    for profile in profiles:
        if profile.name not in machine_ids:
            yield problem(f"{profile.name} is not enrolled: nothing runs until it is", again)
        elif changed := _changes(told.get(profile.name), profile):
            what = f"{profile.name} was changed after it was enrolled ({', '.join(changed)})"
            yield warning(f"{what}; the server does not know", again)
        else:
            yield fine(f"{profile.name} is enrolled")
    names = [profile.name for profile in profiles]
    for name in sorted(set(machine_ids) - set(names)):
        yield warning(f"{name} is enrolled but not in agent.toml", "add it, or leave it as it is")


def judge_guard(profile: MachineProfile, guarded: bool | None) -> Finding:
    """Whether the machine may be left alone."""
    if guarded:
        return fine("its firmware guards against thermal runaway")
    says = "does not say that it guards" if guarded is None else "does not guard"
    if profile.attended_only:
        return fine(f"its firmware {says} against thermal runaway, and attended_only is true")
    return problem(
        f"its firmware {says} against thermal runaway, and attended_only is false",
        "set attended_only = true: nobody may leave it alone",
    )


def judge_grbl(
    profile: MachineProfile, settings: Mapping[int, float], state: str
) -> Iterator[Finding]:
    """The settings of its controller ($20, $22, $32, $13) and its state."""
    homing = profile.cnc is not None and profile.cnc.homing
    if not settings:
        yield warning("it does not tell its settings ($$)", "put GRBL 1.1 or grblHAL on it")
    else:
        yield from _judge_homing(settings, homing=homing)
        yield from _judge_travel(profile, settings)
    if settings.get(32) == 1:
        what = "it is in laser mode ($32=1): the spindle would stand in every rapid move"
        yield problem(what, "switch it off ($32=0)")
    if settings.get(13) == 1:
        yield warning("it reports in inches ($13=1)", "set $13=0: people read mm here")
    if state == "Alarm":
        after = ", as after every restart" if homing else ""
        what_to_do = "home it" if homing else "unlock it"
        yield warning(f"it is in alarm{after}", f"look at it, then {what_to_do} before a job")
    elif state not in ("Idle", ""):
        yield warning(f"it is busy ({state})", "wait, or stop it there")


def _judge_homing(settings: Mapping[int, float], *, homing: bool) -> Iterator[Finding]:
    if not homing:
        yield warning("it has no limit switches", "nothing but a person keeps it in its travel")
        return
    # grblHAL keeps more than one thing in $22; bit 0 is the switch.
    if not int(settings.get(22, 0)) & 1:
        what = "homing is switched off ($22=0), and cnc.homing is true"
        yield problem(what, "switch it on ($22=1), or set homing = false if it has no switches")
    if not settings.get(20):
        yield problem("it does not guard its travel ($20=0)", "switch soft limits on ($20=1)")


def judge_host(profile: MachineProfile, report: HostReport) -> Iterator[Finding]:
    """What a print host told about itself and its printer."""
    if report.lacking:
        rights = ", ".join(report.lacking)
        yield problem(f"its key does not allow {rights}", "give one of a user who may print")
    else:
        yield fine("its key is accepted and may print")
    if report.connected:
        yield fine(f"its printer is connected ({report.says})")
    else:
        yield problem(f"its printer is not connected ({report.says})", "connect it on its page")
    yield from _judge_host_room(report)
    if report.simulated and not profile.simulated:
        yield warning("its printer is a virtual one", "set simulated = true: it makes nothing")


def _judge_host_room(report: HostReport) -> Iterator[Finding]:
    if report.room_bytes is not None and report.room_bytes < LARGE_PROGRAM:
        what = f"its host has only {report.room_bytes / 1e6:.0f} MB free"
        yield warning(what, "remove old programs there")
    if report.upload_bytes is not None and report.upload_bytes < LARGE_PROGRAM:
        what = f"its host takes programs of at most {report.upload_bytes / 1e6:.0f} MB"
        yield warning(what, "raise max_upload_size in its moonraker.conf")


def judge_simulated(profile: MachineProfile, *, simulated: bool) -> Iterator[Finding]:
    """A machine made of memory must not count as production, nor a real one as none."""
    if simulated and not profile.simulated:
        yield problem("it is a simulated machine", "set simulated = true: it makes nothing")
    if profile.simulated and not simulated:
        yield warning("it is a real machine, for all that can be seen",
                      "remove simulated = true, or its work is not counted")  # fmt: skip


def _judge_travel(profile: MachineProfile, settings: Mapping[int, float]) -> Iterator[Finding]:
    for number, axis, length in zip((130, 131, 132), "xyz", profile.envelope.size_mm, strict=True):
        travel = settings.get(number)
        if travel is not None and length > travel:
            yield problem(
                f"the envelope is {length:g} mm along {axis}, the machine travels {travel:g} mm "
                f"(${number})",
                "make the envelope smaller, or correct the controller",
            )


def _changes(told: Mapping[str, Any] | None, profile: MachineProfile) -> list[str]:
    """Keys whose values differ, such as `envelope.x_max_mm`; none where nothing was kept."""
    return [] if told is None else _differences(told, profile.model_dump(mode="json"))


def _differences(old: Mapping[str, Any], new: Mapping[str, Any], table: str = "") -> list[str]:
    found = []
    for key in sorted(old.keys() | new.keys()):
        before, now = old.get(key), new.get(key)
        if isinstance(before, Mapping) and isinstance(now, Mapping):
            found += _differences(before, now, f"{table}{key}.")
        elif before != now:
            found.append(f"{table}{key}")
    return found
