"""Whether somebody is trained at a moment, and what is said when not."""

from datetime import UTC, datetime, timedelta

import pytest

from commons.trainings import Required, Span, missing

NOW = datetime(2026, 5, 10, 12, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def asks(*spans: Span, trainers: tuple[str, ...] = ("Ben", "Olga")) -> Required:
    return Required("CNC mills", trainers, {"mem": spans})


@pytest.mark.parametrize(
    ("spans", "sentence"),
    [
        ((), "a training for CNC mills is missing: ask Ben, Olga (trainers)"),
        (
            (Span(NOW - 90 * DAY, NOW - 7 * DAY),),
            "the training for CNC mills ended on 3 May: ask Ben, Olga (trainers)",
        ),
        (
            (Span(NOW - 900 * DAY, NOW - 300 * DAY), Span(NOW - 800 * DAY, NOW - 200 * DAY)),
            "the training for CNC mills ended on 22 October 2025: ask Ben, Olga (trainers)",
        ),
        (
            (Span(NOW - DAY, NOW + 90 * DAY, revoked_at=NOW - timedelta(hours=1)),),
            "the training for CNC mills was revoked on 10 May: ask Ben, Olga (trainers)",
        ),
        (
            (Span(NOW + DAY),),
            "the training for CNC mills counts from 11 May: ask Ben, Olga (trainers)",
        ),
    ],
)
def test_who_is_not_trained_is_told_why_and_whom_to_ask(spans, sentence):
    assert missing(asks(*spans), "mem", at=NOW) == sentence


@pytest.mark.parametrize(
    "spans",
    [
        (Span(NOW),),
        (Span(NOW - DAY, NOW + timedelta(seconds=1)),),
        (Span(NOW - 9 * DAY, NOW - DAY), Span(NOW - DAY, NOW + DAY)),  # signed again
        (Span(NOW - 9 * DAY, None, revoked_at=NOW - DAY), Span(NOW - DAY)),
    ],
)
def test_a_training_counts_from_its_begin_until_just_before_its_end(spans):
    assert missing(asks(*spans), "mem", at=NOW) is None


def test_it_ends_at_its_end_and_not_after():
    (span,) = spans = (Span(NOW - DAY, NOW),)
    assert span.counts(NOW - timedelta(seconds=1)) and missing(asks(*spans), "mem", at=NOW)


def test_others_trainings_do_not_count_and_without_trainers_a_manager_is_asked():
    required = asks(Span(NOW - DAY), trainers=())
    assert missing(required, "stranger", at=NOW) == (
        "a training for CNC mills is missing: ask a manager of the lab"
    )
