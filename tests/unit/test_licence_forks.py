"""Forks keep what their origin asks, and works become one only under a licence that all allow."""

from itertools import product

import pytest

from commons.licences.answers import Grant
from commons.licences.combining import may_become_one, may_stand_together
from commons.licences.forks import licences_for_one_work, may_fork
from commons.licences.open_licences import PERMISSIVE
from commons.licences.terms import Actor, Duty, Event, LegalForm, Permission, freedom
from tests.licensing import FAMILIES, LICENCES, UNKNOWN

PERSON = Actor(LegalForm.INDIVIDUAL)
WAGE = Actor(LegalForm.BUSINESS, private_profit_from_wage_labour=True)


def answer(base: str, fork: str) -> Permission:
    return may_fork(base, fork, actor=PERSON).permission


@pytest.mark.parametrize(
    ("base", "fork"),
    [
        ("CC-BY-SA-3.0", "CC-BY-SA-4.0"),
        ("CC-BY-SA-4.0", "GPL-3.0-only"),
        ("CC-BY-SA-4.0", "LAL-1.3"),
        ("CERN-OHL-1.2", "CERN-OHL-1.2"),
        ("GPL-3.0-or-later", "AGPL-3.0-only"),
        ("CC-BY-NC-4.0", "CC-BY-NC-SA-4.0"),
        ("CERN-OHL-S-2.0", "CERN-OHL-S-2.0"),
        ("MIT", "CERN-OHL-S-2.0"),
        ("MIT OR CC-BY-ND-4.0", "PPL"),
        ("CC-BY-SA-4.0 AND MIT", "MIT AND CC-BY-SA-4.0"),
    ],
)
def test_these_forks_may_be_published(base: str, fork: str) -> None:
    assert may_fork(base, fork, actor=PERSON).allowed


@pytest.mark.parametrize(
    ("base", "fork"),
    [
        ("CC-BY-SA-4.0", "CC-BY-SA-3.0"),
        ("GPL-3.0-only", "CC-BY-SA-4.0"),
        ("CC-BY-SA-4.0", "CERN-OHL-S-2.0"),
        ("CERN-OHL-S-2.0", "CERN-OHL-W-2.0"),
        ("CERN-OHL-S-2.0", "MIT"),
        ("CERN-OHL-S-2.0", "CERN-OHL-S-2.0 OR MIT"),
        ("GPL-2.0-only", "GPL-3.0-only"),
        ("CC-BY-NC-4.0", "CC-BY-4.0"),
        ("CC-BY-NC-4.0", UNKNOWN),
        ("CC-BY-NC-4.0", "LicenseRef-CopyFair-Ours"),
        ("CC-BY-ND-4.0", "CC-BY-ND-4.0"),
        ("LicenseRef-NONE", "MIT"),
        ("PPL", "CC-BY-NC-SA-3.0"),
        ("CERN-OHL-S-2.0 AND CC-BY-SA-4.0", "MIT"),
    ],
)
def test_these_forks_are_refused_with_a_clause_and_a_way_out(base: str, fork: str) -> None:
    refused = may_fork(base, fork, actor=PERSON)
    assert refused.permission is Permission.DENY
    assert refused.clauses
    assert refused.reason


def test_a_refusal_names_the_licences_that_would_do() -> None:
    assert may_fork("CERN-OHL-S-2.0", "MIT").reason == (
        "a fork of CERN-OHL-S-2.0 cannot be under MIT: choose CERN-OHL-S-2.0"
    )


@pytest.mark.parametrize(
    ("base", "fork"),
    [
        ("CERN-OHL-W-2.0", "CERN-OHL-S-2.0"),
        ("CERN-OHL-S-2.0", "CERN-OHL-S-2.0 AND MIT"),
        (UNKNOWN, "MIT"),
    ],
)
def test_what_only_people_can_judge_is_asked(base: str, fork: str) -> None:
    assert answer(base, fork) is Permission.ASK


def test_a_permissive_licence_lets_forks_have_any_licence() -> None:
    for licence, fork in product(PERMISSIVE, (*LICENCES, UNKNOWN)):
        assert may_fork(licence.id, fork, actor=PERSON).allowed


def test_a_fork_owes_its_change_notice_and_its_credits() -> None:
    duties = may_fork("CC-BY-SA-4.0", "CC-BY-SA-4.0").duties
    assert {Duty.SAY_CHANGED, Duty.GIVE_CREDIT, Duty.SAME_LICENCE} <= set(duties)


def test_no_fork_of_two_alternatives_is_freer_than_each_of_them() -> None:
    for base, one, other in product(FAMILIES, FAMILIES, ("MIT", "CC-BY-SA-4.0")):
        both = [freedom(answer(base, fork)) for fork in (one, other)]
        assert freedom(answer(base, f"{one} OR {other}")) == min(both)


def test_a_business_that_a_licence_shuts_out_publishes_no_fork_of_it() -> None:
    refused = may_fork("PPL", "PPL", actor=WAGE)
    assert (refused.permission, refused.clauses) == (Permission.DENY, ("PPL s.4(d)",))


def test_a_grant_lets_a_fork_be_published_under_the_licence_it_had_and_no_other() -> None:
    grants = [Grant("g1", frozenset({Event.PUBLISH_FORK}))]
    assert may_fork("CC-BY-ND-4.0", "CC-BY-ND-4.0", actor=PERSON, grants=grants).grant == "g1"
    assert not may_fork("CC-BY-ND-4.0", "MIT", actor=PERSON, grants=grants).allowed
    assert may_fork("PPL", "PPL", actor=WAGE, grants=grants).allowed
    assert not may_fork("PPL", "MIT", actor=WAGE, grants=grants).allowed


def test_works_become_one_under_a_licence_that_each_of_them_allows() -> None:
    assert licences_for_one_work(["CC-BY-SA-4.0", "GPL-3.0-only"]) == ("GPL-3.0-only",)
    assert licences_for_one_work(["MIT", "CERN-OHL-S-2.0"]) == ("CERN-OHL-S-2.0",)


@pytest.mark.parametrize(
    "works",
    [
        ["CC-BY-SA-4.0", "CERN-OHL-S-2.0"],
        ["CERN-OHL-S-2.0", "TAPR-OHL-1.0"],
        ["TAPR-OHL-1.0", "GPL-3.0-only"],
        ["CERN-OHL-S-2.0", "GPL-3.0-or-later"],
        ["CC-BY-ND-4.0", "MIT"],
        [UNKNOWN, "MIT"],
    ],
)
def test_works_that_no_licence_can_join_stay_separate_parts(works: list[str]) -> None:
    assert licences_for_one_work(works) == ()
    assert not may_become_one(works).allowed


def test_works_that_become_one_owe_what_each_of_them_asks() -> None:
    whole = may_become_one(["Apache-2.0", "CC-BY-SA-4.0"])
    assert (whole.permission, whole.chosen) == (Permission.ALLOW_WITH_DUTIES, "CC-BY-SA-4.0")
    assert {Duty.KEEP_NOTICES, Duty.SAME_LICENCE, Duty.GIVE_CREDIT} <= set(whole.duties)
    assert whole.clauses == ("Apache-2.0 s.4", "CC-BY-SA-4.0 s.3(b)")


def test_a_refused_union_says_that_an_assembly_of_parts_is_another_matter() -> None:
    refused = may_become_one(["CC-BY-SA-4.0", "TAPR-OHL-1.0"])
    assert refused.permission is Permission.DENY
    assert "as separate parts of an assembly each keeps its own" in refused.reason
    assert may_stand_together(["CC-BY-SA-4.0", "TAPR-OHL-1.0"]).allowed


def test_parts_beside_a_reciprocal_one_are_asked_whether_anybody_can_get_them() -> None:
    asked = may_stand_together(["CERN-OHL-S-2.0", "CC-BY-SA-4.0"])
    assert (asked.permission, asked.clauses) == (Permission.ASK, ("CERN-OHL-S-2.0 s.3.3(d)",))
    assert "an Available Component" in asked.reason
    assert may_stand_together(["CERN-OHL-S-2.0", "CERN-OHL-P-2.0"]).allowed
    assert may_stand_together(["CERN-OHL-S-2.0", "CERN-OHL-S-2.0"]).allowed


def test_what_is_not_known_is_asked_in_one_work_and_in_an_assembly() -> None:
    for works in ([UNKNOWN, "MIT"], ["MIT AND " + UNKNOWN]):
        assert may_become_one(works).permission is Permission.ASK
        assert may_stand_together(works).permission is Permission.ASK
    assert may_stand_together([f"{UNKNOWN} OR MIT", "CC0-1.0"]).allowed


def test_whatever_may_become_one_may_stand_together() -> None:
    for one, other in product(FAMILIES, FAMILIES):
        if may_become_one([one, other]).allowed:
            assert may_stand_together([one, other]).allowed
