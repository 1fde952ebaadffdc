"""Roles guessed from headers and values: measured on labelled headers, never with a wrong id."""

import pytest
from headers import LABELLED, labelled_table

from cxlink.cohort.read.source import open_source
from cxlink.cohort.spec.spec_sections import TableSection
from cxlink.cohort.starter.column_looks import looks_of
from cxlink.cohort.starter.roles import role_of


@pytest.fixture(scope="module")
def guessed() -> dict[str, str]:
    source = open_source(labelled_table(), TableSection())
    try:
        return {look.name: role_of(look).role for look in looks_of(source)}
    finally:
        source.close()


def test_nine_of_ten_roles_and_half_of_the_rest_are_right(guessed: dict[str, str]) -> None:
    wrong = {name: (guessed[name], role) for name, _, role in LABELLED if guessed[name] != role}
    assert len(LABELLED) >= 60
    assert len(wrong) <= 0.05 * len(LABELLED), wrong


def test_nothing_is_taken_for_a_customer_that_is_none(guessed: dict[str, str]) -> None:
    roles = {name: role for name, _, role in LABELLED}
    assert {name for name, role in guessed.items() if role == "id" and roles[name] != "id"} == set()
