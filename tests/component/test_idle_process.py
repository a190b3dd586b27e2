"""What a machine's process keeps in memory: nothing of what only its children need."""

import subprocess
import sys

# What reads drawings and meshes belongs to children that end with their work.
FOR_CHILDREN = {"numpy", "scipy", "shapely", "trimesh", "ezdxf", "svgelements", "manifold3d"}
# What talks with people at a terminal belongs to the command.
FOR_PEOPLE = {"rich", "pygments", "click"}


def test_a_machines_process_loads_nothing_that_only_children_or_people_need() -> None:
    code = "import sys, fab_agent.machine_process; print(*sys.modules, sep='\\n')"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert (FOR_CHILDREN | FOR_PEOPLE).isdisjoint(done.stdout.split())
