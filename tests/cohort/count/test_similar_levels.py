"""Categories that differ in capitals alone are named, and count as they stand."""

import pytest
from tabled import cells, count, stay

from cxlink.report.profile_words import profile_notes

END = "Each counts as a category of its own: if they mean the same, write them alike in the table."
ONE = "Of {column}, categories differ in capitals or blanks alone: {levels}. " + END
MORE = "Of {column}, {n} sets of categories differ in capitals or blanks alone, such as {levels}. " + END


@pytest.mark.parametrize(
    ("levels", "named"),
    [
        (["Pro", "pro", "PRO ", "basic"], "PRO = Pro = pro"),
        (["Pro", "pro", "Basic", "basic"], "Basic = basic and Pro = pro"),
        (["Pro plus", "Proplus", "Pro  plus", "basic"], "Pro  plus = Pro plus = Proplus"),
        (["STRASSE", "Straße", "a", "b"], "STRASSE = Straße"),
    ],
)
def test_levels_that_are_alike_are_named_and_stay_apart(levels: list[str], named: str) -> None:
    found = count(stay([5] * 4, [3] * 4, [1] * 4, plan=levels), adjust={"columns": ["plan"]})
    assert profile_notes(found.profile) == [
        (MORE if " and " in named else ONE).format(column="plan", levels=named, n=2)
    ]
    assert len(cells(found, "stratum.plan")) == len({level.strip() for level in levels})


def test_causes_of_loss_are_looked_at_too() -> None:
    causes = ["Price", "price", "moved", None]
    found = count(
        stay([5] * 4, [3] * 4, [1, 1, 1, 0], why=causes),
        subscription={"duration": "months", "event": "lost", "cause": "why"},
    )
    assert ONE.format(column="why", levels="Price = price") in profile_notes(found.profile)


@pytest.mark.parametrize("levels", [["a", "b", "ab", None], ["pro", "pro ", " pro", "basic"], [1, 2, 3, 4]])
def test_levels_that_differ_otherwise_or_not_at_all_are_not(levels: list[object]) -> None:
    found = count(stay([5] * 4, [3] * 4, [1] * 4, plan=levels), adjust={"columns": ["plan"]})
    assert profile_notes(found.profile) == []


def test_of_many_sets_five_are_named() -> None:
    levels = [name for i in range(8) for name in (f"Plan {i}", f"plan {i}")]
    found = count(stay([5] * 16, [3] * 16, [1] * 16, plan=levels), adjust={"columns": ["plan"]})
    (said,) = profile_notes(found.profile)
    assert "8 sets" in said
    assert said.count(" = ") == 5
