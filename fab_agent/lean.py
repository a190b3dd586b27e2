"""Imported first in a machine's process: what nobody needs there is never loaded.

httpx brings a command line of its own, and with it rich and pygments, 5 MB in each process. Left
out like this httpx takes it for not installed.
"""

import sys

sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
