"""Lists that grow: each comes in pages, whole, in one order, whatever is added meanwhile."""

from datetime import timedelta

import pytest

from repo_server import builds, contributions, heads, order_book
from repo_server.tables import BuildOrderRow, JobRow, ReleaseRow
from tests.shop import API, open_shop


@pytest.fixture
def shop(app, sign_up):
    return open_shop(app, sign_up)


def told(shop, number):
    said = {"release_id": shop.release_id, "part": "hook", "good": 1, "words": f"{number}"}
    shop.manager.post(f"{API}/labs/corner/builds", said)


def claimed(shop, number):
    said = {"role": "review", "words": f"{number}"}
    shop.manager.post(f"{API}/releases/{shop.release_id}/contributions", said)


def ordered(shop, number):
    at = shop.floor.now + timedelta(hours=number)
    order = {"id": f"o{number}", "lab_id": shop.floor.lab_id, "release_id": shop.release_id,
             "part": f"{number}", "copies": 1, "material": "pla", "options": {}, "answers": [],
             "ordered_by": shop.manager.id, "ordered_at": at}  # fmt: skip
    job = {"id": f"j{number}", "order_id": order["id"], "lab_id": shop.floor.lab_id,
           "copy_number": number, "process": "FDM", "state": "CANCELLED",
           "queued_at": at, "changed_at": at}  # fmt: skip
    with shop.floor.session() as session:
        session.add(BuildOrderRow(**order))
        session.flush()
        session.add(JobRow(**job))


def released(shop, number):
    with shop.floor.session() as session:
        row = session.get_one(ReleaseRow, shop.release_id).model_dump()
        session.add(ReleaseRow(**{**row, "id": f"{number}" * 64, "version": f"{number}.10.0"}))


LISTS = {
    "/designs/shelf-hook/builds": ("reports", "words", builds, "MOST_REPORTS", told),
    "/designs/shelf-hook/contributions": ("contributions", "words", contributions, "PAGE", claimed),
    "/labs/corner/jobs": ("jobs", "copy_number", order_book, "PAGE", ordered),
    "/labs/corner/orders": ("orders", "part", order_book, "PAGE", ordered),
    "/orders": ("orders", "part", order_book, "PAGE", ordered),
    "/designs/shelf-hook/releases": ("releases", "version", heads, "PAGE", released),
}


@pytest.mark.parametrize("path", LISTS)
def test_a_list_comes_in_pages_and_what_is_new_moves_nothing(shop, monkeypatch, path):
    key, field, module, size, add = LISTS[path]
    for number in (3, 4, 5):
        add(shop, number)
    monkeypatch.setattr(module, size, 2)
    page = shop.manager.get(API + path)
    found = [it[field] for it in page.json[key]]
    add(shop, 9)
    while "Link" in page.headers:
        page = shop.manager.get(page.headers["Link"].split(">")[0].lstrip("<"))
        found += [it[field] for it in page.json[key]]
    assert [f"{it}"[0] for it in found[:3]] == ["5", "4", "3"]
    assert len(found) == len(set(found)) == 3 + (key == "releases")  # the shop's own one
    assert shop.manager.get(f"{API}{path}?after=nonsense").status_code == 422
