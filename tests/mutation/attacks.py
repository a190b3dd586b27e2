"""`python -m tests.mutation.attacks`: meshes made to harm, each through the whole sandbox.

Told is what its refusal took, child process included, in seconds and in the child's memory. Ends
with 1 when one was taken, or took more than 5 s or 1 GB. The last line is JSON.
"""

import json
import resource
import sys
import tempfile
import time
from pathlib import Path

from repo_server.blobs import BlobStore
from repo_server.parsing.inspection import inspect
from tests.mesh_files import ATTACKS

MOST_S, MOST_MB = 5, 1024


def main() -> int:
    """Every attack was tried; 0 when all were refused in time."""
    slowest, taken = 0.0, []
    with tempfile.TemporaryDirectory() as folder:
        path, blobs = Path(folder, "file"), BlobStore(Path(folder, "blobs"))
        for title, (made, _) in ATTACKS.items():
            path.write_bytes(made())
            start = time.monotonic()
            findings = inspect(path, title.rpartition(".")[2], blobs)
            seconds = time.monotonic() - start
            slowest = max(slowest, seconds)
            print(f"{seconds:6.2f} s  {title}: {findings.problem}")
            taken += [title] if findings.facts is not None else []
    most_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss >> 10
    told = {"attacks": len(ATTACKS), "taken": taken, "slowest_s": round(slowest, 2)}
    print(json.dumps(told | {"most_mb": most_mb}))
    return int(bool(taken) or slowest > MOST_S or most_mb > MOST_MB)


if __name__ == "__main__":
    sys.exit(main())
