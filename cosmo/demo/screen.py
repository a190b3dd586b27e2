"""What the demo shows: steps, one progress bar a machine, and the table at the end."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn
from rich.table import Table

PHASE_WORDS = {"fetch": "fetching", "prepare": "preparing", "stream": "streaming"}


@dataclass(frozen=True, slots=True)
class Made:
    """One row of the final table. None where nobody measured."""

    design: str
    attempt_id: str
    machine: str
    lines_sent: int
    lines_executed: int
    grams: float | None
    minutes: float
    kwh: float | None
    credited: str


class Screen:
    """Writes to one console; a log file or a pipe gets the same words without bars."""

    def __init__(self, console: Console) -> None:
        self.console = console

    def step(self, text: str) -> None:
        self.console.print(f"[bold]▸[/bold] {text}")

    def detail(self, text: str) -> None:
        self.console.print(f"  {text}", style="dim")

    @contextmanager
    def bars(self) -> Iterator["Bars"]:
        """Live bars while the block runs."""
        columns = (
            TextColumn("  {task.fields[machine]:<22}"),
            TextColumn("{task.description:<12}"),
            BarColumn(bar_width=28),
            TextColumn("{task.fields[count]}"),
        )
        with Progress(*columns, console=self.console, refresh_per_second=5) as progress:
            yield Bars(progress)

    def table(self, rows: list[Made]) -> None:
        """What was made, by which machine, at what cost, and who is credited."""
        table = Table(title="Made here", title_justify="left", box=None, padding=(0, 1, 0, 0))
        for name in ("design", "machine"):
            table.add_column(name, no_wrap=True)
        for name in ("sent", "executed", "g", "min", "kWh"):
            table.add_column(name, justify="right", no_wrap=True)
        table.add_column("credited to", min_width=len("contributors"))
        for row in rows:
            table.add_row(
                row.design, row.machine, f"{row.lines_sent:,}", f"{row.lines_executed:,}",
                _number(row.grams, 1), _number(row.minutes, 1), _number(row.kwh, 3), row.credited,
            )  # fmt: skip
        self.console.print(table)


class Bars:
    """One bar a machine, made when it first reports progress."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def update(self, machine: str, progress: dict[str, Any]) -> None:
        """Show a machine's ProgressReport as the board has it."""
        if machine not in self._tasks:
            self._tasks[machine] = self._progress.add_task("", machine=machine, count="")
        self._progress.update(
            self._tasks[machine],
            description=PHASE_WORDS[progress["phase"]],
            completed=progress["done"],
            total=progress["total"] or 1,
            count=_count(progress),
        )

    def finish(self, machine: str, words: str) -> None:
        """Leave the bar full, with how it ended."""
        if machine in self._tasks:
            task = self._progress.tasks[self._tasks[machine]]
            lines = f"{task.total:,.0f} lines"
            self._progress.update(task.id, description=words, completed=task.total, count=lines)


def _count(progress: dict[str, Any]) -> str:
    if progress["phase"] != "stream":
        return ""
    remaining = progress.get("remaining_s")
    time = "" if remaining is None else f", {remaining:.0f} s left"
    return f"{progress['done']:,} of {progress['total']:,} lines{time}"


def _number(value: float | None, digits: int) -> str:
    return "unknown" if value is None else f"{value:.{digits}f}"
