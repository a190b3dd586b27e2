"""What licences let whom do: the whole table, and laws that hold in every cell of it."""

from dataclasses import fields, replace
from itertools import product

import pytest

from commons.errors import InvalidInput
from commons.licences.answers import (
    Grant,
    ask_licence,
    is_open_hardware,
    says_the_same_to_all,
)
from commons.licences.expressions import alternatives, read_expression
from commons.licences.open_licences import PERMISSIVE
from commons.licences.reserved_licences import NO_DERIVATIVES
from commons.licences.spelling import wrong_spelling
from commons.licences.table import TABLE, licence_of
from commons.licences.terms import (
    DUTY_WORDS,
    FACT_WORDS,
    Actor,
    Duty,
    Event,
    Fact,
    LegalForm,
    Permission,
    freedom,
)
from tests.licensing import COPYFAIR, FAMILIES, FILE, KINDS, LICENCES, UNKNOWN, table

PERSON = KINDS["individual"]
CELLS = list(product(LICENCES, Event, KINDS.values()))


def may(expression: str, event: Event, actor: Actor) -> int:
    return freedom(ask_licence(expression, event, actor=actor).permission)


def test_the_whole_table_is_as_it_was_reviewed() -> None:
    assert table() == FILE.read_text(encoding="utf-8")


def test_every_cell_has_its_clause_and_a_sentence() -> None:
    for id_, event, actor in CELLS:
        answer = ask_licence(id_, event, actor=actor)
        assert answer.clauses and all(clause.startswith(id_) for clause in answer.clauses)
        assert answer.reason and not answer.reason.endswith(".")
        assert bool(answer.duties) == (answer.permission is Permission.ALLOW_WITH_DUTIES)


def test_what_says_the_same_to_all_says_it_to_every_kind_of_actor() -> None:
    same = {False: 0, True: 0}
    for id_, event in product(LICENCES, Event):
        answers = {ask_licence(id_, event, actor=actor) for actor in KINDS.values()}
        to_all = says_the_same_to_all(id_, event)
        same[to_all] += 1
        assert not to_all or len(answers) == 1, (id_, event)
    assert all(same.values())


def test_a_licence_that_is_not_known_is_asked_for_everything() -> None:
    for event, actor in product(Event, KINDS.values()):
        assert ask_licence(UNKNOWN, event, actor=actor).permission is Permission.ASK


def test_a_permissive_licence_allows_everybody_everything() -> None:
    for licence, event, actor in product(PERMISSIVE, Event, KINDS.values()):
        assert ask_licence(licence.id, event, actor=actor).allowed


def test_a_licence_without_derivatives_never_lets_a_fork_be_published() -> None:
    for licence, actor in product(NO_DERIVATIVES, KINDS.values()):
        answer = ask_licence(licence.id, Event.PUBLISH_FORK, actor=actor)
        assert answer.permission is Permission.DENY


def test_open_hardware_asks_nobody_who_they_are() -> None:
    for licence, event in product(TABLE.values(), Event):
        answers = {ask_licence(licence.id, event, actor=actor) for actor in KINDS.values()}
        if licence.open_hardware:
            assert len(answers) == 1
            assert answers.pop().allowed


def test_what_is_reserved_is_no_open_hardware() -> None:
    for word in ("-NC", "-ND", "PPL", "Hippocratic", "PolyForm", "LicenseRef-"):
        assert not [id_ for id_, it in TABLE.items() if word in id_ and it.open_hardware]


@pytest.mark.parametrize(
    ("expression", "badge"),
    [
        ("CERN-OHL-S-2.0", True),
        ("CERN-OHL-S-2.0 AND CC-BY-SA-4.0 AND GPL-3.0-or-later", True),
        ("CERN-OHL-S-2.0 AND CC-BY-NC-4.0", False),
        ("CERN-OHL-S-2.0 OR PPL", True),
        ("MIT AND (PPL OR CC-BY-ND-4.0)", False),
        (UNKNOWN, False),
        (COPYFAIR, False),
    ],
)
def test_the_badge_is_given_where_some_choice_is_open_hardware(
    expression: str, badge: bool
) -> None:
    assert is_open_hardware(expression) is badge


def test_all_of_an_and_must_allow_and_the_freest_of_an_or_counts() -> None:
    actors = (KINDS["unknown"], PERSON)
    for one, other, event, actor in product(FAMILIES, FAMILIES, Event, actors):
        both = {may(one, event, actor), may(other, event, actor)}
        assert may(f"{one} AND {other}", event, actor) == min(both)
        assert may(f"{one} OR {other}", event, actor) == max(both)


def test_an_or_tells_which_branch_was_chosen() -> None:
    answer = ask_licence("CC-BY-NC-4.0 OR CERN-OHL-S-2.0", Event.SELL_PRODUCT, actor=PERSON)
    assert (answer.permission, answer.chosen) == (Permission.ALLOW_WITH_DUTIES, "CERN-OHL-S-2.0")
    assert Duty.SOURCE_WITH_PRODUCT in answer.duties


def test_an_and_owes_the_duties_of_all_its_terms_by_the_clauses_of_all() -> None:
    answer = ask_licence("CERN-OHL-P-2.0 AND CC-BY-SA-4.0", Event.FEDERATE)
    assert answer.duties == (
        Duty.KEEP_NOTICES,
        Duty.GIVE_CREDIT,
        Duty.LINK_LICENCE,
        Duty.NO_LOCKS,
    )
    assert answer.clauses == ("CERN-OHL-P-2.0 s.3.1", "CC-BY-SA-4.0 s.3(b)")


def test_parentheses_bind_and_and_binds_tighter_than_or() -> None:
    sell = Event.SELL_PRODUCT
    assert ask_licence("MIT OR PPL AND CC-BY-NC-4.0", sell, actor=PERSON).chosen == "MIT"
    assert not ask_licence("(MIT OR PPL) AND CC-BY-NC-4.0", sell, actor=PERSON).allowed


def test_a_grant_never_makes_an_answer_worse_and_allows_what_it_is_for() -> None:
    for id_, event, actor in product(FAMILIES, Event, KINDS.values()):
        for granted in (event, Event.FEDERATE):
            grants = [Grant("g1", frozenset({granted}), "50 EUR a year")]
            answer = ask_licence(id_, event, actor=actor, grants=grants)
            assert freedom(answer.permission) >= may(id_, event, actor)
            assert answer.allowed or granted is not event


def test_what_rests_on_a_grant_names_it_and_what_was_agreed() -> None:
    grants = [Grant("g1", frozenset({Event.MAKE_FOR_PAY}), "2 % of the price")]
    wage = KINDS["wage_business"]
    answer = ask_licence("PPL", Event.MAKE_FOR_PAY, actor=wage, grants=grants)
    assert (answer.grant, answer.duties) == ("g1", (Duty.GIVE_CREDIT, Duty.AS_AGREED))
    assert "2 % of the price" in answer.reason


def test_an_answer_that_needs_no_grant_rests_on_none() -> None:
    grants = [Grant("g1", frozenset(Event))]
    assert ask_licence("MIT", Event.SELL_PRODUCT, grants=grants).grant is None


def values_of(fact: Fact) -> list[object]:
    if fact is Fact.LEGAL_FORM:
        return list(LegalForm)
    return [0, 1] if fact is Fact.CONTRIBUTED_RELEASES else [True, False]


@pytest.mark.slow
def test_what_is_not_known_allows_nothing_that_knowing_it_could_forbid() -> None:
    for id_, event, actor, fact in product(FAMILIES, Event, KINDS.values(), Fact):
        less = replace(actor, **{fact: None})
        if less.known(fact) is not None:
            continue  # it follows from the legal form
        answer = ask_licence(id_, event, actor=less)
        known = [may(id_, event, replace(actor, **{fact: it})) for it in values_of(fact)]
        if answer.allowed:
            assert freedom(answer.permission) <= min(known)
        if answer.permission is Permission.DENY:
            assert max(known) == freedom(Permission.DENY)


def test_a_question_that_a_fact_would_settle_names_the_fact() -> None:
    answer = ask_licence("PPL", Event.SELL_PRODUCT, actor=Actor(LegalForm.COOPERATIVE))
    assert answer.missing == (
        Fact.PRIVATE_PROFIT_FROM_WAGE_LABOUR,
        Fact.WORKER_OWNED,
        Fact.SURPLUS_TO_WORKERS_ONLY,
    )
    assert all(FACT_WORDS[fact] in answer.reason for fact in answer.missing)


def test_the_peer_production_licence_is_for_those_who_own_their_work() -> None:
    kinds = {name: ask_licence("PPL", Event.SELL_PRODUCT, actor=KINDS[name]) for name in KINDS}
    assert kinds["worker_coop"].clauses == ("PPL s.4(c)",)
    assert kinds["worker_coop"].allowed
    assert (kinds["wage_business"].permission, kinds["wage_business"].clauses) == (
        Permission.DENY,
        ("PPL s.4(d)",),
    )
    assert kinds["nonprofit"].permission is Permission.ASK


def test_an_agreement_of_a_platform_lets_those_sell_who_took_part() -> None:
    sell = Event.SELL_PRODUCT
    assert ask_licence(COPYFAIR, sell, actor=KINDS["contributor"]).allowed
    assert ask_licence(COPYFAIR, sell, actor=PERSON).permission is Permission.ASK


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("GPL-3.0", "GPL-3.0-only"),
        ("GPL-2.0+", "GPL-2.0-or-later"),
        ("LGPL-2.1+", "LGPL-2.1-or-later"),
        ("GFDL-1.3-invariants-only", "GFDL-1.3-only"),
        ("CC-BY-SA-3.0-DE", "CC-BY-SA-3.0"),
        ("CC-BY-3.0-IGO", "CC-BY-3.0"),
        ("GPL-2.0-only WITH Classpath-exception-2.0", "GPL-2.0-only"),
        ("licenseref-coopyleft", "LicenseRef-Coopyleft"),
        ("Apache-2.0+", "Apache-2.0"),
    ],
)
def test_other_ids_of_a_licence_mean_that_licence(written: str, meant: str) -> None:
    found = licence_of(written)
    assert found is not None
    assert found.id == meant


def test_an_expression_of_more_choices_than_anybody_can_look_at_is_refused() -> None:
    assert len(alternatives(read_expression(" AND ".join(["(MIT OR ISC)"] * 6)))) == 64
    for text in (" AND ".join(["(MIT OR ISC)"] * 30), " OR ".join(["MIT"] * 200)):
        with pytest.raises(InvalidInput, match=r"choices of licences|longer than"):
            read_expression(text)
        assert wrong_spelling(text) is not None


@pytest.mark.parametrize("text", ["", "CERN OHL", "MIT AND", "(MIT"])
def test_what_is_no_expression_is_refused_with_what_it_was(text: str) -> None:
    with pytest.raises(InvalidInput, match="SPDX"):
        ask_licence(text, Event.DOWNLOAD)


def test_every_fact_and_duty_has_words_and_every_fact_is_a_field() -> None:
    assert set(FACT_WORDS) == set(Fact)
    assert set(DUTY_WORDS) == set(Duty)
    assert {field.name for field in fields(Actor)} == set(Fact)
