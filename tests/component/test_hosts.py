"""Print hosts that answer oddly: what they are, and the one sentence that is said of each."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import pytest
from click.testing import CliRunner

from commons.errors import FabError, InvalidInput, NotAllowed, Unavailable
from commons.machine import Driver
from cosmo.__main__ import cli
from fab_agent.hosts import (
    Host,
    Pairing,
    ask_for_key,
    await_key,
    find_hosts,
    look_at,
    report_of,
)
from fab_agent.settings_text import keep_key

KEY = "a-good-key"
Answers = dict[str, tuple[int, Any]]

OCTOPRINT: Answers = {
    "/plugin/appkeys/probe": (204, None),
    "/api/version": (200, {"server": "1.11.8", "text": "OctoPrint 1.11.8"}),
    "/api/currentuser": (200, {"name": "oba", "permissions": ["ADMIN"]}),
    "/api/connection": (200, {"current": {"state": "Operational", "port": "/dev/ttyUSB0"}}),
    "/api/printerprofiles": (200, {"profiles": {}}),
    "/api/files": (200, {"files": [], "free": 5_000_000}),
}
MOONRAKER: Answers = {
    "/server/info": (200, {"result": {"klippy_state": "ready", "moonraker_version": "v0.9.3",
                                      "api_version": [1, 5, 0]}}),
    "/server/files/directory": (200, {"result": {"disk_usage": {"free": 7_000_000}}}),
    "/server/config": (200, {"result": {"config": {"server": {"max_upload_size": 100}}}}),
    "/printer/info": (200, {"result": {"software_version": "v0.12.0"}}),
    "/printer/objects/query": (200, {"result": {"status": {"configfile": {"settings": {
        "extruder": {"nozzle_diameter": 0.4, "max_temp": 280.0}, "verify_heater extruder": {}}}}}}),
}  # fmt: skip
REFUSED = (403, {"error": "You don't have the permission"})


class Handler(BaseHTTPRequestHandler):
    """Answers from a table; the key is wanted where `key` is set."""

    answers: ClassVar[Answers] = {}
    key: ClassVar[str] = ""
    open_paths = ("/plugin/appkeys/probe", "/server/info")

    def do_GET(self) -> None:
        path = self.path.partition("?")[0]
        status, body = self.answers.get(path, (404, "<html>not here</html>"))
        if self.key and path not in self.open_paths and self.headers["X-Api-Key"] != self.key:
            status, body = REFUSED
        self.send_response(status)
        content = (
            b"" if body is None else (body if isinstance(body, str) else json.dumps(body)).encode()
        )
        if status != 204:
            self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_POST = do_GET  # noqa: N815

    def log_message(self, format: str, *args: object) -> None:
        """Nothing is printed."""


@contextmanager
def host(answers: Answers, *, key: str = "") -> Iterator[str]:
    handler = type("Answering", (Handler,), {"answers": answers, "key": key})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def reported(answers: Answers, *, wanted: str = "", key: str = "") -> Any:
    with host(answers, key=wanted) as url:
        return report_of(look_at(url, key=key), key)


def test_an_octoprint_without_a_key_is_known_by_its_way_to_one() -> None:
    with host(OCTOPRINT, key=KEY) as url:
        assert look_at(url) == Host(url, Driver.OCTOPRINT, "", has_workflow=True)
        assert look_at(url, key=KEY).version == "OctoPrint 1.11.8"


def test_a_moonraker_tells_what_klipper_knows() -> None:
    report = reported(MOONRAKER)
    assert report.version == "Moonraker 0.9.3"
    assert report.guarded is True
    assert report.facts["fdm.hotend_max_c"] == 280
    assert (report.room_bytes, report.upload_bytes) == (7_000_000, 100 * 2**20)
    assert not report.simulated


def test_an_octoprint_tells_its_room_but_not_its_upload_limit() -> None:
    report = reported(OCTOPRINT)
    assert (report.room_bytes, report.upload_bytes) == (5_000_000, None)


def test_only_hosts_that_answer_are_found_in_the_order_in_which_they_were_named() -> None:
    with host(OCTOPRINT) as one, host(MOONRAKER) as other, host({}) as neither:
        found = find_hosts([other, "http://127.0.0.1:9", neither, one], within_s=5)
    assert [(h.url, h.driver) for h in found] == [
        (other, Driver.MOONRAKER),
        (one, Driver.OCTOPRINT),
    ]


def sentence_of(answers: Answers, *, wanted: str = "", key: str = "") -> str:
    with pytest.raises(FabError) as caught:
        reported(answers, wanted=wanted, key=key)
    return str(caught.value)


def changed(base: Answers, path: str, status: int, body: Any) -> Answers:
    return base | {path: (status, body)}


OLD_OCTOPRINT = {"server": "1.3.9", "text": "OctoPrint 1.3.9"}
OLD_MOONRAKER = {"result": {"klippy_state": "ready", "moonraker_version": "v0.6.0"}}


@pytest.mark.parametrize(
    ("answers", "sentence"),
    [
        ({}, "is neither an OctoPrint nor a Moonraker: check the address"),
        (changed({}, "/api/version", 200, {"server": "2.1", "text": "PrusaLink 0.7"}),
         "is 'PrusaLink 0.7', not an OctoPrint: check the url"),
        (changed(OCTOPRINT, "/api/version", 200, OLD_OCTOPRINT),
         "is too old: update it to 1.4 or newer"),
        (changed(MOONRAKER, "/server/info", 200, OLD_MOONRAKER), "Moonraker v0.6.0 at"),
        (changed(OCTOPRINT, "/api/connection", 500, "<html>oh</html>"),
         "answers 500 to /api/connection: look at its page"),
        (changed(OCTOPRINT, "/api/version", 200, "<html>a router's login page</html>"),
         "is 'nameless', not an OctoPrint"),
    ],
)  # fmt: skip
def test_an_odd_host_is_one_sentence(answers: Answers, sentence: str) -> None:
    assert sentence in sentence_of(answers)


def test_a_wrong_key_is_refused_in_a_sentence() -> None:
    said = sentence_of(OCTOPRINT, wanted=KEY, key="a-bad-key")
    assert "refuses the key: it is wrong or was revoked" in said
    wants_one = changed(MOONRAKER, "/server/info", 401,
                        {"error": {"code": 401, "message": "Unauthorized"}})  # fmt: skip
    assert "refuses the key" in sentence_of(wants_one, key="a-bad-key")


def test_a_klipper_that_is_not_ready_is_told_with_its_state() -> None:
    info = {"result": {"klippy_state": "shutdown", "moonraker_version": "v0.9.3",
                       "api_version": [1, 5, 0]}}  # fmt: skip
    report = reported(changed(MOONRAKER, "/server/info", 200, info))
    assert (report.connected, report.says) == (False, "Klipper is shutdown")


def test_a_key_that_may_not_print_is_told_what_it_lacks() -> None:
    rights = {"permissions": ["STATUS", "FILES_LIST", "FILES_UPLOAD"]}
    report = reported(changed(OCTOPRINT, "/api/currentuser", 200, rights))
    assert report.lacking == ("FILES_SELECT", "PRINT", "CONTROL")


def test_an_octoprint_that_takes_no_requests_says_where_keys_are_made() -> None:
    with host(OCTOPRINT) as url, pytest.raises(Unavailable, match="Settings → Application Keys"):
        ask_for_key(url)


def test_a_request_that_was_refused_or_forgotten_gives_no_key() -> None:
    with host(OCTOPRINT) as url, pytest.raises(NotAllowed, match="somebody refused it there"):
        await_key(Pairing(url, url, "token"))


def test_nobody_is_waited_for_without_end() -> None:
    waiting = changed(OCTOPRINT, "/plugin/appkeys/request/token", 202, {"message": "waiting"})
    slept: list[float] = []
    with host(waiting) as url, pytest.raises(NotAllowed, match="within 5 minutes"):
        await_key(Pairing(url, url, "token"), sleep=slept.append)
    assert sum(slept) == 300


def test_a_key_file_that_holds_no_key_is_named(tmp_path: Any) -> None:
    key_file = tmp_path / "octoprint.key"
    key_file.write_bytes(b"\xff\xfe\x00")
    with host(OCTOPRINT) as url:
        words = ["--config", tmp_path / "agent.toml", "--url", url, "--key-file", key_file, "--yes"]
        done = CliRunner().invoke(cli, ["agent", "add", *map(str, words)])
    assert str(done.exception) == f"{key_file} holds no key: it is to hold one alone, as text"


def test_a_key_is_in_a_file_only_if_the_machine_is_in_the_settings(tmp_path: Any) -> None:
    kept = tmp_path / "host.key"
    with pytest.raises(InvalidInput), keep_key(kept, KEY):
        assert kept.stat().st_mode & 0o777 == 0o600
        raise InvalidInput("the settings would be wrong")
    assert not kept.exists()
    with keep_key(kept, KEY):
        pass
    with pytest.raises(InvalidInput, match="is there already"), keep_key(kept, "another"):
        pytest.fail("nothing may follow")
    assert kept.read_text() == f"{KEY}\n"


SETTINGS = """
[repository]
url = "http://127.0.0.1:9"
[agent]
name = "Bench"
data = "agent"
[[machine]]
name = "Hosted"
process = "fdm"
driver = "{driver}"
url = "{url}"
key_file = "host.key"
materials = ["pla"]
max_feed_mm_s = 150
max_feed_z_mm_s = 10
envelope = {{ x_max_mm = 220, y_max_mm = 220, z_max_mm = 250 }}
fdm = {{ nozzle_mm = 0.4 }}
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("driver", "answers", "key", "sentence"),
    [
        ("octoprint", OCTOPRINT, "a-bad-key", "refuses the key: it is wrong or was revoked"),
        ("octoprint", MOONRAKER, KEY, 'Moonraker 0.9.3 answers at {url}: set driver = "moonraker"'),
        ("moonraker", changed(MOONRAKER, "/server/info", 200,
                              {"result": {"klippy_state": "error", "moonraker_version": "v0.9.3",
                                          "api_version": [1, 5, 0]}}), KEY,
         "its printer is not connected (Klipper is error)"),
        ("octoprint", changed(OCTOPRINT, "/api/connection", 200,
                              {"current": {"state": "Closed", "port": None}}), KEY,
         "its printer is not connected (Closed): connect it on its page"),
        ("octoprint", changed(OCTOPRINT, "/api/version", 200, OLD_OCTOPRINT), KEY,
         "OctoPrint 1.3.9 at {url} is too old: update it to 1.4 or newer"),
    ],
)  # fmt: skip
def test_the_doctor_says_what_is_wrong_with_a_host(
    tmp_path: Any, driver: str, answers: Answers, key: str, sentence: str
) -> None:
    (tmp_path / "host.key").write_text(key)
    config = tmp_path / "agent.toml"
    with host(answers, key=KEY if driver == "octoprint" else "") as url:
        config.write_text(SETTINGS.format(driver=driver, url=url))
        done = CliRunner().invoke(cli, ["agent", "doctor", "--config", str(config)])
    assert done.exit_code == 1
    problems = [line for line in done.output.splitlines() if line.startswith("problem  Hosted: ")]
    assert any(sentence.format(url=url) in line for line in problems)
    assert "others can read the key in" in done.output


@pytest.mark.slow
@pytest.mark.parametrize(
    ("status", "body", "sentence"),
    [
        (200, {"status": "ok", "api_version": 1}, "ok       the server at {url} answers"),
        (200, {"status": "ok", "api_version": 7}, "speaks version 7, this agent 1: update this"),
        (404, "<html>", "problem  {url} answers, but not as a repository: is this its address?"),
    ],
)
def test_the_doctor_asks_the_server_how_it_is_and_what_time_it_has(
    tmp_path: Any, status: int, body: Any, sentence: str
) -> None:
    config = tmp_path / "agent.toml"
    with host({"/api/v1/healthz": (status, body)}) as url:
        text = SETTINGS.format(driver="octoprint", url="http://127.0.0.1:9")
        config.write_text(text.replace('url = "http://127.0.0.1:9"', f'url = "{url}"', 1))
        done = CliRunner().invoke(cli, ["agent", "doctor", "--config", str(config)])
    assert sentence.format(url=url) in done.output
    assert "ok       this computer's clock agrees with the server's" in done.output
    assert "the key of Hosted cannot be read from" in done.output
