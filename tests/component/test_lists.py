"""Lists that grow: each comes in pages, whole, in one order, whatever is added meanwhile."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta
from html import unescape
from itertools import chain
from typing import NamedTuple

import pytest
from sqlmodel import SQLModel

from commons.flows import Action, State, Unit
from repo_server.api.openapi import document
from repo_server.tables import (
    AccountEntryRow,
    AgentRow,
    BuildOrderRow,
    BuildReportRow,
    ContributionRow,
    DeliveryRow,
    DraftRow,
    EconomicEventRow,
    GrantRow,
    GuestRequestRow,
    JobRow,
    LabRoleRow,
    LabRow,
    MailingRow,
    MaterialLotRow,
    NewsRow,
    ParentRow,
    PersonRow,
    PostRow,
    ProposalRow,
    ReleaseRow,
    TrainingClassRow,
    TrainingRow,
    UploadRow,
    WaitingOrderRow,
    WebhookRow,
    YankRow,
)
from repo_server.web import stretches
from tests.shop import API, Shop, open_shop

# What is no list that grows for ever, and so comes whole.
WHOLE = {
    "/agent/board": "what stands in the lab now",
    "/attempts/{attempt_id}/start": "what was said of one start",
    "/agent/local-builds": "the latest that a lab ordered, at most 30",
    "/cities/{city}/context": "one of each indicator and year",
    "/cities/{city}/figures": "one of each figure",
    "/coalitions/{coalition}": "one coalition",
    "/coalitions/{coalition}/figures": "one of each figure",
    "/travels": "labs that are there, at most 500 ways",
    "/designs": "has pages and a cursor of its own",
    "/designs/{slug}": "the newest releases; all are in pages elsewhere",
    "/designs/{slug}/licence": "kinds of actors; what it was made from",
    "/designs/{slug}/lineage": "the nearest of the family, and whether that is all",
    "/drafts/{draft_id}": "one draft",
    "/jobs/{job_id}/changes": "what people did to one job",
    "/jobs/{job_id}/turn": "the parts of one score",
    "/labs/{lab}/balances": "one of each person with an account there",
    "/labs/{lab}/board": "what stands in the lab now",
    "/labs/{lab}/bookings": "of as many days as were asked for",
    "/labs/{lab}/calendars": "those that the lab follows",
    "/labs/{lab}/lots/{lot_id}": "one lot",
    "/labs/{lab}/machines/{machine_id}": "one machine",
    "/labs/{lab}/programmers": "one of each member who may, or might once",
    "/labs/{lab}/quotas": "one of each person or role",
    "/labs/{lab}/rules": "one lab's week",
    "/labs/{lab}/training-classes": "classes of machines",
    "/labs/{lab}/utilisation": "one of each machine and week",
    "/labs/{lab}/wall": "what stands in the lab now",
    "/labs/{lab}/webhooks": "20 at most",
    "/me/account": "one of each lab",
    "/me/bookings": "those to come",
    "/me/notices": "the first 100 of each list, and how many there are",
    "/orders/{order_id}": "one order",
    "/releases/{before}/changes/{after}": "two releases",
    "/releases/{id}": "one release",
    "/releases/{id}/bom": "one bill",
    "/releases/{id}/repairs": "one of each file",
    "/sets/{set_id}": "one set",
    "/waiting-orders/{id}": "one order",
    "/webhooks": "20 at most",
    "/webhooks/{webhook_id}": "one webhook",
}


@pytest.fixture
def shop(app, sign_up):
    return open_shop(app, sign_up)


class Made(NamedTuple):
    """The entry of that number, by which it is known in whatever field; it came at `at`."""

    shop: Shop
    number: int
    at: datetime

    @property
    def name(self) -> str:
        return (f"{self.number}" * 64)[:64]

    @property
    def me(self) -> str:
        return self.shop.manager.id

    @property
    def lab_id(self) -> str:
        return self.shop.floor.lab_id


def reported(it: Made) -> list[SQLModel]:
    told = {"part": "hook", "material": "pla", "machine": "", "good": 1, "failed": 0}
    return [
        BuildReportRow(id=it.name, release_id=it.shop.release_id, lab_id=it.lab_id, words=it.name,
                       reported_by=it.me, reported_at=it.at, **told)
    ]  # fmt: skip


def claimed(it: Made) -> list[SQLModel]:
    return [
        ContributionRow(id=it.name, release_id=it.shop.release_id, person_id=it.me, role="review",
                        words=it.name, claimed_at=it.at)
    ]  # fmt: skip


def ordered(it: Made, release_id: str = "") -> list[SQLModel]:
    order = BuildOrderRow(
        id=it.name, lab_id=it.lab_id, release_id=release_id or it.shop.release_id, part="hook",
        copies=1, material="pla", options={}, answers=[], ordered_by=it.me, ordered_at=it.at,
    )  # fmt: skip
    job = JobRow(
        id=it.name, order_id=it.name, lab_id=it.lab_id, copy_number=1, process="FDM",
        state="CANCELLED", place=it.number, queued_at=it.at, changed_at=it.at,
        begin_by=it.at, claimant=it.me,
    )  # fmt: skip
    return [order, job]


def released(it: Made) -> list[SQLModel]:
    with it.shop.floor.session() as session:
        row = session.get_one(ReleaseRow, it.shop.release_id).model_dump()
    return [ReleaseRow(**{**row, "id": it.name, "version": f"{it.number}.10.0"})]


def yanked(it: Made) -> list[SQLModel]:
    why = {"reason": it.name, "yanked_by": it.me, "yanked_at": it.at}
    return [*released(it), YankRow(release_id=it.name, **why)]


def ordered_and_yanked(it: Made) -> list[SQLModel]:
    return [*yanked(it), *ordered(it, it.name)]


def forked_and_yanked(it: Made) -> list[SQLModel]:
    return [*yanked(it), ParentRow(release_id=it.shop.release_id, parent_id=it.name)]


def posted(it: Made) -> list[SQLModel]:
    times = {"begun_at": it.at, "saved_at": it.at, "published_at": it.at}
    return [PostRow(id=it.name, author_id=it.me, title=it.name, text="…", **times)]


def signed_up(it: Made) -> list[SQLModel]:
    said = {"handle": it.name, "name": it.name, "email": f"{it.number}@example.org"}
    return [PersonRow(id=it.name, password="", created_at=it.at, **said)]


def seen(it: Made) -> list[SQLModel]:
    times = {"begun_at": it.at, "saved_at": it.at, "published_at": it.at}
    post = PostRow(
        id=f"by {it.number}", author_id=it.name, title=f"By {it.number}", text="…", **times
    )
    return [*signed_up(it), post]


def let_in(it: Made) -> list[SQLModel]:
    return [*signed_up(it), LabRoleRow(person_id=it.name, lab_id=it.lab_id, role="member")]


def founded(it: Made) -> list[SQLModel]:
    with it.shop.floor.session() as session:
        city_id = session.get_one(LabRow, it.lab_id).city_id
    return [LabRow(id=it.name, slug=it.name, name=it.name, city_id=city_id)]


def shelved(it: Made) -> list[SQLModel]:
    return [MaterialLotRow(id=it.name, lab_id=it.lab_id, material="pla", name=it.name)]


def enrolled(it: Made) -> list[SQLModel]:
    keys = {"public_key": it.name, "enrolled_at": it.at}
    return [AgentRow(id=it.name, lab_id=it.lab_id, name=it.name, **keys)]


def drafted(it: Made) -> list[SQLModel]:
    said = {"slug": it.name, "manifest": "", "files": {}}
    return [DraftRow(id=it.name, keeper_id=it.me, saved_by=it.me, saved_at=it.at, **said)]


def granted(it: Made) -> list[SQLModel]:
    return [
        GrantRow(id=it.name, design_id="design-1", lab_id=it.lab_id, events=["sell_product"],
                 consideration=it.name, starts_at=it.at, revocable=True, granted_by=it.me,
                 granted_at=it.at)
    ]  # fmt: skip


def asked(it: Made) -> list[SQLModel]:
    wanted = {"release_id": it.shop.release_id, "part": "hook"}
    return [
        WaitingOrderRow(id=it.name, lab_id=it.lab_id, design_id="design-1", wanted=wanted,
                        answer={"sentence": "it asks"}, ordered_by=it.me, ordered_at=it.at)
    ]  # fmt: skip


def owed(it: Made) -> list[SQLModel]:
    of = it.shop.release_id
    return [MailingRow(id=it.name, release_id=of, parent_id=of, name="Ada", address=it.name)]


def wished(it: Made) -> list[SQLModel]:
    said = {"name": it.name, "reach": "here", "wish": "a hook", "message": "", "material": ""}
    return [
        GuestRequestRow(id=it.name, lab_id=it.lab_id, request_sha256="", copies=1, asked_at=it.at,
                        answer="open", **said)
    ]  # fmt: skip


def proposed(it: Made) -> list[SQLModel]:
    return [
        ProposalRow(id=it.name, design_id="design-1", release_id=it.shop.release_id,
                    message=it.name, proposed_by=it.me, proposed_at=it.at)
    ]  # fmt: skip


def begun(it: Made) -> list[SQLModel]:
    return [UploadRow(person_id=it.me, sha256=it.name, size=1, touched_at=it.at)]


def told(it: Made) -> list[SQLModel]:
    hook = WebhookRow(id="hook-1", place=it.me, person_id=it.me, url="https://example.org/in",
                      kinds=[], made_at=it.shop.floor.now)  # fmt: skip
    return [hook, DeliveryRow(id=it.name, webhook_id=hook.id, kind="test", body="{}", at=it.at)]


def entered(it: Made) -> list[SQLModel]:
    return [
        AccountEntryRow(id=it.name, lab_id=it.lab_id, person_id=it.me, kind="paid", amount=1,
                        currency="EUR", why=it.name, at=it.at)
    ]  # fmt: skip


def happened(it: Made) -> list[SQLModel]:
    said = {"quantity": 1, "low": 1, "high": 1, "unit": Unit.HOUR, "state": State.DECLARED}
    return [
        EconomicEventRow(id=it.name, lab_id=it.lab_id, action=Action.WORK, resource=it.name,
                         provider=it.me, receiver=it.lab_id, happened_at=it.at, created_at=it.at,
                         **said)
    ]  # fmt: skip


def trained(it: Made) -> list[SQLModel]:
    mills = TrainingClassRow(id="mills", lab_id=it.lab_id, name="Mills")
    return [mills, TrainingRow(id=it.name, class_id=mills.id, person_id=it.me, begins_at=it.at,
                               note=it.name, signed_by=it.me, signed_at=it.at)]  # fmt: skip


def newly(it: Made) -> list[SQLModel]:
    said = {"title": it.name, "sentence": it.name, "path": "/", "at": it.at}
    return [NewsRow(id=it.name, person_id=it.me, kind="done", **said)]


class Listed(NamedTuple):
    """Under `key` the entries of a list, known by `field`; what comes later stands first in it, or
    with `rises` last. `add` makes the rows of one."""

    key: str
    field: str
    add: Callable[[Made], list[SQLModel]]
    rises: bool = False


LISTS = {
    "/designs/shelf-hook/builds": Listed("reports", "words", reported),
    "/designs/shelf-hook/contributions": Listed("contributions", "words", claimed),
    "/designs/shelf-hook/releases": Listed("releases", "id", released),
    "/designs/shelf-hook/notices": Listed("notices", "said", forked_and_yanked),
    "/designs/shelf-hook/proposals": Listed("proposals", "message", proposed),
    "/designs/shelf-hook/grants": Listed("grants", "consideration", granted),
    "/designs/shelf-hook/waiting-orders": Listed("waiting", "id", asked, rises=True),
    "/designs/shelf-hook/mailings": Listed("mailings", "address", owed, rises=True),
    "/labs": Listed("labs", "slug", founded, rises=True),
    "/labs/corner/jobs": Listed("jobs", "id", ordered),
    "/labs/corner/orders": Listed("orders", "order_id", ordered),
    "/labs/corner/requests": Listed("requests", "name", wished),
    "/labs/corner/notices": Listed("notices", "said", ordered_and_yanked),
    "/labs/corner/lots": Listed("lots", "name", shelved, rises=True),
    "/labs/corner/members": Listed("members", "handle", let_in, rises=True),
    "/labs/corner/agents": Listed("agents", "name", enrolled, rises=True),
    "/labs/corner/account-entries": Listed("entries", "why", entered),
    "/labs/corner/economic-events": Listed("events", "id", happened),
    "/labs/corner/trainings": Listed("trainings", "note", trained),
    "/me/account-entries": Listed("entries", "why", entered),
    "/me/trainings": Listed("trainings", "note", trained),
    "/me/news": Listed("news", "title", newly),
    "/orders": Listed("orders", "order_id", ordered),
    "/drafts": Listed("drafts", "slug", drafted),
    "/uploads": Listed("uploads", "sha256", begun),
    "/people": Listed("people", "handle", seen, rises=True),
    "/posts": Listed("posts", "title", posted),
    "/me/posts": Listed("posts", "title", posted),
    "/webhooks/hook-1/deliveries": Listed("deliveries", "id", told),
}
# Pages of the web where such a list stands, and what names it in their addresses.
PAGES = (
    ("/designs/shelf-hook/builds", "after", reported),
    ("/designs/shelf-hook/lineage", "proposals", proposed),
    ("/designs/shelf-hook/licence", "grants", granted),
    ("/designs/shelf-hook/licence?part=hook", "waiting", asked),
    ("/designs/shelf-hook/licence", "mailings", owed),
    ("/me/notices", "waiting", asked),
    ("/me/notices", "mailings", owed),
    ("/labs", "after", founded),
    ("/labs/corner/requests", "after", wished),
    ("/labs/corner/lots", "after", shelved),
    ("/labs/corner/manage", "people", let_in),
    ("/labs/corner/manage", "agents", enrolled),
    ("/drafts", "after", drafted),
    ("/publish", "after", begun),
    ("/people", "after", seen),
    ("/journal", "after", posted),
)


def put(shop: Shop, add: Callable[[Made], list[SQLModel]], *numbers: int) -> None:
    """Entries of these numbers are there, each an hour later than a smaller one."""
    made = [add(Made(shop, n, shop.floor.now + timedelta(hours=n))) for n in numbers]
    with shop.floor.session() as session:
        for row in chain(*made):
            session.merge(row)
            session.flush()


def next_of(answer) -> str:
    return answer.headers.get("Link", "").partition(">")[0].removeprefix("<")


def test_lists_come_in_pages_and_what_is_new_moves_nothing(shop: Shop) -> None:
    adders = dict.fromkeys(listed.add for listed in LISTS.values())
    for add in adders:
        put(shop, add, 3, 4, 5)
    pages = {path: shop.manager.get(f"{API}{path}?limit=2") for path in LISTS}
    for add in adders:
        put(shop, add, 1, 9)
    for path, listed in LISTS.items():
        page, found = pages[path], []
        while page:
            assert page.status_code == 200 and len(page.json[listed.key]) <= 2, path
            found += [it[listed.field] for it in page.json[listed.key]]
            page = shop.manager.get(next_of(page)) if "Link" in page.headers else None
        ours = [it[0] for it in found if it == it[:1] * 64]
        assert "".join(ours) == ("3459" if listed.rises else "5431"), path
        assert len(found) == len(set(found)), path


def test_a_list_refuses_what_is_no_place_in_it_and_no_number(shop: Shop) -> None:
    wrong = ("nonsense", "e30=", "eyJhdCI6IngiLCJpZCI6IngifQ==", "\N{BELL}", "bnVsbA==")
    put(shop, told, 1)  # the webhook
    for path in LISTS:
        for cursor in wrong:
            answer = shop.manager.get(API + path, query_string={"after": cursor})
            assert (answer.status_code, answer.json["detail"]) == (
                422, "after: is no cursor of this list; take it from the page before",
            ), path  # fmt: skip
        for limit in ("0", "101", "-1", "many"):
            answer = shop.manager.get(f"{API}{path}?limit={limit}")
            assert answer.status_code == 422, path
            assert [it["field"] for it in answer.json["fields"]] == ["limit"]


def test_every_list_of_the_api_has_pages_or_ends(app) -> None:
    told_of = document(app, server="x", cookie="sid")
    paged, whole = set(), set()
    for path, on in told_of["paths"].items():
        answer = on.get("get", {}).get("responses", {}).get("200", {}).get("content", {})
        fields = _fields(told_of, answer.get("application/json", {}).get("schema", {}))
        asks = {it["name"] for it in on.get("get", {}).get("parameters", ()) if it["in"] == "query"}
        if any(_seen_through(told_of, it).get("type") == "array" for it in fields.values()):
            (paged if {"after", "limit"} <= asks else whole).add(path)
    urls = app.url_map.bind("x")
    rules = {urls.match(API + path, return_rule=True)[0].rule for path in LISTS}
    plain = {rule.removeprefix(API).replace("<", "{").replace(">", "}") for rule in rules}
    assert (paged, whole) == (plain, set(WHOLE)), (paged ^ plain, whole ^ set(WHOLE))


def _fields(told_of, schema):
    return _seen_through(told_of, schema).get("properties", {})


def _seen_through(told_of, schema):
    while "$ref" in schema:
        schema = told_of["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return schema


def test_a_long_list_on_a_page_leads_to_the_rest_of_it(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(stretches.asked_stretch.__kwdefaults__, "most", 2)
    for number, (path, name, add) in enumerate(PAGES):
        numbers = [1000 + 3 * number + n for n in range(3)]  # which no other list has
        put(shop, add, *numbers)
        page = shop.manager.get(path)
        texts = [page.text]
        while rest := re.search(rf'href="([^"]*[?;]{name}=[^"&#]*(?:#{name})?)"', texts[-1]):
            texts.append(shop.manager.get(unescape(rest[1])).text)
        texts = [re.sub("(?s)<select.*?</select>", "", it) for it in texts]  # those have all
        shown = [[n for n in numbers if f"{n}" * 3 in text] for text in texts]
        assert page.status_code == 200 and len(shown[0]) <= 2, path
        assert sorted(chain(*shown)) == numbers, path
