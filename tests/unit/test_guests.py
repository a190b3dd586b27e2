"""Requests of guests: how many a lab takes, and what their guest reads of them."""

import pytest

from commons.errors import Conflict, TooMany
from commons.guests import Answer, Stage, is_email, require_room, stage
from commons.job import JobState
from repo_server.api.senders import network


@pytest.mark.parametrize(
    ("answer", "jobs", "held_back", "is_"),
    [
        (Answer.OPEN, "", False, Stage.ASKED),
        (Answer.DECLINED, "", False, Stage.DECLINED),
        (Answer.WITHDRAWN, "", False, Stage.WITHDRAWN),
        (Answer.APPROVED, "", True, Stage.HELD_BACK),
        (Answer.APPROVED, "", False, Stage.NOT_MADE),
        (Answer.APPROVED, "queued staged", False, Stage.WAITING),
        (Answer.APPROVED, "cancelled queued", False, Stage.WAITING),
        (Answer.APPROVED, "queued running", False, Stage.BEING_MADE),
        (Answer.APPROVED, "done queued", False, Stage.BEING_MADE),
        (Answer.APPROVED, "failed", False, Stage.BEING_MADE),
        (Answer.APPROVED, "done rejected", False, Stage.READY),
        (Answer.APPROVED, "cancelled rejected", False, Stage.NOT_MADE),
    ],
)
def test_a_guest_reads_how_far_a_request_is(answer, jobs, held_back, is_) -> None:
    assert stage(answer, [JobState(it) for it in jobs.split()], held_back=held_back) is is_


def test_a_lab_takes_so_many_and_no_more() -> None:
    require_room(open_=49, of_sender=4, at_lab=19)
    with pytest.raises(TooMany, match="5 requests came from where you are") as refused:
        require_room(open_=0, of_sender=5, at_lab=5)
    assert refused.value.retry_s == 3600
    with pytest.raises(TooMany, match="many things within an hour"):
        require_room(open_=0, of_sender=0, at_lab=20)
    with pytest.raises(Conflict, match="50 requests wait for this lab's answer"):
        require_room(open_=50, of_sender=0, at_lab=0)


@pytest.mark.parametrize(
    ("text", "is_one"),
    [("ana@example.org", True), ("ana", False), ("ana@example", False),
     ("a@b.org\nBcc: x@y.z", False), ("ana@example.org, bo@example.org", False),
     ("Ana <ana@example.org>", False)],
)  # fmt: skip
def test_an_address_is_one_address(text: str, is_one: bool) -> None:
    assert is_email(text) is is_one


@pytest.mark.parametrize(
    ("peer", "forwarded", "from_"),
    [
        ("203.0.113.9", "", "203.0.113.9"),
        ("203.0.113.9", "198.51.100.1", "203.0.113.9"),  # anybody may write that
        ("127.0.0.1", "198.51.100.1, 203.0.113.7", "203.0.113.7"),  # a proxy here wrote the last
        ("127.0.0.1", "nonsense", "127.0.0.1"),
        ("2001:db8:1:2:3::4", "", "2001:db8:1:2::/64"),
        ("", "", ""),
    ],
)
def test_who_sends_is_told_by_the_network_that_nobody_can_make_up(peer, forwarded, from_) -> None:
    assert network(peer, forwarded) == from_
