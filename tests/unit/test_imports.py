"""Every module can be the first of ours that a program imports, found out by reading the source.

Python runs a module's statements in order. One that takes a name from a module which is still
being run, and has not come to that name yet, fails; whether it does depends on where one began.
So imports are followed here from each module, as Python would, without running anything.
"""

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PACKAGES = ("commons", "repo_server", "fab_agent", "cosmo")
Step = tuple[str, tuple[str, ...], bool]  # a module, the names taken from it or bound here


def name_of(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    name_of(path): path
    for package in PACKAGES
    for path in (ROOT / package).rglob("*.py")
    if "versions" not in path.parts  # of the database: loaded by their files
}


@cache
def steps(module: str) -> tuple[Step, ...]:
    """What a module imports and binds at its top level, in order; `True` for an import."""
    return tuple(_steps(ast.parse(MODULES[module].read_text()).body))


def _steps(body: list[ast.stmt]) -> Iterator[Step]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from ((alias.name, (), True) for alias in node.names)
            yield "", tuple((it.asname or it.name).split(".")[0] for it in node.names), False
        elif isinstance(node, ast.ImportFrom):
            yield node.module or "", tuple(alias.name for alias in node.names), True
            yield "", tuple(alias.asname or alias.name for alias in node.names), False
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            yield "", (node.name,), False
        elif isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            yield from _steps(node.orelse)
        else:
            named = (it for it in ast.walk(node) if isinstance(it, ast.Name))
            yield "", tuple(it.id for it in named if isinstance(it.ctx, ast.Store)), False
            for part in ("body", "orelse", "finalbody"):
                yield from _steps(getattr(node, part, []))


class Program:
    """One that imports modules of ours as Python does; `failed` are the names it did not get."""

    def __init__(self) -> None:
        self.bound: dict[str, set[str]] = {}
        self.running: set[str] = set()
        self.failed: list[str] = []

    def load(self, module: str) -> None:
        parent = module.rpartition(".")[0]
        if parent:
            self.load(parent)
        if module not in MODULES or module in self.bound:
            return
        bound = self.bound[module] = set()
        self.running.add(module)
        for source, names, is_import in steps(module):
            if is_import:
                self._take(module, source, names)
            else:
                bound.update(names)
        self.running.discard(module)

    def _take(self, by: str, source: str, names: tuple[str, ...]) -> None:
        self.load(source)
        for name in names if source in MODULES else ():
            if f"{source}.{name}" in MODULES:
                self.load(f"{source}.{name}")
            elif source in self.running and name not in self.bound[source]:
                self.failed.append(f"{by} takes {name} of {source}, which has not come to it yet")


def failures(module: str) -> list[str]:
    program = Program()
    program.load(module)
    return program.failed


def test_every_module_can_be_imported_first() -> None:
    assert {module: found for module in MODULES if (found := failures(module))} == {}


def test_a_name_that_comes_too_late_is_found(tmp_path: Path, monkeypatch) -> None:
    texts = {"a": "from b import x\ny = 1\n", "b": "def x(): ...\nfrom a import y\n"}
    for name, text in texts.items():
        (tmp_path / f"{name}.py").write_text(text)
        monkeypatch.setitem(MODULES, name, tmp_path / f"{name}.py")
    assert failures("a") == ["b takes y of a, which has not come to it yet"]
    assert failures("b") == []
