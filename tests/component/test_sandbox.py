"""The sandbox, with the real bubblewrap: what a child can do, and how it ends when it tries."""

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import warnings
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from commons.errors import Unavailable
from fab_agent.sandbox import Ending, Limits, run_limited, run_python

MB = 2**20
LIMITS = Limits(memory_bytes=512 * MB, cpu_s=10, wall_s=20, file_bytes=MB)
SECRET = Path("/etc/passwd")
ROOT = Path(__file__).parents[2]


def python(code, out_dir, *, limits=LIMITS, **more):
    """What became of `code` in the system's own Python, inside the sandbox."""
    return run_limited(
        ["/usr/bin/python3", "-I", "-c", code], out_dir=out_dir, limits=limits, **more
    )


def test_a_child_reads_its_inputs_and_leaves_files(tmp_path):
    letter = tmp_path / "letter"
    letter.write_text("hello")
    out = tmp_path / "out"
    out.mkdir()
    code = "open('/out/copy', 'w').write(open('/in/letter').read()); print('done')"
    child = python(code, out, inputs={"letter": letter})
    assert (child.ending, child.exit_code, child.stdout) == (Ending.EXITED, 0, "done\n")
    assert (out / "copy").read_text() == "hello"


def test_a_child_reads_what_is_written_for_it_while_it_runs(tmp_path):
    code = "import sys; print(sum(map(len, sys.stdin)))"
    assert python(code, tmp_path).stdout == "0\n"
    reader, writer = os.pipe()
    with ThreadPoolExecutor(1) as pool, open(reader, "rb", buffering=0):
        child = pool.submit(python, code, tmp_path, stdin=reader)
        with open(writer, "wb", buffering=0) as file:
            file.write(b"hello\n" * 1000)
        assert child.result().stdout == "6000\n"


def test_inputs_cannot_be_changed(tmp_path):
    letter = tmp_path / "letter"
    letter.write_text("hello")
    child = python("open('/in/letter', 'w')", tmp_path, inputs={"letter": letter})
    assert "Read-only file system" in child.stderr
    assert letter.read_text() == "hello"


@pytest.mark.parametrize(
    "path", [SECRET, Path.home(), Path(__file__), Path("/sys"), Path("/proc/1/root/home")]
)
def test_nothing_else_of_the_computer_is_in_sight(path, tmp_path):
    child = python(f"import os; print(os.path.lexists({str(path)!r}))", tmp_path)
    assert child.stdout == "False\n"


def test_only_the_output_and_a_small_scratch_folder_can_be_written(tmp_path):
    code = (
        "import os\nfor path, folders, files in os.walk('/'):\n    folders[:] = ["
        "x for x in folders if os.path.join(path, x) not in ('/proc', '/usr')]\n"
        "    try: open(path + '/x', 'w'); print(path)\n    except OSError: pass"
    )
    assert set(python(code, tmp_path).stdout.split()) == {"/tmp", "/out"}  # noqa: S108
    fill = "f = open('/tmp/x', 'wb')\nwhile True: f.write(bytes(2**20))"
    generous = Limits(memory_bytes=512 * MB, cpu_s=10, wall_s=20, file_bytes=1024 * MB)
    assert "No space left" in python(fill, tmp_path, limits=generous).stderr


def test_the_environment_of_the_agent_is_not_passed_on(tmp_path):
    names = python("import os; print(*sorted(os.environ))", tmp_path).stdout.split()
    assert set(names) <= {"HOME", "LC_ALL", "PWD", "LC_CTYPE"}


@pytest.mark.parametrize("address", ["('1.1.1.1', 80)", "('127.0.0.1', 1)"])
def test_there_is_no_network(address, tmp_path):
    child = python(f"import socket; socket.create_connection({address}, 2)", tmp_path)
    assert child.exit_code == 1
    assert "Error" in child.stderr


def test_a_child_has_no_rights(tmp_path):
    child = python("print(open('/proc/self/status').read())", tmp_path)
    status = dict(line.split(":\t") for line in child.stdout.splitlines() if ":\t" in line)
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")
    assert set(status["Uid"].split()) == {"65534"}


@pytest.mark.parametrize(
    "code",
    [
        "import os; os.system('touch /out/ran') and exit(1)",
        "import subprocess; subprocess.run(['/usr/bin/touch', '/out/ran'])",
        "import os; os.fork()",
        "import os; os.posix_spawn('/usr/bin/touch', ['touch', '/out/ran'], {})",
        "import ctypes; exit(-ctypes.CDLL(None).unshare(0x10000000))",
        "import ctypes; exit(-ctypes.CDLL(None).ptrace(0, 0, 0, 0))",
    ],
)
def test_a_child_can_start_no_other_program(code, tmp_path):
    assert python(code, tmp_path).exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_child_can_start_threads(tmp_path):
    code = "import threading as t; x = t.Thread(target=lambda: print('hi')); x.start(); x.join()"
    assert python(code, tmp_path).stdout == "hi\n"


def test_a_memory_bomb_ends_and_is_named(tmp_path):
    child = python("bytearray(2**30)", tmp_path)
    assert child.ending is Ending.MEMORY
    assert child.why == "needed more than 512 MB of memory"


@pytest.mark.slow
def test_an_endless_computation_ends_and_is_named(tmp_path):
    limits = Limits(memory_bytes=512 * MB, cpu_s=1, wall_s=20, file_bytes=MB)
    child = python("while True: pass", tmp_path, limits=limits)
    assert child.ending is Ending.TIME
    assert child.why == "used more than 1 s of computing time"


@pytest.mark.slow
def test_an_endless_wait_ends_and_is_named(tmp_path):
    limits = Limits(memory_bytes=512 * MB, cpu_s=10, wall_s=0.3, file_bytes=MB)
    child = python("import signal; signal.pause()", tmp_path, limits=limits)
    assert child.ending is Ending.TIME
    assert child.why == "took longer than 0.3 s"


def test_a_child_that_fills_the_disk_ends_and_is_named(tmp_path):
    code = (
        "import signal; signal.signal(25, signal.SIG_DFL); open('/out/x', 'wb').write(bytes(2**21))"
    )
    child = python(code, tmp_path)
    assert child.ending is Ending.OUTPUT
    assert (tmp_path / "x").stat().st_size == MB


def test_a_child_that_talks_without_end_is_stopped_and_its_last_words_are_kept(tmp_path):
    code = "import signal; signal.signal(25, signal.SIG_DFL)\nwhile True: print('x' * 1000)"
    child = python(code, tmp_path)
    assert child.ending is Ending.OUTPUT
    assert len(child.stdout) == 256 * 1024


def test_a_crash_is_named_by_its_signal(tmp_path):
    child = python("import os; os.abort()", tmp_path)
    assert (child.ending, child.why) == (Ending.CRASHED, "crashed (SIGABRT)")


def test_links_pipes_and_folders_that_a_child_left_are_gone(tmp_path):
    code = (
        "import os; os.symlink('/etc/passwd', '/out/link'); os.mkfifo('/out/pipe');"
        "os.mkdir('/out/folder'); open('/out/file', 'w')"
    )
    assert python(code, tmp_path).exit_code == 0
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


def test_our_own_packages_run_inside_with_their_libraries(tmp_path):
    child = run_python("fab_agent.sandbox", [], out_dir=tmp_path, limits=LIMITS)
    assert (child.exit_code, child.stderr) == (0, "")


def test_a_missing_program_is_said(tmp_path):
    with pytest.raises(Unavailable, match="/usr/bin/no-such cannot be started"):
        run_limited(["/usr/bin/no-such"], out_dir=tmp_path, limits=LIMITS)


AGENT = """
import sys
from pathlib import Path
from fab_agent.sandbox import Limits, run_limited
code = "import signal; pipe = open('/out/pipe', 'w'); print('started', file=pipe, flush=True); "
code += "signal.pause()"
limits = Limits(memory_bytes=2**29, cpu_s=10, wall_s=60, file_bytes=2**20)
run_limited(["/usr/bin/python3", "-I", "-c", code], out_dir=Path(sys.argv[1]), limits=limits)
"""


def test_a_child_dies_with_the_agent_that_is_killed(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    agent = subprocess.Popen([sys.executable, "-c", AGENT, str(tmp_path)], cwd=ROOT)
    with pipe.open() as child:
        assert child.readline() == "started\n"
        agent.kill()
        assert child.read() == ""  # the end of the pipe: nobody holds its other side any more
    assert agent.wait(timeout=5) == -signal.SIGKILL


@contextmanager
def search_path(value: str) -> Iterator[None]:
    before = os.environ["PATH"]
    os.environ["PATH"] = value
    try:
        yield
    finally:
        os.environ["PATH"] = before


def tools_in(folder, names):
    for name in names:
        (folder / name).symlink_to(shutil.which(name))
    return str(folder)


def test_without_bubblewrap_nothing_runs_and_the_package_is_named(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    with (
        search_path(tools_in(tools, ["nice", "prlimit"])),
        pytest.raises(Unavailable, match="bwrap is missing: install the package bubblewrap"),
    ):
        python("open('/out/ran', 'w')", tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_sandbox_that_cannot_be_set_up_runs_nothing(tmp_path):
    tools = tmp_path / "bin"
    tools.mkdir()
    broken = tools / "bwrap"
    broken.write_text(
        "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1\n"
    )
    broken.chmod(0o755)
    path = tools_in(tools, ["nice", "prlimit"]) + ":/usr/bin:/bin"
    with (
        search_path(path),
        pytest.raises(Unavailable, match=r"No permissions to create new namespace.*bubblewrap"),
    ):
        python("open('/out/ran', 'w')", tmp_path)


def test_it_works_for_an_ordinary_user():
    """As root, a forked child becomes `nobody` first; anyone else is ordinary already."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o777)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # Python 3.12: fork with threads
            pid = os.fork()
        if pid == 0:
            if os.getuid() == 0:
                os.setgroups([])
                os.setgid(65534)
                os.setuid(65534)
            try:
                child = python("open('/out/x', 'w').write('ok')", folder)
                os._exit(child.exit_code)
            except BaseException as error:
                sys.stderr.write(repr(error))
                os._exit(99)
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
        assert (folder / "x").read_text() == "ok"
        if os.getuid() == 0:
            assert (folder / "x").stat().st_uid == 65534
