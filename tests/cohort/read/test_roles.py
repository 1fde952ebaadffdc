"""Roles guessed from headers and values: measured on labelled headers, never with a wrong id."""

import pytest
from headers import LABELLED, ROMANCE, UNSEEN, labelled_table

from cxlink.cohort.read.source import open_source
from cxlink.cohort.spec.spec_sections import TableSection
from cxlink.cohort.starter.column_looks import looks_of
from cxlink.cohort.starter.roles import role_of


@pytest.mark.parametrize("labelled", [LABELLED, UNSEEN, ROMANCE], ids=["labelled", "unseen", "romance"])
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
