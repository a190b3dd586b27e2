"""Long lists on pages: which stretch the address asks for, and where the rest of it is."""

from typing import Any
from urllib.parse import urlencode

from flask import request

from repo_server.cursors import Cursor
from repo_server.paging import PAGE, Page, Stretch


def asked_stretch(name: str = "after", *, most: int = PAGE) -> Stretch:
    """What the address asks for of the list of that name; InvalidInput for no cursor of one."""
    place = request.args.get(name)
    return Stretch(Cursor.read(place) if place else None, most)


def rest_of(page: Page[Any], address: str, *, name: str = "after", anchor: str = "") -> str | None:
    """The address where the list goes on, with all else as it was asked for; None at its end."""
    if page.after is None:
        return None
    kept = [(key, text) for key, text in request.args.items(multi=True) if key != name]
    place = urlencode([*kept, (name, page.after.written())])
    return f"{address}?{place}#{anchor}" if anchor else f"{address}?{place}"


def told_lists(address: str, **pages: Page[Any]) -> dict[str, object]:
    """What a template shows of several lists: under its name what each holds, and as `more_` with
    its name where it goes on. An anchor of that name begins it."""
    return {name: page.entries for name, page in pages.items()} | {
        f"more_{name}": rest_of(page, address, name=name, anchor=name)
        for name, page in pages.items()
    }
