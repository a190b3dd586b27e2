"""A stranger's README on our page: readable, with its own pictures, and harmless."""

import pytest

from repo_server.web.readme import excerpt, render_post, render_readme

FILES = {"README.md", "images/jar.png", "docs/how.md", "docs/step.png"}


def link(path: str) -> str | None:
    return f"https://files.example/{path}" if path in FILES else None


def picture(path: str) -> str | None:
    return f"/blob/{path}" if path in FILES and path.endswith(".png") else None


def html(text: str, folder: str = "") -> str:
    return str(render_readme(text, link=link, picture=picture, folder=folder))


@pytest.mark.parametrize(
    "text",
    [
        "<script>alert(1)</script>",
        '<img src=x onerror="alert(1)">',
        "[here](javascript:alert(1))",
        "![x](data:text/html,<script>alert(1)</script>)",
        '<a href="javascript:alert(1)">x</a>',
        "<iframe src='https://evil.example'></iframe>",
        "<style>body{display:none}</style>",
        '<form action="/sign-in"><input name=password></form>',
    ],
)
def test_nothing_in_it_can_act(text: str) -> None:
    shown = html(text)
    for tag in ("<script", "<iframe", "<style", "<form", "<input", "<img", '<a href="javascript'):
        assert tag not in shown


def test_its_pictures_are_the_releases_own_files() -> None:
    assert '<img src="/blob/images/jar.png" alt="A jar">' in html("![A jar](images/jar.png)")


def test_what_is_linked_is_the_file_and_what_is_shown_is_a_picture_of_ours() -> None:
    shown = html("[how](docs/how.md) ![how](docs/how.md)")
    assert 'href="https://files.example/docs/how.md"' in shown
    assert "<img" not in shown and "[picture: how]" in shown


@pytest.mark.parametrize("target", ["step.png", "./step.png", "../docs/step.png", "/docs/step.png"])
def test_links_start_where_the_readme_lies(target: str) -> None:
    assert 'src="/blob/docs/step.png"' in html(f"![x]({target})", folder="docs")


def test_a_picture_from_elsewhere_is_never_loaded() -> None:
    shown = html("![The jar](https://tracker.example/jar.png)")
    assert "<img" not in shown
    assert "[picture: The jar]" in shown


@pytest.mark.parametrize("target", ["missing.md", "../../etc/passwd", "#make-it"])
def test_a_link_that_leads_nowhere_is_text(target: str) -> None:
    assert html(f"see [that]({target})") == (
        '<p>see <a rel="noopener noreferrer nofollow">that</a></p>\n'
    )


def test_links_to_other_sites_are_kept_and_give_them_nothing() -> None:
    shown = html("[OKH](https://www.internetofproduction.org)")
    assert '<a href="https://www.internetofproduction.org"' in shown
    assert 'rel="noopener noreferrer nofollow"' in shown


def test_the_pages_own_title_is_not_said_twice_and_headings_stay_below_it() -> None:
    shown = html("# Twist jar\n\nA jar.\n\n## Make it\n\n# Licence")
    assert shown == "<p>A jar.</p>\n<h3>Make it</h3>\n<h2>Licence</h2>\n"


def test_tables_and_lists_are_shown() -> None:
    assert "<td>2</td>" in html("| part | n |\n|---|---|\n| side | 2 |")


def test_a_post_keeps_its_first_heading_and_its_excerpt_has_no_marks() -> None:
    text = "# Come\n\nWe *mill*\na [stool](https://example.org). <b>\n\n![x](y.png)"
    assert "<h2>Come</h2>" in render_post(text) and "<b>" not in render_post(text)
    assert excerpt(text) == "Come We mill a stool. <b> x"
    assert excerpt("word " * 99, 12) == "word word …"
