"""Bars for large files on their way, where somebody looks at the terminal."""

from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from commons.errors import Unavailable
from cosmo.uploads import Sending, Told


@contextmanager
def shown_progress() -> Iterator[Told]:
    """What is told inside is shown on standard error, if that is a terminal.

    Ctrl-C inside becomes Unavailable with the sentence that says what is kept.
    """
    console = Console(stderr=True, highlight=False)
    columns = (
        TextColumn("{task.fields[path]}", markup=False),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[waits]}", markup=False, style="yellow"),
    )
    bars: dict[str, TaskID] = {}
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:

        def tell(sending: Sending) -> None:
            path = sending.path
            if path not in bars:
                bars[path] = progress.add_task("", total=sending.size, path=path, waits="")
            progress.update(bars[path], completed=sending.sent, waits=sending.waits)

        try:
            yield tell
        except KeyboardInterrupt as error:
            raise Unavailable(
                "stopped; what has arrived is kept on the server, and the same command goes on "
                "from there"
            ) from error
