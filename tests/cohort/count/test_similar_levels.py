"""Categories that differ in capitals alone are named, and count as they stand."""

import pytest
from tabled import cells, count, stay

from cxlink.report.profile_words import profile_notes

SAID = (
    "Of {column}, {levels} differ from each other in capitals or blanks alone, and each is a category of its own. If "
    "they mean the same, write them alike in the table."
)


@pytest.mark.parametrize(
    ("levels", "named"),
    [
        (["Pro", "pro", "PRO ", "basic"], "PRO, Pro and pro"),
        (["Pro", "pro", "Basic", "basic"], "Basic, basic, Pro and pro"),
        (["Pro plus", "Proplus", "Pro  plus", "basic"], "Pro  plus, Pro plus and Proplus"),
        (["STRASSE", "Straße", "a", "b"], "STRASSE and Straße"),
    ],
)
def test_levels_that_are_alike_are_named_and_stay_apart(levels: list[str], named: str) -> None:
    found = count(stay([5] * 4, [3] * 4, [1] * 4, plan=levels), adjust={"columns": ["plan"]})
    assert profile_notes(found.profile) == [SAID.format(column="plan", levels=named)]
    assert len(cells(found, "stratum.plan")) == len({level.strip() for level in levels})


def test_causes_of_loss_are_looked_at_too() -> None:
    causes = ["Price", "price", "moved", None]
    found = count(
        stay([5] * 4, [3] * 4, [1, 1, 1, 0], why=causes),
        subscription={"duration": "months", "event": "lost", "cause": "why"},
    )
    assert SAID.format(column="why", levels="Price and price") in profile_notes(found.profile)


@pytest.mark.parametrize("levels", [["a", "b", "ab", None], ["pro", "pro ", " pro", "basic"], [1, 2, 3, 4]])
def test_levels_that_differ_otherwise_or_not_at_all_are_not(levels: list[object]) -> None:
    found = count(stay([5] * 4, [3] * 4, [1] * 4, plan=levels), adjust={"columns": ["plan"]})
    assert profile_notes(found.profile) == []
