"""Which slicer this computer has. Another one is a module beside this one, and a row here."""

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

from commons.errors import Unavailable
from fab_agent.slicing.options import PrintOptions
from fab_agent.slicing.profile import SlicerProfile
from fab_agent.slicing.prusaslicer import PrusaSlicer
from fab_agent.slicing.slicer import Slicer, SliceResult, SlicerIdentity

# The name of its program on the PATH, and what speaks with it; the first that is found is taken.
SLICERS: Mapping[str, Callable[[Path], Slicer]] = {
    "prusa-slicer": PrusaSlicer,
    "PrusaSlicer": PrusaSlicer,
}


def find_slicer(known: Mapping[str, Callable[[Path], Slicer]] = SLICERS) -> Slicer:
    """The first known slicer that is installed; Unavailable says what to install."""
    for name, slicer in known.items():
        if path := shutil.which(name):
            return slicer(Path(path))
    raise Unavailable(
        "no slicer is installed: install the package prusa-slicer, "
        f"or put one of {', '.join(known)} on the agent's PATH"
    )


class InstalledSlicer:
    """The slicer of this computer, looked for when it is first needed."""

    def __init__(self) -> None:
        self._found: Slicer | None = None

    def identity(self) -> SlicerIdentity:
        """Name and version; Unavailable when there is none."""
        return self._slicer().identity()

    def slice(
        self,
        mesh: Path,
        profile: SlicerProfile,
        *,
        options: PrintOptions,
        out_dir: Path,
        placed: bool = False,
    ) -> SliceResult:
        """As `Slicer.slice`."""
        return self._slicer().slice(mesh, profile, options=options, out_dir=out_dir, placed=placed)

    def _slicer(self) -> Slicer:
        self._found = self._found or find_slicer()
        return self._found
