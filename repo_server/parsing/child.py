"""The child process: limits itself, reads one file, writes its answer, ends.

`python -m repo_server.parsing.child MODULE KIND FILE FOLDER` leaves answer.json in the folder,
and files named preview, thumbnail and mesh where there are any. Where two files are compared, the
KIND is that of both, `stl+3mf`, and the second FILE comes last.
"""

import importlib
import json
import os
import resource
import sys
import warnings
from pathlib import Path

from commons.errors import InvalidInput
from repo_server.parsing import sandbox


def main(module: str, kind: str, path: str, folder: str, *other: str) -> None:
    """The answer is written; what no reader foresaw is a problem of the file."""
    limit()
    out = Path(folder)
    try:
        parser = importlib.import_module(f"repo_server.parsing.{module}")
        answer = parser.inspect(Path(path), kind, out, *map(Path, other))
    except (MemoryError, OSError):  # the limits, not the file
        raise
    except InvalidInput as refused:
        answer = {"problem": str(refused)}
    except Exception as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
        answer = {
            "problem": f"this cannot be read as {kind.upper()}; it is damaged or another kind"
        }
    (out / "answer.json").write_text(json.dumps(answer, allow_nan=False))


def limit(*, file_bytes: int = sandbox.OUT_BYTES) -> None:
    """This process and all that it starts may use only so much; each file that it writes is at
    most `file_bytes` long."""
    os.nice(10)  # requests come first
    for what, most in (
        (resource.RLIMIT_AS, sandbox.MEMORY_BYTES),
        (resource.RLIMIT_CPU, sandbox.CPU_S),
        (resource.RLIMIT_FSIZE, file_bytes),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (most, most))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(*sys.argv[1:])
