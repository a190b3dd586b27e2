"""Print hosts: which ones answer at their usual addresses, what they are, and a key for them."""

import time
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from concurrent.futures import TimeoutError as TooLate
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import httpx

from commons.errors import FabError, NotAllowed, TransportLost, Unavailable
from commons.machine import Driver
from fab_agent.firmware_facts import Fact, klipper_facts, klipper_guards, octoprint_facts
from fab_agent.machines import DRIVERS, moonraker_client, octoprint_client
from fab_agent.machines.moonraker_client import ServerInfo
from fab_agent.machines.octoprint_client import Version
from fab_agent.machines.transport import HostConnection
from fab_agent.new_machine import provisional

# The names that OctoPi, MainsailOS and FluiddPi give themselves, and this computer.
USUAL_ADDRESSES = (
    "http://octopi.local",
    "http://octoprint.local",
    "http://mainsailos.local",
    "http://fluiddpi.local",
    "http://klipper.local",
    "http://127.0.0.1:5000",
    "http://127.0.0.1:7125",
    "http://127.0.0.1",
)
LOOK_S = 2.0
ANSWER_S = 10.0
APP = "Cosmolocal"
# OctoPrint forgets a question that nobody asks about for 5 s.
POLL_S, PATIENCE_S = 1.0, 300.0
# Where a host's facts come from. Few people ever correct OctoPrint's first profile.
SOURCES = {
    Driver.OCTOPRINT: "from OctoPrint's printer profile: check it",
    Driver.MOONRAKER: "from Klipper's printer.cfg",
}
# What the driver does with a key: look, upload, select, print, switch off.
NEEDED = ("STATUS", "FILES_LIST", "FILES_UPLOAD", "FILES_SELECT", "PRINT", "CONTROL")


@dataclass(frozen=True, slots=True)
class Host:
    """A print host that has answered without a key. `version` is "" where it wants one first."""

    url: str
    driver: Driver
    version: str = ""
    has_workflow: bool = False  # OctoPrint: its owner can hand out a key by a click

    @property
    def title(self) -> str:
        """What people call it."""
        return self.version or {"octoprint": "OctoPrint"}.get(self.driver, "Moonraker")


@dataclass(frozen=True, slots=True)
class HostReport:
    """What a host tells whoever has a key."""

    version: str
    guarded: bool | None = None
    simulated: bool = False
    connected: bool = True
    says: str = ""  # why its printer is not ready
    lacking: tuple[str, ...] = ()  # rights that the key does not give
    room_bytes: int | None = None  # for programs, on its disk
    upload_bytes: int | None = None  # the largest program that it takes
    facts: dict[str, Fact] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Pairing:
    """A question at OctoPrint that waits for a person's click at `dialog`."""

    url: str
    dialog: str
    token: str


def find_hosts(urls: Iterable[str] = USUAL_ADDRESSES, *, within_s: float = LOOK_S) -> list[Host]:
    """The hosts among these addresses that have answered in time; asked all at once."""
    wanted, found = list(urls), {}
    pool = ThreadPoolExecutor(len(wanted) or 1, thread_name_prefix="looking for a host")
    asked = {pool.submit(look_at, url, within_s=within_s): url for url in wanted}
    with suppress(TooLate):
        for done in as_completed(asked, timeout=2 * within_s):
            with suppress(FabError):
                found[asked[done]] = done.result()
    pool.shutdown(wait=False, cancel_futures=True)  # a name that nobody knows may take long
    return [found[url] for url in wanted if url in found]


def look_at(url: str, *, key: str = "", within_s: float = ANSWER_S) -> Host:
    """Which kind of host this is.

    Raises:
        TransportLost: nothing answers there.
        Unavailable: something answers that no driver speaks with.
    """
    with _client(url, key, within_s) as http:
        info = _ask(http, "/server/info")
        if _is_moonraker(info):
            return Host(url, Driver.MOONRAKER, _moonraker_title(_json(info).get("result", {})))
        has_workflow = _ask(http, "/plugin/appkeys/probe").status_code == httpx.codes.NO_CONTENT
        answer = _ask(http, "/api/version")
    if answer.is_success:
        told_version = Version.model_validate(_json(answer))
        octoprint_client.check_version(told_version, url)
        return Host(url, Driver.OCTOPRINT, told_version.text, has_workflow)
    if has_workflow or (answer.status_code == httpx.codes.FORBIDDEN and "error" in _json(answer)):
        return Host(url, Driver.OCTOPRINT, "", has_workflow)
    raise Unavailable(f"{url} is neither an OctoPrint nor a Moonraker: check the address")


def report_of(host: Host, key: str) -> HostReport:
    """What the host tells whoever has this key.

    Raises:
        NotAllowed: it refuses the key.
        Unavailable: it is too old, or says so itself.
        TransportLost, ProtocolViolation: it does not answer, or not as it should.
    """
    with _client(host.url, key, ANSWER_S) as http:
        return _octoprint(http, host) if host.driver is Driver.OCTOPRINT else _moonraker(http, host)


def guard_behind(host: Host, key: str) -> bool | None:
    """Whether the printer behind the host guards its heaters; None when it does not say.

    Its driver is asked, which has a way of its own to hear the firmware.
    """
    driver = DRIVERS[host.driver](HostConnection(host.url, key), provisional(host.driver))
    try:
        return driver.identify().guarded
    except FabError:
        return None
    finally:
        driver.close()


def wants_key(host: Host) -> bool:
    """It tells nothing more to somebody without a key."""
    try:
        report_of(host, "")
    except NotAllowed:
        return True
    return host.driver is Driver.OCTOPRINT  # its answers without one are not all it has


def ask_for_key(url: str) -> Pairing:
    """The question stands on OctoPrint's page now. Unavailable: it cannot be asked there."""
    with _client(url, "", ANSWER_S) as http:
        answer = _ask(http, "/plugin/appkeys/request", {"app": APP})
    told = _json(answer)
    if answer.status_code != httpx.codes.CREATED or "app_token" not in told:
        raise Unavailable(
            f"OctoPrint at {url} does not take requests for a key now ({answer.status_code}): make "
            "one in its Settings → Application Keys and give it by --key-file"
        )
    return Pairing(url, str(told.get("auth_dialog") or url), str(told["app_token"]))


def await_key(pairing: Pairing, *, sleep: Callable[[float], None] = time.sleep) -> str:
    """The key that a person at OctoPrint has allowed. NotAllowed: refused, or nobody came."""
    with _client(pairing.url, "", ANSWER_S) as http:
        for _ in range(round(PATIENCE_S / POLL_S)):
            answer = _ask(http, f"/plugin/appkeys/request/{pairing.token}")
            if answer.status_code == httpx.codes.OK and "api_key" in _json(answer):
                return str(_json(answer)["api_key"])
            if answer.status_code != httpx.codes.ACCEPTED:
                raise NotAllowed(
                    f"OctoPrint at {pairing.url} gave no key: somebody refused it there, or the "
                    "request ran out; run this again, or give a key by --key-file"
                )
            sleep(POLL_S)
    raise NotAllowed(
        f"nobody allowed the key at {pairing.url} within {PATIENCE_S / 60:.0f} minutes: run this "
        "again, or give a key by --key-file"
    )


def _octoprint(http: httpx.Client, host: Host) -> HostReport:
    told = Version.model_validate(_allowed(http, "/api/version", host))
    octoprint_client.check_version(told, host.url)
    rights = _allowed(http, "/api/currentuser", host).get("permissions", [])
    current = _allowed(http, "/api/connection", host).get("current", {})
    profiles = _ask(http, "/api/printerprofiles")
    state = str(current.get("state", "unknown"))
    return HostReport(
        told.text,
        simulated=current.get("port") == "VIRTUAL",
        connected=current.get("port") is not None and not state.startswith(("Closed", "Offline")),
        says=state,
        lacking=tuple(r for r in NEEDED if r not in rights and "ADMIN" not in rights),
        room_bytes=_whole(_json(_ask(http, "/api/files")).get("free")),
        facts=octoprint_facts(_json(profiles)) if profiles.is_success else {},
    )


def _moonraker(http: httpx.Client, host: Host) -> HostReport:
    info = _allowed(http, "/server/info", host).get("result", {})
    moonraker_client.check_version(ServerInfo.model_validate(info), host.url)
    state, title = str(info.get("klippy_state", "unknown")), _moonraker_title(info)
    if state != "ready":
        return HostReport(title, connected=False, says=f"Klipper is {state}")
    klipper = _allowed(http, "/printer/info", host).get("result", {})
    told = _allowed(http, "/printer/objects/query?configfile=settings", host)
    settings = told.get("result", {}).get("status", {}).get("configfile", {}).get("settings", {})
    return HostReport(
        title,
        guarded=klipper_guards(settings),
        simulated="simulated" in str(klipper.get("software_version", "")),
        says=f"Klipper is {state}",
        room_bytes=_whole(_moonraker_says(http, "/server/files/directory", "disk_usage", "free")),
        upload_bytes=_mebibytes(
            _moonraker_says(http, "/server/config", "config", "server", "max_upload_size")
        ),
        facts=klipper_facts(settings),
    )


def _moonraker_says(http: httpx.Client, path: str, *keys: str) -> object:
    """A value deep in the answer; None when it is not there."""
    told: object = _json(_ask(http, path)).get("result")
    for key in keys:
        told = told.get(key) if isinstance(told, dict) else None
    return told


def _whole(value: object) -> int | None:
    return value if isinstance(value, int) else None


def _mebibytes(value: object) -> int | None:
    return value * 2**20 if isinstance(value, int) else None


def _moonraker_title(info: dict[str, Any]) -> str:
    """Such as "Moonraker 0.9.3"; "" when it wants a key before it says so."""
    version = str(info.get("moonraker_version", "")).removeprefix("v")
    return f"Moonraker {version}" if version else ""


def _allowed(http: httpx.Client, path: str, host: Host) -> dict[str, Any]:
    answer = _ask(http, path)
    if answer.status_code in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
        raise NotAllowed(
            f"{host.url} refuses the key: it is wrong or was revoked; remove it and "
            "pair again by 'cosmo agent add', or write a good one into the key file"
        )
    if not answer.is_success:
        raise Unavailable(f"{host.url} answers {answer.status_code} to {path}: look at its page")
    return _json(answer)


def _is_moonraker(answer: httpx.Response) -> bool:
    told = _json(answer)
    result, error = told.get("result"), told.get("error")
    if isinstance(result, dict):
        return "klippy_state" in result or "moonraker_version" in result
    wants_key = answer.status_code == httpx.codes.UNAUTHORIZED
    return wants_key and isinstance(error, dict) and "code" in error


def _client(url: str, key: str, within_s: float) -> httpx.Client:
    headers = {"X-Api-Key": key} if key else {}
    return httpx.Client(base_url=url, headers=headers, timeout=within_s, follow_redirects=True)


def _ask(http: httpx.Client, path: str, body: dict[str, str] | None = None) -> httpx.Response:
    try:
        return http.get(path) if body is None else http.post(path, json=body)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise TransportLost(
            f"{http.base_url} does not answer ({type(error).__name__}): is the host switched on, "
            "and is this its address?"
        ) from error


def _json(answer: httpx.Response) -> dict[str, Any]:
    """The object that was answered; {} when it is none."""
    try:
        told = answer.json()
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}
