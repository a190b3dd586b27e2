"""Who may import whom, held by reading the source."""

import ast
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("commons", "repo_server", "fab_agent", "cosmo")
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 40


def sources(*packages: str) -> list[Path]:
    return sorted(p for name in packages for p in (ROOT / name).rglob("*.py"))


@cache
def imports(path: Path) -> tuple[str, ...]:
    named = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            named += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            named.append(node.module or "")
    return tuple(named)


def importers(package: str, *names: str) -> set[str]:
    """Files of `package` that import one of the modules `names` or something below them."""
    return {
        path.relative_to(ROOT).as_posix()
        for path in sources(package)
        for module in imports(path)
        if any(module == name or module.startswith(f"{name}.") for name in names)
    }


def test_commons_knows_the_standard_library_and_a_few_pure_packages() -> None:
    allowed = {"pydantic", "rfc8785", "packaging", "tomlkit", "yaml", "commons"}
    foreign = {
        (path.name, module)
        for path in sources("commons")
        for module in imports(path)
        if module.split(".")[0] not in allowed and module.split(".")[0] not in STANDARD
    }
    assert not foreign


# What commons may use of the standard library: nothing that reads a clock, a file or a socket,
# and of chance only what a seed makes the same every time.
STANDARD = {"array", "bisect", "collections", "csv", "dataclasses", "datetime", "decimal",
            "difflib", "enum", "fractions", "functools", "graphlib", "hashlib", "heapq", "json",
            "math", "pathlib", "posixpath", "random", "re", "statistics", "tomllib", "typing",
            "urllib", "xml"}  # fmt: skip


def test_commons_reads_no_clock_and_no_file() -> None:
    calls = {"now", "utcnow", "today", "open", "read_text", "read_bytes"}
    found = {
        (path.name, node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id)
        for path in sources("commons")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name)
        if (node.func.attr if isinstance(node.func, ast.Attribute) else node.func.id) in calls
    }
    assert not found


def test_the_two_halves_never_meet_but_in_commons() -> None:
    assert not importers("repo_server", "fab_agent", "cosmo")
    assert not importers("fab_agent", "repo_server", "cosmo")


def test_the_command_loads_a_half_only_when_asked() -> None:
    for path in sources("cosmo"):
        top = ast.parse(path.read_text()).body
        early = [
            name.name if isinstance(node, ast.Import) else node.module or ""
            for node in top
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in node.names
        ]
        assert not [m for m in early if m.split(".")[0] in ("repo_server", "fab_agent")], path


@pytest.mark.parametrize(
    ("package", "module", "home"),
    [
        ("fab_agent", "serial", ("fab_agent/machines/transport.py", "fab_agent/machines/ports.py")),
        ("repo_server", "rq", "repo_server"),
        ("repo_server", "trimesh", "repo_server/parsing"),
        ("repo_server", "flask", "repo_server"),
        ("fab_agent", "flask", "fab_agent/panel"),
        ("fab_agent", "waitress", "fab_agent/panel"),
        ("fab_agent", "webauthn", "fab_agent/panel/passkeys.py"),
    ],
)
def test_a_foreign_package_has_one_home(
    package: str, module: str, home: str | tuple[str, ...]
) -> None:
    assert all(path.startswith(home) for path in importers(package, module))
    others = [other for other in PACKAGES if other != package]
    allowed = {"trimesh": {"fab_agent"}, "flask": {"fab_agent", "repo_server"}}.get(module, set())
    assert not [o for o in others if o not in allowed and importers(o, module)]


def test_use_cases_know_nothing_of_the_web() -> None:
    edges = ("api/", "web/", "__init__.py", "tasks.py", "worker.py", "wsgi.py", "server.py")
    users = importers("repo_server", "flask", "repo_server.api", "repo_server.web")
    assert not [path for path in users if not path.removeprefix("repo_server/").startswith(edges)]


def test_routes_ask_use_cases_and_never_the_database() -> None:
    asking = {
        path.relative_to(ROOT).as_posix()
        for path in [*sources("repo_server/api"), *sources("repo_server/web")]
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "select"
    }
    assert not asking


def test_programs_and_streams_are_pure() -> None:
    forbidden = ("serial", "socket", "time", "threading", "logging")
    pure = ("fab_agent/cam/", "fab_agent/gcode/", "fab_agent/machines/marlin.py",
            "fab_agent/machines/marlin_answers.py", "fab_agent/machines/marlin_modes.py",
            "fab_agent/machines/marlin_pause.py", "fab_agent/machines/marlin_script.py",
            "fab_agent/machines/marlin_window.py", "fab_agent/machines/marlin_identity.py",
            "fab_agent/machines/grbl.py", "fab_agent/machines/grbl_answers.py",
            "fab_agent/machines/grbl_bearings.py", "fab_agent/machines/grbl_check.py",
            "fab_agent/machines/grbl_rules.py", "fab_agent/machines/grbl_texts.py")  # fmt: skip
    assert not [p for p in importers("fab_agent", *forbidden) if p.startswith(pure)]


def test_every_package_states_its_rule() -> None:
    for path in sources(*PACKAGES):
        if path.name == "__init__.py" and "migrations" not in path.parts:
            assert ast.get_docstring(ast.parse(path.read_text())), path


def test_no_file_and_no_function_outgrows_its_reader() -> None:
    long = []
    for path in sources(*PACKAGES):
        if "migrations" in path.parts:
            continue
        text = path.read_text()
        if text.count("\n") > MOST_LINES:
            long.append(f"{path.name}: {text.count(chr(10))} lines")
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef):
                size = (node.end_lineno or 0) - node.lineno + 1
                if size > MOST_LINES_OF_A_FUNCTION:
                    long.append(f"{path.name}: {node.name} has {size} lines")
    assert not long
