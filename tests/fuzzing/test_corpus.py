"""What hunts have found is read again with every run, without the hunter."""

import pytest

from commons.errors import InvalidInput
from tests.fuzzing.target import CORPUS, TARGETS, Target, kept, target


@pytest.mark.parametrize("name", TARGETS)
def test_what_was_found_is_read_or_refused(name, tmp_path):
    aim = target(name)
    assert all(aim.holds(data, tmp_path) for data in aim.good)
    for path in kept(name):
        try:
            aim.holds(path.read_bytes(), tmp_path)
        except BaseException as error:
            error.add_note(f"found by {path}")
            raise


def test_the_corpus_is_small_and_all_of_it_is_replayed():
    assert {folder.name for folder in CORPUS.iterdir()} <= set(TARGETS)
    assert sum(path.stat().st_size for path in CORPUS.rglob("*") if path.is_file()) < 1024**2


def test_a_refusal_is_an_answer_and_any_other_error_is_a_finding(tmp_path):
    def refuses(data, folder):
        raise InvalidInput("no")

    def breaks(data, folder):
        raise KeyError(data)

    assert not Target(refuses, ()).holds(b"", tmp_path)
    with pytest.raises(KeyError):
        Target(breaks, ()).holds(b"", tmp_path)
