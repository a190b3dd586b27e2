"""The cache under kill -9 at every step, and on a disk that is full."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]

COMMON = """
import os, signal, sys
from hashlib import sha256
from pathlib import Path
from commons.errors import Unavailable
from commons.machine import Process
from fab_agent.cache import Cache
from fab_agent.gcode.program import Estimate, GcodeProgram

root, PARTS = Path(sys.argv[1]), {"file": "cube"}
DATA = b"G1 X1\\n" * 200_000
HASH = sha256(DATA).hexdigest()

def put(cache):
    return cache.put_file(HASH, [DATA[:500_000], DATA[500_000:]])

def keep(cache):
    with cache.workspace() as folder:
        path = folder / "made"
        path.write_bytes(DATA)
        estimate = Estimate(duration_s=1, material_mm3=None)
        return cache.keep_program(PARTS, GcodeProgram(path, HASH, 200_000, Process.FDM, estimate))
"""

# Every step that touches the disk raises an audit event; the n-th one is the child's last.
KILLED = """
STEPS = {"open", "os.mkdir", "os.rename", "os.rmdir", "os.remove", "os.utime", "fcntl.flock"}

def killed_at(n, work, folder):
    pid = os.fork()
    if pid == 0:
        seen = 0
        def step(event, args):
            nonlocal seen
            if event not in STEPS:
                return
            seen += 1
            if seen > n:
                os.kill(os.getpid(), signal.SIGKILL)
        cache = Cache(folder, max_bytes=10**6)
        sys.addaudithook(step)
        work(cache)
        os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == -signal.SIGKILL

def find_file(cache):
    return cache.file(HASH)

def find_program(cache):
    program = cache.program(PARTS)
    return program and program.path

for work, find in ((put, find_file), (keep, find_program)):
    n, outcomes = 0, set()
    while True:
        folder = root / f"{work.__name__}{n}"
        killed = killed_at(n, work, folder)
        with Cache(folder, max_bytes=10**6) as cache:
            assert list((folder / "aside").iterdir()) == [], (work, n)
            path = find(cache)
            outcomes.add(path is not None)
            assert path is None or path.read_bytes() == DATA, (work, n)
            work(cache)
            assert find(cache).read_bytes() == DATA, (work, n)
        if not killed:
            break
        n += 1
    assert outcomes == {False, True}
    print(work.__name__, n)
"""

FULL = """
with Cache(root, max_bytes=10**9) as cache:
    small = cache.put_file(sha256(b"small").hexdigest(), [b"small"])
    for work in (put, keep):
        try:
            work(cache)
        except Unavailable as full:
            print(full)
    assert small.read_bytes() == b"small"
    assert cache.file(HASH) is None and cache.program(PARTS) is None
    assert list((root / "aside").iterdir()) == []
    assert list((root / "programs").iterdir()) == []
"""

SLICED = """
from commons.machine import Driver, Envelope, MachineProfile, PrintLimits
from fab_agent.prepare import Plan, prepare
from fab_agent.slicing.prusaslicer import PrusaSlicer

corners = [(i & 1, i >> 1 & 1, i >> 2) for i in range(8)]
faces = "023 031 457 476 015 054 267 273 046 062 137 175".split()
loops = "".join(
    "facet normal 0 0 0\\nouter loop\\n"
    + "".join("vertex {} {} {}\\n".format(*(50 * c for c in corners[int(i)])) for i in face)
    + "endloop\\nendfacet\\n"
    for face in faces
)
part = Path(sys.argv[2])
part.write_text(f"solid\\n{loops}endsolid\\n")
printer = MachineProfile(
    name="ender-1", process=Process.FDM, driver=Driver.MARLIN, max_feed_mm_s=100,
    max_feed_z_mm_s=8, materials=("pla",), fdm=PrintLimits(),
    envelope=Envelope(x_max_mm=220, y_max_mm=220, z_max_mm=250),
)
plan = Plan(part, sha256(part.read_bytes()).hexdigest(), "cube.stl", Process.FDM, "pla")
with Cache(root, max_bytes=10**9) as cache:
    try:
        prepare(plan, printer, cache=cache, slicer=PrusaSlicer(), progress=str)
    except Unavailable as full:
        print(full)
assert list((root / "aside").iterdir()) == list((root / "programs").iterdir()) == []
"""


def run(code, *arguments, folder, before=()):
    child = subprocess.run(
        [*before, sys.executable, "-c", COMMON + code, str(folder), *map(str, arguments)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (child.returncode, child.stderr) == (0, "")
    return child.stdout.splitlines()


def test_kill_9_at_any_step_leaves_an_entry_whole_or_absent(tmp_path):
    steps = dict(line.split() for line in run(KILLED, folder=tmp_path))
    assert int(steps["put"]) >= 8
    assert int(steps["keep"]) >= 10


@pytest.fixture
def small_disk(tmp_path):
    """A folder, and the command under which it is a disk of one megabyte."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = f'mount -t tmpfs -o size=1m none {disk} && exec "$0" "$@"'
    return disk, ("unshare", "--map-root-user", "--mount", "sh", "-c", mount)


def test_a_full_disk_is_one_sentence_and_leaves_nothing(small_disk):
    disk, before = small_disk
    sentence = f"the disk of {disk} is full: free some space there, then try again"
    assert run(FULL, folder=disk, before=before) == [sentence, sentence]


def test_a_disk_that_runs_full_while_slicing_is_said_and_leaves_nothing(small_disk, tmp_path):
    disk, before = small_disk
    said = run(SLICED, tmp_path / "cube.stl", folder=disk, before=before)
    assert said == ["the disk is full: free some space, then prepare the part again"]
