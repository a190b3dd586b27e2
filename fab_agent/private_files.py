"""Files that are replaced as a whole, and read by their owner alone unless one says otherwise."""

import os
import secrets
from pathlib import Path

OWNER_ALONE = 0o600


def replace(path: Path, data: bytes, *, mode: int = OWNER_ALONE) -> None:
    """`path` durably holds `data` in place of what was there, and is read by whom `mode` lets.

    Its folder is made where it is missing. Raises OSError; what was there is then as it was.
    """
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with open(os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(path)
    except OSError:
        aside.unlink(missing_ok=True)
        raise
