"""Roles guessed from headers and values: measured on labelled headers, never with a wrong id.

At first sight, before the vocabulary was mended by them, 76 of the 91 headers in `FRESH` were right (84 %), and none
was taken for a customer that is none. All lists are held since, so that nothing that was right turns wrong.
"""

import datetime

import pytest
from headers import AUDITED, FRESH, LABELLED, ROMANCE, UNSEEN, labelled_table

from cxlink.cohort.read.source import open_source
from cxlink.cohort.spec.spec_sections import TableSection
from cxlink.cohort.starter.column_looks import Look, looks_of
from cxlink.cohort.starter.roles import role_of


@pytest.mark.parametrize(
    "labelled",
    [LABELLED, UNSEEN, ROMANCE, AUDITED, FRESH],
    ids=["labelled", "unseen", "romance", "audited", "fresh"],
)
def test_nineteen_of_twenty_roles_are_right_and_nothing_is_a_customer_that_is_none(
    labelled: tuple[tuple[str, str, str], ...],
) -> None:
    source = open_source(labelled_table(labelled), TableSection())
    try:
        guessed = {look.name: role_of(look).role for look in looks_of(source)}
    finally:
        source.close()
    wrong = {name: (guessed[name], role) for name, _, role in labelled if guessed[name] != role}
    assert len(labelled) >= 60
    assert len(wrong) <= 0.05 * len(labelled), wrong
    assert {name for name, (guess, _) in wrong.items() if guess == "id"} == set()


@pytest.mark.parametrize(
    ("header", "role"),
    [
        ("n", "count"), ("Customers", "count"), ("count", "count"), ("aantal", "count"), ("Anzahl", "count"),
        ("weight", "count"), ("number_of_customers", "count"), ("aantal klanten", "count"), ("CustomerCount", "count"),
        ("number_of_products", "other"), ("aantal_bezoeken", "other"), ("maanden_lid", "duration"),
    ],
)  # fmt: skip
def test_whole_numbers_of_customers_are_a_count_and_no_id(header: str, role: str) -> None:
    look = Look(header, n=120, n_values=60, low=1, high=400, whole=True)
    assert role_of(look).role == role


@pytest.mark.parametrize(
    "look",
    [
        Look("n", n=120, n_values=120, low=1, high=120, whole=True, unique=True),  # numbers the rows
        Look("weight", n=120, n_values=60, low=0.5, high=4, whole=False),
        Look("count", n=120, n_values=60, low=-1, high=400, whole=True),
        Look("n", n=120, n_values=1, low=1, high=1, whole=True),
    ],
)
def test_other_numbers_of_such_a_name_are_no_count(look: Look) -> None:
    assert role_of(look).role != "count"


@pytest.mark.parametrize(
    ("header", "role"),
    [("unsubscribed_at", "end"), ("lapse_date", "end"), ("meetdatum", "survey"), ("subscribed_on", "signup")],
)
def test_words_of_leaving_go_before_those_of_joining(header: str, role: str) -> None:
    days = (datetime.date(2024, 1, 1), datetime.date(2025, 1, 1))
    assert role_of(Look(header, n=9, n_values=9, dates=days)).role == role
