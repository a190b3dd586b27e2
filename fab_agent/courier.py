"""The courier thread: it shows the server what programs look like, apart from everything else.

Drawing a long program takes a while and sending it longer, and neither may keep the office from
hearing that a machine shall stop. Nothing waits for it: what cannot be delivered in a few tries,
or waits when the agent is stopped, is never shown, and the job goes its way.
"""

import logging
import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Event
from typing import Protocol

from commons.errors import Conflict, FabError, Unavailable
from commons.machine import MachineProfile
from commons.toolpath import Sketch, ToolpathReceipt
from commons.wire import Place
from fab_agent.album import Album, Picture
from fab_agent.drawing import Drawn, draw_program

log = logging.getLogger(__name__)
TRIES = 6
# Waits between tries, s: the first, and how much longer each is than the one before. The first
# tries may come before the event that they belong to.
FIRST_WAIT_S, LONGER = 1.0, 3.0
_LOOK_S = 0.5


@dataclass(frozen=True, slots=True)
class Shown:
    """A program that was staged or refused; `mark` is where it was refused."""

    attempt_id: str
    program: Path
    mark: Place | None = None


class Gallery(Protocol):
    """The half of the server that is shown programs. See fab_agent.repository."""

    def show_toolpath(self, attempt_id: str, sketch: Sketch) -> ToolpathReceipt:
        """The server has the sketch, and says whether it wants the program, too."""
        ...

    def show_program(self, attempt_id: str, packed: Path) -> None:
        """The server has the program."""
        ...


Draw = Callable[[Path, Place | None, Path], Drawn]


class Courier:
    """Shows the programs of one machine. `put` never waits; `run` is the thread.

    It draws in `folder`, which is its alone: what an agent that was killed left there is gone when
    the next one begins.
    """

    def __init__(self, draw: Draw, folder: Path, *, album: Album | None = None) -> None:
        """`album`: where the newest picture is kept for the panel."""
        self._draw = draw
        self._folder, self._album = folder, album
        self._waiting: SimpleQueue[Shown] = SimpleQueue()

    def put(self, shown: Shown) -> None:
        """The program is shown to the server when there is time for it."""
        self._waiting.put(shown)

    def run(self, gallery: Gallery, stopping: Event) -> None:
        """Show what there is to be shown, until `stopping`."""
        shutil.rmtree(self._folder, ignore_errors=True)
        while not stopping.is_set():
            try:
                shown = self._waiting.get(timeout=_LOOK_S)
            except Empty:
                continue
            try:
                self._deliver(shown, gallery, stopping)
            except FabError as problem:
                log.info("the program of attempt %s is not shown: %s", shown.attempt_id, problem)
            except Exception:
                log.exception("the program of attempt %s is not shown", shown.attempt_id)

    def _deliver(self, shown: Shown, gallery: Gallery, stopping: Event) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self._folder) as folder:
            drawn = self._draw(shown.program, shown.mark, Path(folder))

            if self._album is not None:
                self._album.keep(Picture(shown.attempt_id, drawn.sketch, drawn.track))

            def show() -> None:
                receipt = gallery.show_toolpath(shown.attempt_id, drawn.sketch)
                if receipt.wants_program and drawn.packed is not None:
                    gallery.show_program(shown.attempt_id, drawn.packed)

            _try_a_few_times(show, stopping)


def _try_a_few_times(show: Callable[[], None], stopping: Event) -> None:
    wait_s = FIRST_WAIT_S
    for _ in range(TRIES - 1):
        try:
            return show()
        except (Conflict, Unavailable) as later:
            log.debug("shown again later: %s", later)
        if stopping.wait(wait_s * (0.5 + random.random() / 2)):  # noqa: S311
            return None
        wait_s *= LONGER
    return show()


def drawing_for(profile: MachineProfile) -> Draw:
    """Draws the programs of such a machine in a limited child."""

    def draw(program: Path, mark: Place | None, out_dir: Path) -> Drawn:
        return draw_program(program, profile, mark=mark, out_dir=out_dir)

    return draw
