"""What the designs share: solids, flat panels, pictures. Lengths are mm, z is up.

Rule: the kit knows no design, and everything it writes is the same bytes for the same numbers.
"""

import sys
from collections.abc import Callable
from pathlib import Path


def run(script: str, make: Callable[[Path], None]) -> None:
    """Make a design's files in the folder named on the command line, or in the design's own."""
    make(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(script).resolve().parents[1])
