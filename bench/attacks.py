"""What is made to harm, against a server that runs: each is refused, and the server answers on.

The server is `cosmo server run` with all its parts. A stranger signs up and publishes the files of
tests/attack_files.py, each as a design; an attack is over when its release says why the file was
refused. Then come the requests of tests/attack_requests.py. All the while somebody else asks for a
sign of life and for the catalogue every 50 ms. Told is of each attack its seconds, how large the
children grew that read it, the slowest answer that somebody else got, and the refusal.

`typed_refusals` counts those that were refused as they should be, by the sentence that is for them;
a file that was taken, or that broke a reader which should have seen it, is none. Memory is the peak
that the kernel keeps of each process, looked at every 20 ms. Ends with 1 when an attack was not
refused as it should be or took more than 5 s or 1 GB, or when somebody got no answer.
`--only bomb` takes those with this word in their names.
"""

import argparse
import json
import re
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from threading import Event, Thread

import httpx

from bench.many_uploads import family
from cosmo.client import Client
from cosmo.demo.processes import Processes
from cosmo.demo.serving import free_port, run_server
from tests.attack_files import ATTACKS, Attacks
from tests.attack_requests import MANIFEST, REQUESTS, Ask

MOST_S, MOST_MB = 5.0, 1000.0
PATIENCE_S = 100.0  # a child has 90 s
EVERY_S, LOOK_EVERY_S = 0.05, 0.02
READERS = (b"repo_server.parsing.", b"openscad")


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one attack; `refusal` is empty when there was none."""

    attack: str
    typed: bool
    refusal: str
    seconds: float
    peak_mb: float
    slowest_answer_ms: float


@dataclass(frozen=True, slots=True)
class Site:
    """A server that runs, a stranger's token, and the process that the readers descend from."""

    url: str
    token: str
    pid: int


@dataclass
class Bystander:
    """Asks as people do who have no part in it, and looks how large the readers of files are."""

    site: Site
    slowest_s: float = 0.0
    peak_mb: float = 0.0
    unanswered: list[str] = field(default_factory=list)

    @contextmanager
    def watching(self) -> Iterator[None]:
        """It asks and looks until the block ends."""
        done = Event()
        works = (self._ask, "/healthz"), (self._ask, "/designs"), (self._look,)
        threads = [Thread(target=work, args=(done, *more)) for work, *more in works]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            done.set()
            for thread in threads:
                thread.join()

    def forget(self) -> None:
        """What was seen so far counts for no other attack."""
        self.slowest_s = self.peak_mb = 0.0

    def _ask(self, done: Event, path: str) -> None:
        with httpx.Client(base_url=f"{self.site.url}/api/v1", timeout=30) as client:
            while not done.wait(EVERY_S):
                start = time.monotonic()
                try:
                    answered = client.get(path).is_success
                except httpx.TransportError:
                    answered = False
                self.slowest_s = max(self.slowest_s, time.monotonic() - start)
                if not answered:
                    self.unanswered.append(path)

    def _look(self, done: Event) -> None:
        while not done.wait(LOOK_EVERY_S):
            for pid in family(self.site.pid):
                self.peak_mb = max(self.peak_mb, _peak_of_reader(pid))


def _peak_of_reader(pid: int) -> float:
    """MB at most, of a process that reads a stranger's file; 0 of any other, or of none."""
    try:
        if not any(it in Path(f"/proc/{pid}/cmdline").read_bytes() for it in READERS):
            return 0.0
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return 0.0  # it has ended meanwhile
    told = re.search(r"VmHWM:\s+(\d+) kB", status)
    return int(told[1]) * 1024 / 1e6 if told else 0.0


def _design(folder: Path, title: str, data: bytes) -> Path:
    """The folder of a design with the file of this title."""
    name, _, kind = title.rpartition(".")
    folder.mkdir()
    (folder / "okh.toml").write_text(MANIFEST.format(name=name.capitalize()))
    (folder / f"harm.{kind}").write_bytes(data)
    return folder


def publish(client: Client, design: Path) -> str:
    """What the server says of the design's file once it was read; "" when it was taken."""
    release = client.publish(design).release_id
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        (file,) = client.get(f"/releases/{release}")["files"]
        # A source has facts when it was read, and is drawn afterwards.
        if file["problem"] or file["drawn"] or (file["facts"] and file["kind"] != "scad"):
            return str(file["problem"] or "")
        time.sleep(EVERY_S)
    raise RuntimeError(f"{design.name}: nothing was found in {PATIENCE_S:.0f} s")


def ask(site: Site, request: Ask) -> str:
    """The status and the words of the answer."""
    body = {"json" if isinstance(request.body, dict) else "content": request.body}
    headers = {"Authorization": f"Bearer {site.token}", **request.headers}
    answer = httpx.request(
        request.method, f"{site.url}/api/v1{request.path}", headers=headers, timeout=60, **body
    )
    return f"{answer.status_code} {answer.text}"


@contextmanager
def served(folder: Path) -> Iterator[Site]:
    """A server with all its parts runs in the folder, and a stranger has signed up."""
    url = f"http://127.0.0.1:{free_port()}"
    with Processes(folder / "logs") as processes:
        run_server(processes, folder, url)
        password = secrets.token_urlsafe(16)
        with Client(url) as client:
            client.sign_up(handle="mallory", name="M", email="m@example.org", password=password)
            token = client.sign_in("mallory", password)
        yield Site(url, token, processes.pid("server"))
        processes.require_all()


def attack(
    site: Site, folder: Path, files: Attacks, requests: Mapping[str, Ask]
) -> tuple[list[Result], int]:
    """What came of each attack, and how often somebody got no answer. `folder` is empty."""
    results: list[Result] = []
    bystander = Bystander(site)

    def one(title: str, done: Callable[[], str], is_right: Callable[[str], bool]) -> None:
        bystander.forget()
        start = time.monotonic()
        said = done()
        seconds = time.monotonic() - start
        peak_mb, slowest_ms = bystander.peak_mb, 1000 * bystander.slowest_s
        results.append(Result(title, is_right(said), said, seconds, peak_mb, slowest_ms))
        _tell(results[-1])

    with bystander.watching(), Client(site.url, site.token) as client:
        for number, (title, (made, sentence)) in enumerate(files.items()):
            sent = _design(folder / f"harm-{number}", title, made())
            one(title, partial(publish, client, sent), partial(_says, sentence))
        for title, it in requests.items():
            one(title, partial(ask, site, it), partial(_says, f"^{it.status} .*{it.sentence}"))
    return results, len(bystander.unanswered)


def _says(sentence: str, refusal: str) -> bool:
    return bool(refusal and re.search(sentence, refusal, re.DOTALL))


def _tell(one: Result) -> None:
    sign = "  " if one.typed else "? "
    print(f"{sign}{one.seconds:5.2f} s {one.peak_mb:5.0f} MB {one.slowest_answer_ms:5.0f} ms  "
          f"{one.attack}: {' '.join(one.refusal.split())[:200]}", flush=True)  # fmt: skip


def summary(results: Sequence[Result], unanswered: int) -> dict[str, float]:
    """The figures of all together."""
    worst = {
        name: max(asdict(it)[name] for it in results)
        for name in ("seconds", "peak_mb", "slowest_answer_ms")
    }
    return {
        "attacks": len(results),
        "typed_refusals": sum(it.typed for it in results),
        "slowest_s": round(worst["seconds"], 2),
        "peak_mb": round(worst["peak_mb"]),
        "slowest_answer_ms": round(worst["slowest_answer_ms"]),
        "unanswered": unanswered,
    }


def main() -> int:
    """Print each attack and the JSON line; 1 when the server did not withstand one."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", default="", help="a word of their names")
    word = parser.parse_args().only
    files = {title: it for title, it in ATTACKS.items() if word in title}
    requests = {title: it for title, it in REQUESTS.items() if word in title}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "designs").mkdir()
        with served(folder) as site:
            told = summary(*attack(site, folder / "designs", files, requests))
    print(json.dumps(told))
    withstood = (
        told["typed_refusals"] == told["attacks"]
        and told["slowest_s"] <= MOST_S
        and told["peak_mb"] <= MOST_MB
        and not told["unanswered"]
    )
    return int(not withstood)


if __name__ == "__main__":
    sys.exit(main())
