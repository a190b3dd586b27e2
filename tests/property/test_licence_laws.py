"""Laws of licences: any expression is as free as its branches make it, any text is read safely."""

from hypothesis import given
from hypothesis import strategies as st
from packaging.licenses import canonicalize_license_expression

from commons.licences.answers import ask_licence
from commons.licences.expressions import alternatives, ids_of, read_expression
from commons.licences.forks import may_fork
from commons.licences.spelling import read_spelling, wrong_spelling
from commons.licences.terms import Actor, Event, Permission, freedom
from tests.licensing import FAMILIES, KINDS

Tree = str | tuple[str, list["Tree"]]
trees = st.recursive(
    st.sampled_from(FAMILIES),
    lambda inner: st.tuples(
        st.sampled_from(["AND", "OR"]), st.lists(inner, min_size=2, max_size=3)
    ),
    max_leaves=6,
)
actors = st.sampled_from(list(KINDS.values()))


def written(tree: Tree) -> str:
    if isinstance(tree, str):
        return tree
    joint, terms = tree
    return "(" + f" {joint} ".join(map(written, terms)) + ")"


def expected(tree: Tree, event: Event, actor: Actor) -> int:
    if isinstance(tree, str):
        return freedom(ask_licence(tree, event, actor=actor).permission)
    joint, terms = tree
    return (min if joint == "AND" else max)(expected(term, event, actor) for term in terms)


@given(trees, st.sampled_from(Event), actors)
def test_an_expression_is_as_free_as_its_tree(tree: Tree, event: Event, actor: Actor) -> None:
    answer = ask_licence(written(tree), event, actor=actor)
    assert freedom(answer.permission) == expected(tree, event, actor)
    # What was chosen is named by the expression, and gives this answer by itself.
    again = ask_licence(answer.chosen, event, actor=actor)
    assert (again.permission, set(again.duties)) == (answer.permission, set(answer.duties))


@given(trees)
def test_the_choices_of_an_expression_name_all_its_licences_and_no_other(tree: Tree) -> None:
    expression = read_expression(written(tree))
    named = set(ids_of(expression))
    assert set().union(*alternatives(expression)) == named


@given(trees, st.sampled_from(FAMILIES), actors)
def test_nobody_publishes_a_fork_that_they_may_not_publish_under_any_licence(
    tree: Tree, fork: str, actor: Actor
) -> None:
    if not ask_licence(written(tree), Event.PUBLISH_FORK, actor=actor).allowed:
        assert not may_fork(written(tree), fork, actor=actor).allowed


@given(trees, st.sampled_from(FAMILIES), st.sampled_from(FAMILIES), actors)
def test_a_fork_of_a_fork_has_lost_nothing_that_its_origin_kept_back(
    tree: Tree, one: str, two: str, actor: Actor
) -> None:
    """Two steps never lead where the first licence forbids everybody to go: commerce."""
    base = written(tree)
    sells = ask_licence(base, Event.SELL_PRODUCT, actor=actor).permission
    steps = may_fork(base, one, actor=actor).allowed and may_fork(one, two, actor=actor).allowed
    if steps and sells is Permission.DENY:
        assert not ask_licence(two, Event.SELL_PRODUCT, actor=actor).allowed


WORDS = ["CC", "BY", "SA", "NC", "ND", "4.0", "3", "v2", "CERN", "OHL", "S", "W", "GPL", "+",
         "or", "later", "and", "MIT", "/", "(", ")", "licence"]  # fmt: skip
names = st.lists(st.sampled_from(WORDS), max_size=8).map(" ".join)


@given(st.text(max_size=80) | names)
def test_whatever_is_written_is_read_as_spdx_or_asked_or_refused(text: str) -> None:
    found = read_spelling(text)
    if found.expression is not None:
        assert canonicalize_license_expression(found.expression) == found.expression
        assert not found.candidates
        assert read_spelling(found.expression).expression == found.expression
    else:
        assert len(found.candidates) != 1
        assert wrong_spelling(text)
