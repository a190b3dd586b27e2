"""The agent's own page: a real application, real control sockets, machine threads of words."""

import json
from base64 import b64decode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient
from PIL import Image

from commons.bed import BedWord
from commons.errors import Conflict, FabError, NotFound, Unavailable
from commons.machine import MachineProfile
from commons.toolpath_svg import place_in
from commons.verdict import PanelVerdict, VerdictReceipt
from commons.wire import EventKind, MachineReport, MachineState, Phase, ProgressReport, Wish
from fab_agent import controls
from fab_agent.album import Album, Picture
from fab_agent.cache import Cache
from fab_agent.controls import attended
from fab_agent.gcode.moves import moves_of
from fab_agent.gcode.sketch import sketch_of
from fab_agent.gcode.track import Counted, Tracker
from fab_agent.identity import Identity
from fab_agent.machines.driver import Jog
from fab_agent.made import MadeBook
from fab_agent.offered import OfferedBook
from fab_agent.orders import ClearBed, StartNow
from fab_agent.panel.app import create_panel
from fab_agent.panel.desk import Desk, utc
from fab_agent.panel.floor import Station, Watch
from fab_agent.panel.operators import Doorkeeper, Operators
from fab_agent.panel.passkeys import Challenges, Passkeys, Site
from fab_agent.panel.verdicts import Verdicts
from fab_agent.panel.waiting import Queue
from tests.browsing import fill, page
from tests.component.test_attempt import FACTS, OFFER
from tests.component.test_controls import Corner
from tests.component.test_without_server import FILE, ITEM, SAYS, WISH
from tests.profiles import printer, router

PIN = "271828"


@dataclass
class Panel:
    """A lab with a printer and a router, and somebody's browser before its panel."""

    corners: dict[str, Corner]
    desk: Desk
    browser: FlaskClient

    def show(self, machine: str, state: MachineState, **more: object) -> None:
        """The machine's process says this, and the panel has looked."""
        self.corners[machine].desk.hear(MachineReport(machine_id=machine, state=state, **more))
        for station in self.desk.stations:
            self.desk.watch.look(station)

    def sign_in(self, name: str = "Ada", pin: str = PIN) -> int:
        form = fill(self, "/sign-in", "/sign-in", name=name, pin=pin)
        return self.browser.post("/sign-in", data=form).status_code

    def confirm(self, machine: str, **wanted: str) -> dict[str, str]:
        """The form of the second tap."""
        query = "&".join(f"{name}={value}" for name, value in wanted.items())
        shown = page(self.browser, f"/machines/{machine}/confirm?{query}")
        return next(it for it in shown.forms if it["action"] == f"/machines/{machine}/do")

    def tap(self, machine: str, act: str, form: dict[str, str] | None = None) -> tuple[int, str]:
        answer = self.browser.post(f"/machines/{machine}/{act}", data=form or {})
        if answer.status_code == 303:
            return 303, page(self.browser, answer.location).text
        return answer.status_code, answer.text


def station(folder: Path, machine_id: str, profile: MachineProfile) -> Station:
    (folder / machine_id).mkdir()
    return Station(machine_id, folder / machine_id, profile, operators=("Ada",))


@pytest.fixture(scope="module")
def operators(tmp_path_factory: pytest.TempPathFactory) -> Operators:
    kept = Operators(tmp_path_factory.mktemp("operators"))
    kept.add("Ada", PIN)
    kept.add("Bob", "314159")
    return kept


@pytest.fixture
def panel(tmp_path: Path, operators: Operators, monkeypatch: pytest.MonkeyPatch) -> Iterator[Panel]:
    monkeypatch.setattr(controls, "CLOSE_S", 0.002)
    stations = (station(tmp_path, "p1", printer()), station(tmp_path, "r1", router()))
    desk = Desk(
        folder=tmp_path / "panel",
        identity=Identity("http://127.0.0.1:9", "a1", "l1", {}, Ed25519PrivateKey.generate()),
        secret=bytes(32),
        names=("bench.lab",),
        stations=stations,
        watch=Watch(stations),
        doorkeeper=Doorkeeper(operators, lambda: 1000.0),
        passkeys=Passkeys(Site("http://localhost"), operators, Challenges(lambda: 1000.0)),
        verdicts=Verdicts(tmp_path / "panel", now=utc),
        queue=Queue(tmp_path / "panel", now=utc),
    )
    corners = {it.machine_id: Corner(it.folder) for it in stations}
    with ExitStack() as open_:
        for corner in corners.values():
            open_.enter_context(attended(corner.folder, corner.desk))
        yield Panel(corners, desk, create_panel(desk).test_client())


def running(panel: Panel, state: MachineState = MachineState.RUNNING) -> None:
    progress = ProgressReport(
        attempt_id="t1", phase=Phase.STREAM, done=1234, total=20_000, remaining_s=3600
    )
    panel.show("p1", state, hotend_c=209.6, bed_c=60.1, progress=progress)


def test_whoever_looks_sees_what_the_machines_do_and_that_one_is_gone(
    panel: Panel, tmp_path: Path
) -> None:
    running(panel)
    (tmp_path / "r1" / "control.sock").unlink()
    panel.desk.watch.look(panel.desk.stations[1])
    text = page(panel.browser, "/").text
    for words in ("line 1,234 of 20,000, about 60 min left", "nozzle 210 °C, bed 60 °C",
                  "the agent does not run here"):  # fmt: skip
        assert words in text
    printer_, router_ = panel.browser.get("/state.json").json["machines"]
    assert (printer_["kind"], printer_["share"]) == ("running", 0.0617)
    assert printer_["hotend"].endswith(" 24.2")
    assert (router_["kind"], router_["acts"]) == ("gone", [])


def test_anybody_stops_and_holds_with_one_tap_and_no_cookie(panel: Panel) -> None:
    running(panel)
    assert {"method": "post", "action": "/machines/p1/stop"} in page(panel.browser, "/").forms
    for act, wish in (("stop", Wish.CANCEL), ("hold", Wish.HOLD)):
        with panel.corners["p1"].says("it is told") as taken:
            nobody = panel.browser.application.test_client(use_cookies=False)
            assert nobody.post(f"/machines/p1/{act}").status_code == 303
        assert [(order.wants, order.by) for order in taken] == [(wish, "")]


def test_a_stop_that_fails_says_so_on_the_page(panel: Panel) -> None:
    for station_ in panel.desk.stations:
        (station_.folder / "control.sock").unlink()
    status, text = panel.tap("p1", "stop")
    assert status == 503
    assert "or use the machine&#39;s own switch" in text
    assert panel.tap("nobody", "stop")[0] == 404


def test_an_operator_clears_a_bed_in_two_taps_by_name(panel: Panel) -> None:
    panel.show("p1", MachineState.WAITING)
    assert panel.browser.get("/machines/p1/confirm?do=clear").status_code == 401
    assert panel.sign_in() == 303
    form = panel.confirm("p1", do="clear")
    with panel.corners["p1"].says("its bed is clear") as taken:
        assert "its bed is clear" in panel.tap("p1", "do", form)[1]
    assert [order.wants for order in taken] == [ClearBed("Ada")]
    panel.show("p1", MachineState.WAITING, clear=BedWord(id="w1", by="Ada", age_s=2))
    assert "clear, says Ada" in page(panel.browser, "/").text


def test_a_second_tap_that_comes_late_or_from_elsewhere_moves_nothing(panel: Panel) -> None:
    panel.sign_in()
    form = panel.confirm("r1", do="jog", x_mm="10")
    late = form | {"asked_at": str(int(form["asked_at"]) - 120)}
    assert panel.tap("r1", "do", late)[0] == 409
    assert panel.tap("r1", "do", form | {"token": ""})[0] == 403
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        for act in ("do", "stop"):
            sent = panel.browser.post(f"/machines/r1/{act}", data=form, headers=headers)
            assert sent.status_code == 403
    assert all(corner.orders.empty() for corner in panel.corners.values())


@pytest.mark.parametrize(("host", "status"), [
    ("192.168.1.7:8090", 200), ("[fe80::1]:8090", 200), ("localhost", 200), ("bench.lab:8090", 200),
    ("evil.example:8090", 403), ("127.0.0.1.evil.example", 403),
])  # fmt: skip
def test_a_name_of_the_internet_that_leads_here_is_refused(
    panel: Panel, host: str, status: int
) -> None:
    assert panel.browser.get("/", headers={"Host": host}).status_code == status


def test_a_router_is_moved_by_its_operators_alone(panel: Panel) -> None:
    panel.show("r1", MachineState.IDLE)
    panel.sign_in()
    shown = page(panel.browser, "/machines/r1/confirm?do=jog&y_mm=-0.1")
    assert "Router moves by y -0.1 mm. Is everybody clear of it?" in shown.text
    with panel.corners["r1"].says("at y -0.1") as taken:
        assert "at y -0.1" in panel.tap("r1", "do", shown.forms[1])[1]
    assert [order.wants for order in taken] == [Jog(y_mm=-0.1)]
    for query in ("do=jog", "do=jog&x_mm=1e400", "do=jog&x_mm=far", "do=state", "do=stop", "do="):
        assert panel.browser.get(f"/machines/r1/confirm?{query}").status_code == 422
    panel.browser.post("/sign-out", data={"token": shown.forms[0]["token"]})
    panel.sign_in("Bob", "314159")
    status, text = panel.tap("r1", "do", panel.confirm("r1", do="home"))
    assert status == 503
    assert "Bob is not among this machine&#39;s operators" in text
    assert panel.corners["r1"].orders.empty()


def test_what_the_machine_refuses_is_said_on_its_page(panel: Panel) -> None:
    panel.sign_in()
    form = panel.confirm("r1", do="home")
    with panel.corners["r1"].says(Conflict("a program is running: hold or stop it first")):
        status, text = panel.tap("r1", "do", form)
    assert status == 503
    assert "a program is running" in text


def test_wrong_pins_are_counted_and_a_changed_one_signs_out(panel: Panel) -> None:
    assert panel.sign_in(pin="000000") == 403
    assert panel.sign_in() == 303
    assert "Ada: sign out" in page(panel.browser, "/").text
    panel.desk.doorkeeper.operators.add("Ada", PIN)
    assert "Ada: sign out" not in page(panel.browser, "/").text


def test_its_pages_hold_nothing_but_their_own(panel: Panel) -> None:
    running(panel)
    for path in ("/", "/machines/p1", "/machines/r1", "/sign-in"):
        shown = page(panel.browser, path)
        assert not shown.wrong
        assert all(it.startswith(("/static/", "data:")) for it in shown.loads)
    answer = panel.browser.get("/")
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    assert panel.sign_in() == 303
    cookie = panel.browser.get_cookie("cosmo_panel")
    assert cookie is not None
    assert (cookie.http_only, cookie.same_site) == (True, "Strict")


def made(panel: Panel, attempt_id: str = "t1", copies: int = 1, end: str = "finished") -> None:
    """The printer's process has noted an attempt and its end."""
    offer = OFFER.model_copy(update={"attempt_id": attempt_id, "copies": copies})
    book = MadeBook(panel.corners["p1"].folder)
    book.staged(offer, FACTS)
    book.ended(attempt_id, EventKind(end))


def judge(panel: Panel, attempt_id: str = "t1", **given: object) -> tuple[int, str]:
    path = f"/verdicts/{attempt_id}"
    token = panel.browser.get(path).text.partition('name="token" value="')[2][:32]
    answer = panel.browser.post(path, data={"token": token, "good": "1"} | given)
    return answer.status_code, answer.text


def a_photo(kind: str = "JPEG") -> bytes:
    exif = Image.Exif()
    exif[0x010E] = "taken at home"
    file = BytesIO()
    Image.new("RGB", (2400, 1200), "#c8102e").save(file, kind, exif=exif)
    return file.getvalue()


class Server:
    """Hears verdicts when it is there."""

    def __init__(self) -> None:
        self.heard: list[PanelVerdict] = []
        self.answers: list[FabError | VerdictReceipt] = []

    def tell_verdict(self, verdict: PanelVerdict) -> VerdictReceipt:
        answer = self.answers.pop(0) if self.answers else VerdictReceipt(taken=True)
        if isinstance(answer, FabError):
            raise answer
        self.heard.append(verdict)
        return answer


def test_a_verdict_is_kept_with_mass_and_photo_until_the_server_has_it(panel: Panel) -> None:
    made(panel)
    made(panel, "t2", end="failed")
    assert panel.browser.get("/verdicts/t1").status_code == 401
    panel.sign_in()
    photo = (BytesIO(a_photo() + b"<script>behind the picture</script>"), "a.jpg")
    assert judge(panel, weighed_g="12,4", photo=photo, note="stringing")[0] == 303
    assert "is told as soon as it answers" in page(panel.browser, "/verdicts").text
    server = Server()
    server.answers = [Conflict("its end was not heard"), Unavailable("no answer")]
    anew = Verdicts(panel.desk.folder, now=utc)  # another process, after a kill
    anew.tell(server)
    with pytest.raises(Unavailable):
        anew.tell(server)
    anew.tell(server)
    anew.tell(server)
    (heard,) = server.heard
    assert (heard.attempt_id, heard.good_copies, heard.by) == ("t1", 1, "Ada")
    assert (heard.weighed_g, heard.note) == (12.4, "stringing")
    assert heard.photo is not None
    sent = b64decode(heard.photo)
    assert b"script" not in sent
    assert b"taken at home" not in sent
    with Image.open(BytesIO(sent)) as drawn:
        assert (drawn.format, drawn.size) == ("JPEG", (1600, 800))
    assert "has it" in page(panel.browser, "/verdicts").text


def test_what_cannot_be_is_refused_in_a_sentence_and_nothing_is_noted(panel: Panel) -> None:
    made(panel)
    panel.sign_in()
    for wrong, words in [
        ({"weighed_g": "-3"}, "-3 g cannot be"),
        ({"weighed_g": "1e9"}, "1e+09 g cannot be"),
        ({"weighed_g": "nan"}, "that is no mass"),
        ({"weighed_g": "heavy"}, "&#39;heavy&#39; is no mass"),
        ({"good": "2"}, "2 good copies cannot be: there are 1"),
        ({"good": ""}, "say how many are good"),
        ({"photo": (BytesIO(a_photo("GIF")), "a.gif")}, "that is no photo"),
    ]:
        status, text = judge(panel, **wrong)
        assert (status, words in text) == (422, True), text
    kind = "multipart/form-data; boundary=x"
    large = panel.browser.post("/verdicts/t1", data=bytes(50 * 10**6), content_type=kind)
    assert (large.status_code, "at most 32 MB" in large.text) == (413, True)
    assert panel.desk.verdicts.all() == {}
    assert panel.browser.get("/verdicts/t2").status_code == 404


def test_of_two_who_judge_the_first_word_counts_and_the_servers_no_is_shown(panel: Panel) -> None:
    made(panel, copies=4)
    panel.sign_in()
    assert judge(panel, good="3")[0] == 303
    status, text = judge(panel, good="0")
    assert (status, "Ada has judged it already" in text) == (409, True)
    server = Server()
    server.answers = [VerdictReceipt(taken=False, sentence="it has its verdict already")]
    panel.desk.verdicts.tell(server)
    assert "did not take it: it has its verdict already" in page(panel.browser, "/verdicts").text


class Board:
    """A server that tells its board, or does not answer."""

    def __init__(self, *answers: bytes) -> None:
        self.answers = list(answers)

    def board(self) -> bytes:
        return self.answers.pop(0)


def test_what_waits_is_told_with_its_reasons_and_its_age(panel: Panel) -> None:
    assert "told nothing yet" in page(panel.browser, "/queue").text
    job = {"id": "j1", "title": "Hook", "part": "hook", "plate": 2, "material": "petg",
           "state": "queued", "sentence": "in the queue", "machine": None, "attempt_id": None,
           "waits": [{"machine_id": "p1", "machine": "Printer", "code": "material_not_loaded",
                      "sentence": "Printer has pla loaded"}]}  # fmt: skip
    server = Board(json.dumps({"jobs": [job], "machines": []}).encode(), b"<html>", b"[]")
    for _ in range(3):  # what is not understood leaves it as it was
        panel.desk.queue.ask(server)
    text = page(panel.browser, "/queue").text
    assert "Printer has pla loaded" in text
    assert "0 s ago" in text


def test_a_picture_shows_about_where_the_head_is(panel: Panel) -> None:
    heat = [b"G28", b"G90", b"M83", b"M109 S200", b"G1 Z5 F600"]
    lines = [*heat, b"G1 X10 Y10 Z0.2 F6000", b"G1 X110 Y10 E1", b"G1 X110 Y90 E1"]
    profile, counted = printer(), Counted(lines)
    tracker = Tracker(counted)
    sketch = sketch_of(
        tracker.noting(moves_of(counted, profile)), profile, sha256="0" * 64, line_count=8
    )
    Album(panel.corners["p1"].folder).keep(Picture("t1", sketch, tracker.track))
    progress = ProgressReport(attempt_id="t1", phase=Phase.STREAM, done=7, total=8)
    panel.show("p1", MachineState.RUNNING, progress=progress)
    told = panel.browser.get("/state.json").json["machines"][0]
    assert (told["x"], told["y"]) == place_in(sketch, 110, 10)
    assert told["head"] == "about here: line 7 of 8 is acknowledged"
    shown = page(panel.browser, "/machines/p1")
    assert "/machines/p1/t1.svg" in shown.loads
    assert panel.browser.get("/machines/p1/t1.svg").text.startswith("<svg")
    assert panel.browser.get("/machines/p1/t2.svg").status_code == 404


def test_while_the_server_is_away_something_is_prepared_shown_and_started(panel: Panel) -> None:
    assert "told nothing yet of what may be made" in page(panel.browser, "/make").text
    OfferedBook(panel.desk.folder.parent).ask(SAYS, now=utc())
    text = page(panel.browser, "/make").text
    assert "hook.stl is not kept here" in text
    assert "/machines/p1/make" not in text
    with Cache(panel.desk.cache, max_bytes=10**6) as cache:
        cache.put_file(ITEM.file_sha256, [FILE])
    assert panel.browser.post("/machines/p1/make").status_code == 403  # no form of ours
    panel.sign_in()
    form = fill(panel, "/make", "/machines/p1/make")
    with panel.corners["p1"].says("hook is prepared") as taken:
        assert "hook is prepared" in panel.tap("p1", "make", form)[1]
    assert (taken[0].wants, taken[0].by) == (WISH, "Ada")
    progress = ProgressReport(attempt_id="local-1", phase=Phase.PREPARE, done=1, total=1)
    MadeBook(panel.desk.stations[0].folder).staged(
        OFFER.model_copy(update={"attempt_id": "local-1"}), FACTS
    )
    panel.show("p1", MachineState.WAITING, sentence="ready, about 12 min", progress=progress)
    form = panel.confirm("p1", do="start", attempt_id="local-1")
    shown = page(panel.browser, "/machines/p1/confirm?do=start&attempt_id=local-1").text
    assert "starts Hook: hook now" in shown
    assert "ready, about 12 min" in shown
    with panel.corners["p1"].says("it starts") as taken:
        panel.tap("p1", "do", form)
    assert taken[0].wants == StartNow("local-1")
    other = panel.browser.get("/machines/p1/confirm?do=start&attempt_id=local-0")
    assert (other.status_code, "nothing of that to start" in other.text) == (409, True)


def test_a_server_that_is_there_is_where_things_are_ordered(panel: Panel) -> None:
    class Board:
        def board(self) -> bytes:
            return b'{"jobs": []}'

    panel.desk.queue.ask(Board())
    OfferedBook(panel.desk.folder.parent).ask(SAYS, now=utc())
    panel.sign_in()
    text = page(panel.browser, "/make").text
    assert "The server is there: order there" in text
    assert "/machines/p1/make" not in text


def test_a_verdict_on_what_the_server_has_still_to_hear_of_is_told_later(panel: Panel) -> None:
    class Hearer:
        def tell_verdict(self, verdict: PanelVerdict) -> VerdictReceipt:
            raise NotFound("there is no such attempt")

    for attempt_id in ("local-1", "a1"):
        panel.desk.verdicts.keep(attempt_id, "p1", good=1, copies=1, by="Ada")
    panel.desk.verdicts.tell(Hearer())
    told = panel.desk.verdicts.all()
    assert told["local-1"].told_at is None
    assert told["a1"].sentence == "there is no such attempt"
