"""What people see: all machines, one machine, and both as data for the page's own script."""

from dataclasses import dataclass

from flask import Blueprint, get_flashed_messages, render_template
from flask.typing import ResponseReturnValue

from commons.local_starts import is_local
from commons.machine import Process
from commons.wire import MachineReport, MachineState, Phase
from fab_agent.made import MadeBook
from fab_agent.panel import gate
from fab_agent.panel.floor import Seen, Station
from fab_agent.panel.pictures import Head, head_of
from fab_agent.panel.plot import HEIGHT, WIDTH, Plot, plot_of

bp = Blueprint("pages", __name__)
_RUNS = (MachineState.RUNNING, MachineState.HELD)
# A look that is older than this is told with its age, s.
_OLD_S = 5.0
_WORDS = {
    MachineState.OFFLINE: "offline",
    MachineState.IDLE: "idle",
    MachineState.PREPARING: "preparing",
    MachineState.WAITING: "waits for a clear bed",
    MachineState.RUNNING: "running",
    MachineState.HELD: "held",
    MachineState.MANUAL: "moved by hand",
    MachineState.FAULT: "fault",
}


@dataclass(frozen=True, slots=True)
class Shown:
    """One machine as its page shows it. `acts` are what may be asked of it now."""

    station: Station
    seen: Seen
    age_s: float
    plot: Plot
    acts: frozenset[str]
    head: Head | None
    made: str = ""

    @property
    def attempt_id(self) -> str:
        """The attempt that it works at; "" when it works at none."""
        now = self.report.progress if self.report else None
        return now.attempt_id if now else ""

    @property
    def report(self) -> MachineReport | None:
        """What its process says; None when that does not answer."""
        return self.seen.report

    @property
    def state(self) -> str:
        """Its state in a word or two."""
        return "gone" if self.report is None else _WORDS[self.report.state]

    @property
    def kind(self) -> str:
        """Its state as a style sheet knows it."""
        return "gone" if self.report is None else str(self.report.state)

    @property
    def sentence(self) -> str:
        """Why it is so, or what it waits for."""
        return self.seen.sentence if self.report is None else self.report.sentence

    @property
    def clear(self) -> str:
        """Who said that its bed is clear; "" when nobody did here."""
        word = self.report.clear if self.report else None
        if word is None:
            return ""
        return f"clear, says {word.by}"

    @property
    def warm(self) -> str:
        """How warm it is, as far as it says."""
        if self.report is None:
            return ""
        named = (("nozzle", self.report.hotend_c), ("bed", self.report.bed_c))
        return ", ".join(f"{name} {value:.0f} °C" for name, value in named if value is not None)

    @property
    def share(self) -> float | None:
        """How much of its program is done, 0 … 1; None while nothing is."""
        now = self.report.progress if self.report else None
        return now.done / now.total if now and now.total else None

    @property
    def progress(self) -> str:
        """How far it is, in words."""
        now = self.report.progress if self.report else None
        if now is None or not now.total:
            return ""
        if now.phase is not Phase.STREAM:
            return f"{100 * now.done / now.total:.0f} %"
        left = "" if now.remaining_s is None else f", about {_minutes(now.remaining_s)} left"
        return f"line {now.done:,} of {now.total:,}{left}"

    @property
    def old(self) -> str:
        """That this is an old look; "" when it is not."""
        return f"as it was {self.age_s:.0f} s ago" if self.age_s > _OLD_S else ""


def _minutes(seconds: float) -> str:
    minutes = round(seconds / 60)
    if minutes < 1:
        return "a minute"
    return f"{minutes} min" if minutes < 100 else f"{minutes / 60:.1f} h"


def acts_of(station: Station, report: MachineReport | None) -> frozenset[str]:
    """What may be asked of a machine in this state. Stop is not among them: it always may."""
    if report is None:
        return frozenset()
    acts: set[str] = set()
    if report.state is MachineState.RUNNING:
        acts.add("hold")
    elif report.state is MachineState.HELD:
        acts.add("resume")
    elif report.state in (MachineState.IDLE, MachineState.WAITING, MachineState.PREPARING):
        acts.add("clear")
        if report.progress is not None and is_local(report.progress.attempt_id):
            acts |= {"start"} if report.state is MachineState.WAITING else set()
    if report.state not in (MachineState.RUNNING, MachineState.PREPARING) and (
        station.profile.process is Process.CNC
    ):
        acts |= {"jog", "zero"} if report.state is MachineState.HELD else _BY_HAND
    return frozenset(acts)


_BY_HAND = {"home", "unlock", "jog", "zero"}


def shown(station: Station) -> Shown:
    """The machine as it is shown now."""
    watch = gate.desk().watch
    seen = watch.seen(station)
    plot = plot_of(*watch.warmth(station))
    report = seen.report
    head = head_of(station, report)
    made = _made(station, report)
    return Shown(station, seen, watch.age_s(seen), plot, acts_of(station, report), head, made)


def _made(station: Station, report: MachineReport | None) -> str:
    """What the machine works at, in words; "" when nobody noted it."""
    if report is None or report.progress is None:
        return ""
    made = MadeBook(station.folder).newest().get(report.progress.attempt_id)
    return f"{made.title}: {made.part}" if made else ""


@bp.get("/")
def machines() -> ResponseReturnValue:
    """All machines of the lab."""
    return render_floor()


def render_floor(refusal: str = "") -> str:
    """The page of all machines, with what was said last, or why something was refused."""
    return render_template(
        "machines.html",
        machines=[shown(station) for station in gate.desk().stations],
        said=get_flashed_messages(),
        refusal=refusal,
        **_SIZE,
    )


@bp.get("/machines/<machine_id>")
def machine(machine_id: str) -> ResponseReturnValue:
    """One machine, and what is done by hand at it."""
    return render_machine(gate.desk().station(machine_id))


def render_machine(station: Station, refusal: str = "") -> str:
    """The page of one machine, with what was said last, or why something was refused."""
    return render_template(
        "machine.html",
        machine=shown(station),
        said=get_flashed_messages(),
        refusal=refusal,
        **_SIZE,
    )


_SIZE = {"plot_width": WIDTH, "plot_height": HEIGHT}


@bp.get("/queue")
def queue() -> ResponseReturnValue:
    """What waits for the machines and why, as old as it is."""
    desk = gate.desk()
    line = desk.queue.seen()
    age_s = (desk.now() - line.at).total_seconds() if line.at else 0.0
    return render_template("queue.html", line=line, age_s=max(0.0, age_s))


@bp.get("/state.json")
def state() -> ResponseReturnValue:
    """What changes on the pages, for their script."""
    return {"machines": [_told(shown(station)) for station in gate.desk().stations]}


def _told(it: Shown) -> dict[str, object]:
    return {
        "id": it.station.machine_id,
        "kind": it.kind,
        "state": it.state,
        "sentence": it.sentence,
        "clear": it.clear,
        "warm": it.warm,
        "progress": it.progress,
        "share": it.share,
        "old": it.old,
        "hotend": it.plot.hotend,
        "bed": it.plot.bed,
        "top": f"{it.plot.top_c} °C",
        "acts": sorted(it.acts),
        "made": it.made,
        "prepared": it.attempt_id,
        "attempt": it.attempt_id if it.head else "",
        "x": it.head.x if it.head else None,
        "y": it.head.y if it.head else None,
        "head": it.head.words if it.head else "",
    }
