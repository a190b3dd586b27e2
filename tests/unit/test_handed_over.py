"""What printers behind a print host share, without a host: time passes when it is waited for."""

import hashlib
from itertools import pairwise

import pytest

from commons.errors import ProgramRefused, ProtocolViolation, TransportLost, Unavailable
from commons.machine import Process
from fab_agent.gcode.program import Estimate, GcodeProgram
from fab_agent.machines.driver import Control, Message, Outcome
from fab_agent.machines.handed_over import Following, LineCounter, News, digest_of_proved, job_name


class Clock:
    now = 0.0

    def __call__(self):
        return self.now

    def wait(self, seconds):
        self.now += seconds


class Channel:
    """Tells these messages, one a second, and then breaks; with `silent` it says nothing."""

    def __init__(self, clock, messages=(), *, silent=False):
        self._clock, self._messages, self._silent = clock, list(messages), silent

    def receive(self, timeout):
        self._clock.wait(timeout)
        if self._silent:
            return None
        if not self._messages:
            raise TransportLost("it broke")
        return self._messages.pop(0)

    def close(self):
        pass


class Watch:
    """A print that is under way while it is told "busy", and ends when it is told "end"."""

    name, outcome, seen_busy, idle = "a1.gcode", None, False, True

    def hear(self, news):
        self.idle = news != "busy"
        self.seen_busy = self.seen_busy or not self.idle
        self.outcome = Outcome.FINISHED if news == "end" else None
        return []


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def follow(clock):
    """Follows a print with polls that answer these words, the last one for ever."""

    def run(*answers, channel=None, controls=lambda: None, order=None):
        watch, polled, told = Watch(), [], []

        def poll():
            polled.append(clock.now)
            answer = answers[min(len(polled), len(answers)) - 1]
            if isinstance(answer, Exception):
                raise answer
            return watch.hear(answer)

        def nowhere():
            raise TransportLost("no channel")

        news = News(channel or nowhere, reopen_s=5.0, clock=clock, wait=clock.wait)
        following = Following(
            "TheHost", watch, poll, order or told.append, clock, patience_s=20.0, record_s=4.0
        )
        following.follow(news, told.append, controls)
        return polled, told

    return run


def test_a_file_name_says_which_attempt_and_which_program():
    assert job_name("lab/7 b", "0123456789abcdef") == "alab-7-b-01234567.gcode"


def test_the_digest_is_that_of_the_bytes_that_were_proved(tmp_path):
    path = tmp_path / "p.gcode"
    path.write_bytes(b"G28\n")
    sha256 = hashlib.sha256(b"G28\n").hexdigest()
    program = GcodeProgram(path, sha256, 1, Process.FDM, Estimate(1.0, None))
    assert digest_of_proved(program, "sha1") == hashlib.sha1(b"G28\n").hexdigest()  # noqa: S324
    path.write_bytes(b"G29\n")
    with pytest.raises(ProgramRefused, match="not the program that was proved"):
        digest_of_proved(program, "sha1")


def test_whole_lines_are_counted_up_to_a_position(tmp_path):
    path = tmp_path / "p.gcode"
    path.write_bytes(b"G28\nG1 X1\nM84\n")
    counter = LineCounter(path)
    assert [counter.lines_at(at) for at in (0, 3, 4, 9, 10, 2, 99)] == [0, 0, 1, 1, 2, 2, 3]
    counter.close()


def test_a_lost_channel_is_opened_again_after_a_while(clock):
    opened = []

    def open_channel():
        opened.append(clock.now)
        return Channel(clock, ["word"])

    news = News(open_channel, reopen_s=5.0, clock=clock, wait=clock.wait)
    heard = [news.next(1.0) for _ in range(12)]
    assert heard.count("word") == len(opened) == 3
    assert all(later - earlier >= 5.0 for earlier, later in pairwise(opened))
    news.close()
    assert not news.live


def test_without_a_channel_the_host_is_asked_at_most_once_a_second(follow):
    polled, _ = follow("busy", "busy", "busy", "end")
    assert all(later - earlier >= 1.0 for earlier, later in pairwise(polled))


def test_a_print_that_the_channel_tells_of_is_not_asked_for(follow, clock):
    polled, _ = follow("end", channel=lambda: Channel(clock, ["busy"] * 50 + ["end"]))
    assert polled == []


def test_a_channel_that_says_nothing_for_long_is_doubted(follow, clock):
    polled, _ = follow("end", channel=lambda: Channel(clock, silent=True))
    assert polled


@pytest.mark.parametrize(
    ("answers", "error", "sentence"),
    [
        (["busy", Unavailable("restarting")], TransportLost, "said nothing about a1.gcode for 2"),
        (["busy", "idle"], TransportLost, "no record of its end: was it restarted"),
        (["idle"], ProtocolViolation, "TheHost accepted the start of a1.gcode but does not"),
    ],
)
def test_patience_ends_in_a_sentence(follow, answers, error, sentence):
    with pytest.raises(error, match=sentence):
        follow(*answers)


def test_a_restart_within_patience_loses_no_print(follow, clock):
    away = [TransportLost("no answer")] * 15
    follow("busy", *away, "busy", "end")
    assert clock.now > 15


def test_a_wish_that_the_host_cannot_obey_is_told_and_the_print_goes_on(follow):
    wishes = iter([Control.HOLD])

    def refuse(wish):
        raise Unavailable("its printer is gone")

    _, told = follow("busy", "end", controls=lambda: next(wishes, None), order=refuse)
    assert told == [Message("'hold' had no effect: its printer is gone")]


def test_an_abort_ends_the_watching_at_once(follow):
    assert follow("busy", controls=lambda: Control.ABORT) == ([], [])
