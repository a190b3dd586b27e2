"""OpenSCAD itself, in its sandbox: bodies of parametric sources, and what hostile ones come to."""

from collections.abc import Callable
from pathlib import Path

import pytest

from commons.errors import InvalidInput, Unavailable
from repo_server.parsing import openscad, stl
from repo_server.parsing.openscad import Limits

SMALL = Limits(memory_bytes=512 * 1024**2, mesh_bytes=64 * 1024)
QUICK = Limits(cpu_s=1)
HOOK = """
width = 20; name = "a"; size = [1, 2]; round = false;
assert(width < 40, "too wide");
cube([width, name == "b\\"];cube(9);\\\\" ? 7 : 1, size[1]]);
if (round) translate([0, 0, 50]) cube(1);
"""
Render = Callable[..., Path]


@pytest.fixture
def render(tmp_path: Path) -> Render:
    """Renders main.scad; other sources and values by name."""

    def run(text: str, limits: Limits = SMALL, *, values=None, **others: str) -> Path:  # type: ignore[no-untyped-def]
        sources = {}
        for name, content in {"main": text, **others}.items():
            path = f"{name.replace('_', '/')}.scad"
            sources[path] = tmp_path / name
            sources[path].write_text(content)
        out = tmp_path / "out"
        out.mkdir()
        return openscad.render("main.scad", sources, values or {}, out=out, limits=limits)

    return run


def box_of(mesh: Path) -> list[float]:
    vertices = stl.read(mesh).vertices
    return (vertices.max(axis=0) - vertices.min(axis=0)).round(3).tolist()  # type: ignore[no-any-return]


def test_values_of_every_kind_reach_the_source_and_no_text_breaks_out(render: Render) -> None:
    values = {"width": 18.5, "name": 'b"];cube(9);\\', "size": (1, 3), "round": True}
    assert box_of(render(HOOK, values=values)) == [18.5, 7, 51]


def test_a_source_uses_the_others_of_its_release(render: Render) -> None:
    text = "use <lib/gear.scad>\ninclude <sizes.scad>\ngear(r);"
    lib = "module gear(r) { cube([r, r, 1]); }"
    assert box_of(render(text, lib_gear=lib, sizes="r = 5;")) == [5, 5, 1]


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("width = 1; assert(width > 2, \"too <b>thin\"); cube(1);", "(width > 2)' failed: too <b>"),
        ("cube(1;", "OpenSCAD says: Parser error: syntax error in file main.scad, line 1"),
        ("x = 1;", "draws nothing"),
        ("square(3);", "two dimensions"),
        ('linear_extrude(1) text("hi");', "no fonts here"),
        ("bolt(); cube(1);", "Ignoring unknown module 'bolt'"),
        # What lies outside of the release
        ("include </etc/passwd>\ncube(1);", "reads '/etc/passwd', which is not among"),
        ("use <MCAD/gears.scad>\ncube(1);", "reads 'MCAD/gears.scad', which is not among"),
        ('import("/etc/passwd"); cube(1);', "etc/passwd', which is not among"),
        ('import(str("/us", "r/lib/os-release", ".stl")); cube(1);', "os-release.stl', which is"),
        ('import("../etc/ld.so.cache"); cube(1);', "etc/ld.so.cache', which is not among"),
        ('surface("/etc/ld.so.cache"); cube(1);', "reads '/etc/ld.so.cache', which is not among"),
        # What never ends, or only in terabytes
        ("for (i = [0:1e9]) cube(i);", "too many elements"),
        ("module m() { m(); } m();", "Recursion detected"),
        ("function f(x) = f(x + 1) + 1; cube(f(1));", "Recursion detected"),
        ("union() {" * 20_000 + "cube(1);" + "}" * 20_000, "memory exhausted"),
        ("v = [for (i = [0:9999]) [for (j = [0:9999]) [i, j, 1]]]; cube(len(v));", "more than 512"),
        ("linear_extrude(1) circle(9, $fn = 2000);", "a mesh of more than 0 MB"),
    ],
)  # fmt: skip
def test_a_source_that_makes_no_body_here_is_refused_in_one_sentence(
    render: Render, text: str, sentence: str
) -> None:
    with pytest.raises(InvalidInput) as refused:
        render(text)
    assert sentence in str(refused.value)
    assert str(refused.value).isprintable()


@pytest.mark.parametrize(
    "text",
    [
        'function s(n) = n == 0 ? "a" : str(s(n - 1), s(n - 1)); cube(len(s(40)));',
        "minkowski() { sphere(9, $fn = 200); sphere(3, $fn = 200); }",
    ],
)
def test_a_source_that_takes_too_long_is_stopped(render: Render, text: str) -> None:
    with pytest.raises(InvalidInput, match="it takes more than 1 s of computing time"):
        render(text, QUICK)


def test_without_openscad_or_a_sandbox_nothing_is_rendered(
    render: Render, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Unavailable, match="OpenSCAD is not on this node"):
        render("cube(1);")
